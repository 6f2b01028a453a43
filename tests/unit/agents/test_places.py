"""Where a guard's texts stand in what the model really reads, under templates of several makes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from safebasin.agents.first_pages import first_page_prompts
from safebasin.agents.prompting import Injected
from safebasin.agents.rollout import RolloutSettings, play
from safebasin.guards.choice import PrefixChoice
from safebasin.guards.guard import GuardContext, load_guard
from safebasin.models.chat import ChatFormat
from safebasin.models.tiny import CHAT_TEMPLATE

from .doors import Doors
from .scripted_model import scripted


@dataclass(frozen=True)
class Template:
    """A chat template, with what ends a user's turn and what begins the assistant's."""

    text: str
    user_ends: str
    header: str


TEMPLATES = {
    "tiny": Template(CHAT_TEMPLATE, "<|im_end|>\n", "<|im_start|>assistant\n"),
    "a system role of its own": Template(
        "{% if messages[0]['role'] == 'system' %}{{ '[system] ' + messages[0]['content'] + '\n' }}"
        "{% set messages = messages[1:] %}{% endif %}"
        "{% for message in messages %}"
        "{{ '<' + message['role'] + '>\n\n' + message['content'] | trim + '</turn>' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<assistant>\n\n' }}{% endif %}",
        "</turn>",
        "<assistant>\n\n",
    ),
    "the system in the user's turn": Template(
        "{% set system = messages[0]['content'] %}{% for message in messages[1:] %}"
        "{% if message['role'] == 'user' %}"
        "{{ '<ask>' + (system + '\n\n' if loop.first else '') + message['content'] + '</ask>' }}"
        "{% else %}{{ message['content'] + '<over>' }}{% endif %}{% endfor %}",
        "</ask>",
        "",
    ),
}
WINNER = "# I look twice and decline."
LONG = Doors().tasks("test", "benign", 3)[2:]
"""One task of three rooms."""
MODES = [
    pytest.param({}, id="page alone"),
    pytest.param({"history": True}, id="history"),
    pytest.param({"history": True, "keep_opening": False}, id="history without openings"),
]


def guard(**settings: object) -> Injected:
    choice = PrefixChoice(winner=WINNER, first_round_best="# First.", pool=("# First.", WINNER))
    return load_guard({"type": "prefix", **settings}, GuardContext(prefix=choice, count_tokens=len))


def asked(template: Template, injected: Injected, **settings: object) -> list[str]:
    """What the model was asked at each turn of the long task, as it reads it."""
    loaded = scripted(lambda text: f"open({re.findall('Room ([0-9])', text)[-1]})", template.text)
    rollout = RolloutSettings(max_new_tokens=20, batch_size=2, **settings)
    (played,) = play(loaded, Doors(), LONG, injected, rollout)
    assert played.stop == "done"
    return loaded.model.asked


@pytest.mark.parametrize("settings", MODES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_the_prefix_follows_the_assistants_header_at_every_turn(name: str, settings) -> None:
    template = TEMPLATES[name]

    texts = asked(template, guard(), **settings)

    assert len(texts) == 3
    for turn, text in enumerate(texts, start=1):
        assert text.endswith(f"{template.user_ends}{template.header}{WINNER}\n")
        past = turn - 1 if settings.get("history") and settings.get("keep_opening", True) else 0
        assert text.count(WINNER) == past + 1


@pytest.mark.parametrize("settings", MODES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_the_suffix_is_the_end_of_the_last_users_turn_and_stands_nowhere_else(
    name: str, settings
) -> None:
    template = TEMPLATES[name]

    texts = asked(template, guard(placement="suffix"), **settings)

    assert len(texts) == 3
    for turn, text in enumerate(texts, start=1):
        assert text.endswith(f"\n{WINNER}{template.user_ends}{template.header}")
        assert f"Room {turn} of 3" in text.rpartition(WINNER)[0][-60:]
        assert text.count(WINNER) == 1


@pytest.mark.parametrize("placement", ["opening", "suffix"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_search_sees_the_page_that_an_episode_begins_with(name: str, placement: str) -> None:
    loaded = scripted(lambda text: "", TEMPLATES[name].text)
    injected = guard(placement=placement)

    (tokens,) = first_page_prompts(ChatFormat(loaded.tokenizer), Doors(), LONG, injected)

    assert loaded.tokenizer.decode(tokens) == asked(TEMPLATES[name], injected)[0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_safety_message_stands_with_the_systems(name: str) -> None:
    context = GuardContext(prefix=None, count_tokens=len)
    injected = load_guard({"type": "system", "text": "Be calm."}, context)

    (text, *_) = asked(TEMPLATES[name], injected)

    assert f"{Doors.system}\nBe calm." in text
    assert text.index("Be calm.") < text.index("Task:")
