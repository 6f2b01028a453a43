"""Every template that is at hand is tried on what the study will say, before anything runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from safebasin.errors import StudyError
from safebasin.preflight.templates import check_templates

from ..templates.families import CHATML, DATED, GEMMA, MISTRAL, QWEN3, THINKS_FIRST
from .conftest import checkpoint

SYSTEM = {"tasks": {"words": {"system": "Answer in one word."}}}
DROPS = CHATML.replace("in messages %}", "in messages if message.role != 'system' %}")
LISTED = [{"name": "tool_use", "template": GEMMA}, {"name": "rag", "template": CHATML}]


def aligned(**settings: object) -> dict[str, Any]:
    return {"checkpoints": {"tiny-aligned": settings}}


def found(hub, build, template: object, *edits: dict[str, Any], files: Any = None) -> list[str]:
    """What is found of a pair whose aligned model brings this template."""
    hub.add("lab/base", checkpoint(), commit="a" * 40)
    config = json.dumps({"chat_template": template, "bos_token": "<s>", "eos_token": "</s>"})
    own = {**checkpoint(b"c"), "tokenizer_config.json": config.encode(), **(files or {})}
    hub.add("lab/chat", own, commit="b" * 40)
    edit: dict[str, Any] = {}
    for each in edits:
        edit |= each
    return [f"{each.what} | {each.cure}" for each in check_templates(build(edit))]


@pytest.mark.parametrize("template", [CHATML, DATED, QWEN3])
def test_a_template_that_writes_all_that_is_said_has_no_finding(hub, build, template) -> None:
    assert found(hub, build, template, SYSTEM) == []


@pytest.mark.parametrize("template", [GEMMA, MISTRAL])
def test_no_system_role_is_found_where_a_task_has_a_system_message(hub, build, template) -> None:
    assert found(hub, build, template) == []

    (told,) = found(hub, build, template, SYSTEM)

    assert told.startswith("checkpoints.tiny-aligned: its chat template takes no system message")
    assert "adapter/tiny/words" in told
    assert "chat_system: into_first_user_turn" in told
    into = aligned(chat_system="into_first_user_turn")
    assert found(hub, build, template, SYSTEM, into) == []


@pytest.mark.parametrize(
    ("template", "what", "cure"),
    [
        (DROPS, "leaves out or changes the system message", "into_first_user_turn"),
        (LISTED, "no chat template is the default", "chat_template_name"),
        (THINKS_FIRST, "cannot be learnt", "enable_thinking"),
        ("{{ [1] | random }}", "picks at random", "chat_template"),
        ("{% for m in %}", "does not render", "chat_template"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
         "seconds", "chat_template"),
        ("{{ messages }}", "leaves out or changes what is asked", "chat_template"),
        (CHATML.replace("['content']", "['content'] | e"), "what is asked: 'first-thing-asked",
         "chat_template"),
        (CHATML.replace("['content']", "['content'] | lower"), "changes what is asked",
         "chat_template"),
        (CHATML.replace("['content']", "['content'].replace('\\n', ' ')"), "changes what is asked",
         "chat_template"),
        (None, "has no chat template", "chat_template"),
        (7, "neither a text nor a list", ""),
    ],
)  # fmt: skip
def test_what_a_template_does_wrong_is_found_once(hub, build, template, what, cure) -> None:
    (told,) = found(hub, build, template, SYSTEM)

    assert told.startswith("checkpoints.tiny-aligned: ")
    assert what in told
    assert cure in told


def test_a_named_template_and_values_of_its_names_are_heeded(hub, build) -> None:
    assert found(hub, build, LISTED, aligned(chat_template_name="rag"), SYSTEM) == []
    off = aligned(chat_template_kwargs={"enable_thinking": False})
    assert found(hub, build, QWEN3, off, SYSTEM) == []
    (told,) = found(hub, build, CHATML, off, SYSTEM)
    assert "has no enable_thinking" in told


def test_a_template_of_the_studys_own_is_refused_by_check(hub, build) -> None:
    with pytest.raises(StudyError) as raised:
        found(hub, build, CHATML, aligned(chat_template=GEMMA), SYSTEM)

    (_, told) = str(raised.value).splitlines()
    assert "checkpoints.tiny-aligned.chat_template: " in told
    assert "takes no system message" in told
    assert "into_first_user_turn" in told
    mended = aligned(chat_template=GEMMA, chat_system="into_first_user_turn")
    assert found(hub, build, CHATML, mended, SYSTEM) == []


@pytest.mark.parametrize("config", [{}, {"bos_token": {"content": "<s>"}}, {"eos_token": None}])
def test_special_tokens_that_are_not_at_hand_are_not_missed(hub, build, config) -> None:
    settings = json.dumps({"chat_template": "{{ bos_token + '' }}" + MISTRAL, **config}).encode()
    assert found(hub, build, "", files={"tokenizer_config.json": settings}) == []
