"""A template that does not write what was said is told apart, by name and with its cure."""

from __future__ import annotations

import pytest
from safebasin.errors import DamagedInput
from safebasin.templates.conversation import ChatTemplate, TemplateFault
from safebasin.templates.forms import USER, Form, examine
from safebasin.templates.settings import ChatSettings

from .families import CHATML, DATED, FAMILIES, GEMMA, MISTRAL, PHI, QWEN3, STRICT, THINKS_FIRST

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
FORMS = [
    Form(learnt=learnt, system=system, turns=turns)
    for learnt in (False, True)
    for system in (False, True)
    for turns in (False, True)
]
INTO_USER = ChatSettings(system="into_first_user_turn")
INTO = "chat_system: into_first_user_turn"
ANOTHER = "give the checkpoint a `chat_template`"


def template(text: str, **settings: object) -> ChatTemplate:
    return ChatTemplate(
        name="checkpoint mine", text=text, tokens=TOKENS, settings=ChatSettings(**settings)
    )


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("text", [CHATML, DATED, PHI, QWEN3])
def test_a_template_with_a_system_role_writes_every_form(text: str, form: Form) -> None:
    examine(template(text), form)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("text", [GEMMA, MISTRAL])
def test_one_without_writes_all_but_those_with_a_system_message(text: str, form: Form) -> None:
    examine(template(text, system="into_first_user_turn"), form)
    if not form.system:
        examine(template(text), form)
        return
    with pytest.raises(TemplateFault, match=INTO) as raised:
        examine(template(text), form)
    assert str(raised.value).startswith("checkpoint mine: its chat template takes no system")


def test_a_system_message_goes_before_the_first_users_text() -> None:
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]

    written = template(GEMMA, system="into_first_user_turn").prompt(said)

    assert written == (
        "<s><start_of_turn>user\nBe brief.\n\nWhy?<end_of_turn>\n<start_of_turn>model\n"
    )


LOOP = "{% for m in messages %}{{ '<' + m.role + '>' + m.content + '</>' }}{% endfor %}"
OPENS = "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"


@pytest.mark.parametrize(
    ("text", "form", "what", "cure"),
    [
        # what is said is left out, without a word
        (LOOP.replace("messages %", "messages if m.role != 'system' %") + OPENS,
         Form(system=True), "leaves out or changes the system message", INTO),
        (LOOP.replace("messages %", "messages[-1:] %") + OPENS,
         Form(turns=True), "leaves out or changes", ANOTHER),
        ("{{ 'fixed' }}", USER, "leaves out or changes what is asked", ANOTHER),
        ("", USER, "leaves out or changes what is asked", ANOTHER),
        # it is changed
        (LOOP.replace("m.content", "m.content | upper") + OPENS,
         USER, "changes what is asked", ANOTHER),
        (LOOP.replace("m.content", "m.content[:5]") + OPENS,
         USER, "changes what is asked", ANOTHER),
        (LOOP.replace("m.content", "m.content | replace('-', '')") + OPENS,
         Form(system=True), "changes", ""),
        (LOOP.replace("m.content", "m.content | e") + OPENS,
         USER, "changes what is asked", ANOTHER),
        (LOOP.replace("m.content", "m.content | tojson") + OPENS,
         USER, "changes what is asked", ANOTHER),
        (LOOP.replace("messages %", "messages | reverse %") + OPENS,
         Form(turns=True), "writes the turns in another order", ANOTHER),
        # turns are refused
        ("{{ messages[2].nothing.more }}", USER, "does not render a user's message", ANOTHER),
        ("{{ messages[1].content + 1 }}", USER, "does not render a user's message", ANOTHER),
        ("{% for m in %}", USER, "does not render a user's message", ANOTHER),
        ("{% if messages | length > 2 %}{{ raise_exception('one question') }}{% endif %}"
         + LOOP + OPENS, Form(turns=True), "user, assistant, user (one question)", ANOTHER),
        (STRICT.replace("loop.index0 % 2 == 0", "false")+ LOOP, USER, "must alternate", ANOTHER),
        # the prompt does not lead into the answer
        (LOOP, USER, "begins an answer with '<assistant>'", ANOTHER),
        (THINKS_FIRST, Form(learnt=True), "ends a prompt with '<think>", "enable_thinking"),
        # what it is told means nothing to it
        ("{{ [1] | random }}" + LOOP + OPENS, USER, "picks at random", ANOTHER),
    ],
)  # fmt: skip
def test_each_fault_has_one_message_with_its_cure(text: str, form: Form, what, cure) -> None:
    with pytest.raises(DamagedInput) as raised:
        examine(template(text), form)
    told = str(raised.value)
    assert told.startswith("checkpoint mine: its chat template ")
    assert what in told
    assert cure in told


def test_a_value_that_the_template_has_no_name_for_is_refused() -> None:
    examine(template(QWEN3, kwargs={"enable_thinking": False}), USER)
    with pytest.raises(TemplateFault, match=r"has no enable_thinkin, .*enable_thinking"):
        examine(template(QWEN3, kwargs={"enable_thinkin": False}), USER)
    with pytest.raises(TemplateFault, match="enable_thinking"):
        examine(template(CHATML, kwargs={"enable_thinking": False}), USER)


def test_values_reach_the_template() -> None:
    asked = [{"role": "user", "content": "Why?"}]

    off = template(QWEN3, kwargs={"enable_thinking": False}).prompt(asked)

    assert off.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert template(QWEN3).prompt(asked).endswith("<|im_start|>assistant\n")


def test_outer_white_space_may_be_trimmed_and_past_thoughts_dropped() -> None:
    said = [
        {"role": "user", "content": " why? \n"},
        {"role": "assistant", "content": "<think>\nlong\n</think>\n\nso."},
        {"role": "user", "content": "and?"},
    ]
    assert "long" not in template(QWEN3).prompt(said)
    assert "why?</" not in template(GEMMA).prompt(said)


@pytest.mark.parametrize("name", FAMILIES)
def test_an_answer_goes_on_from_the_prompt(name: str) -> None:
    family = FAMILIES[name]
    asked = [{"role": "user", "content": "Why?"}]
    one = template(family.template, kwargs=dict(family.kwargs))

    written = one.answer(asked, "So it is.")

    assert written.startswith(f"{family.before}So it is.")
