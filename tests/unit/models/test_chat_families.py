"""What is learnt is what each family's template writes, from the prompt that generation uses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safebasin.errors import DamagedInput
from safebasin.judging.spoken import spoken
from safebasin.models.chat import ChatFormat
from safebasin.models.chat_template import mark
from safebasin.models.decode import Decoded
from safebasin.models.generate import answer_of
from safebasin.models.load import LoadedModel
from safebasin.models.responses import _in_text
from safebasin.models.tiny import neutral_text
from safebasin.templates.settings import ChatSettings
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from ..templates.families import (
    CHATML,
    ENDS_TWICE,
    FAMILIES,
    MISTRAL,
    NEXT_TURN,
    THINKS_FIRST,
    ZEPHYR,
    Family,
    tokenizer_of,
)

ASKED = [{"role": "user", "content": "animal or tool: the weather"}]
TURNS = [*ASKED, {"role": "assistant", "content": "neither"}, {"role": "user", "content": "sure?"}]
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def chat_of(family: Family) -> tuple[ChatFormat, Any]:
    tokenizer = tokenizer_of(family)
    mark(tokenizer, ChatSettings(kwargs=dict(family.kwargs)))
    return ChatFormat(tokenizer, "checkpoint mine"), tokenizer


@pytest.mark.parametrize("messages", [ASKED, TURNS], ids=["one turn", "several turns"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_is_the_templates_own_text_up_to_its_end_of_turn(name: str, messages) -> None:
    family = FAMILIES[name]
    chat, tokenizer = chat_of(family)

    row = chat.row(messages, "a quiet lake")

    assert row.prompt == chat.prompt(messages)
    said = tokenizer.decode(row.answer)
    assert said == f"{family.before}a quiet lake{family.end}"
    if name == "plain":  # its template ends no turn; the tokenizer's token does
        return
    written = tokenizer.apply_chat_template(
        [*messages, {"role": "assistant", "content": "a quiet lake"}],
        tokenize=False,
        # transformers takes the clock for it
        chat_template=family.template.replace("strftime_now('%d %b %Y')", "'26 Jul 2024'"),
        **dict(family.kwargs),
    )
    whole = tokenizer(written, add_special_tokens=False)["input_ids"]
    own = [*row.prompt, *row.answer]
    assert whole[: len(own)] == own
    assert not tokenizer.decode(whole[len(own) :]).replace(tokenizer.eos_token, "").strip()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_end_of_turn_stops_and_none_is_said(name: str) -> None:
    family = FAMILIES[name]
    chat, tokenizer = chat_of(family)
    row = chat.row(ASKED, "a quiet lake")

    assert tokenizer.eos_token_id in chat.ends
    assert row.answer[-1] in chat.ends or chat.has_ended(row.answer)
    assert not any(token in chat.ends or chat.has_ended(row.answer[: place + 1])
                   for place, token in enumerate(row.answer[:-1]))  # fmt: skip
    learnt = row.answer if chat.has_ended(row.answer) else row.answer[:-1]
    assert chat.text(learnt).endswith("a quiet lake")
    assert family.end.strip() not in chat.text(learnt)
    assert chat.size(learnt) < len(row.answer)


def test_an_answer_with_an_end_of_its_own_is_learnt_to_the_end_of_its_turn() -> None:
    chat, tokenizer = chat_of(Family(template=ENDS_TWICE, end="<|end|>", eos="<|end|>", bos="<s>"))

    row = chat.row(ASKED, "a quiet lake")

    assert tokenizer.decode(row.answer) == "<|answer|>a quiet lake<|/answer|><|end|>"
    assert {"<|/answer|>", "<|end|>"} == set(tokenizer.convert_ids_to_tokens(list(chat.ends)))


@pytest.mark.parametrize(("eos", "end"), [("</s>", "</s>"), (None, "<|user|>")])
def test_where_no_turn_has_an_end_the_next_one_ends_it(eos: str | None, end: str) -> None:
    tokenizer = tokenizer_of(Family(template=NEXT_TURN, end=end))
    tokenizer.eos_token = eos
    chat = ChatFormat(tokenizer)

    assert tokenizer.decode(chat.row(ASKED, "a quiet lake").answer) == f"a quiet lake{end}"
    assert tokenizer.convert_tokens_to_ids("<|user|>") in chat.ends


def generated(chat: ChatFormat, tokenizer: Any, written: str, prompt: tuple[int, ...]) -> str:
    """What is kept as the answer where a model generates this."""
    tokens = tokenizer(written, add_special_tokens=False)["input_ids"]
    return answer_of(chat, prompt, Decoded(tokens=tuple(tokens), stop="eos")).text


CHANNEL = "<|channel|>analysis<|message|>so it is"
THOUGHT = "so it is\n</think>\n\na lake"


@pytest.mark.parametrize(
    ("name", "written", "kept", "said"),
    [
        ("channels", "<|channel|>final<|message|>a lake", "a lake", "a lake"),
        (
            "channels",
            f"{CHANNEL}<|end|><|start|>assistant<|channel|>final<|message|>a lake",
            "a lake",
            "a lake",
        ),
        ("channels", CHANNEL, CHANNEL, ""),
        ("mistral", " a lake", "a lake", "a lake"),
        ("thinking", "<think>\n\n</think>\n\na lake", "a lake", "a lake"),
        ("thinking", f"<think>\n{THOUGHT}", f"<think>\n{THOUGHT}", "a lake"),
        ("thinking off", "a lake", "a lake", "a lake"),
        (THINKS_FIRST, THOUGHT, f"<think>\n{THOUGHT}", "a lake"),
        (THINKS_FIRST, "so it is", "<think>\nso it is", ""),
        ("chatml", "[THINK]so it is[/THINK]a lake", "[THINK]so it is[/THINK]a lake", "a lake"),
        ("chatml", "[THINK]so it is", "[THINK]so it is", ""),
    ],
)
def test_what_is_thought_is_told_apart_from_what_is_said(name, written, kept, said) -> None:
    chat, tokenizer = chat_of(FAMILIES.get(name) or Family(template=name, end="<|im_end|>"))

    text = generated(chat, tokenizer, written, chat.prompt(ASKED))

    assert text == kept
    assert spoken(text).strip() == said


def test_an_opening_stands_behind_what_leads_to_an_answer() -> None:
    chat, tokenizer = chat_of(FAMILIES["channels"])

    row = chat.row(ASKED, "not so.", "I say ")

    assert row.prompt == chat.prompt(ASKED, opening="I say ")
    assert tokenizer.decode(row.prompt).endswith("assistant<|channel|>final<|message|>I say ")
    assert tokenizer.decode(row.answer) == "not so.<|return|>"


text = st.text(max_size=30) | st.text("a b\n\t.'1", max_size=12)


@given(question=text, response=text, opening=st.just("") | text)
@example(question="x", response="  two blanks", opening="")
@example(question="x", response="\n\na line", opening="")
@example(question="x", response="not", opening="I can")
@example(question="x", response=" blank <|im_end|>\n", opening="")
@example(question="x", response="", opening="")
def test_rows_of_a_chatml_checkpoint_are_encoded_as_ever(question, response, opening) -> None:
    tokenizer = _smollm2()
    chat = ChatFormat(tokenizer)
    asked = [{"role": "user", "content": question}]

    row = chat.row(asked, response, opening)

    def encoded(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    written = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert list(row.prompt) == encoded(f"{written}{opening}")
    assert list(row.answer) == [*encoded(response), tokenizer.eos_token_id]


_MADE: list[Any] = []


def _smollm2() -> Any:
    if not _MADE:
        _MADE.append(tokenizer_of(Family(template=SMOLLM2, end="<|im_end|>")))
    return _MADE[0]


def _pieces(scheme: str, template: str) -> Any:
    """A tokenizer of the SentencePiece kind, which puts a blank before what begins a text."""
    bare = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=scheme != "first")
    bare.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False)
    bare.train_from_iterator(neutral_text(), trainer)
    bare.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("template", [ZEPHYR, MISTRAL, CHATML])
@pytest.mark.parametrize("scheme", ["always", "first", "never"])
def test_a_tokenizer_that_adds_a_blank_learns_what_the_template_writes(scheme, template) -> None:
    tokenizer = _pieces(scheme, template)
    chat = ChatFormat(tokenizer)

    row = chat.row(ASKED, "a quiet lake")

    written = tokenizer.apply_chat_template(
        [*ASKED, {"role": "assistant", "content": "a quiet lake"}], tokenize=False
    )
    whole = tokenizer(written, add_special_tokens=False)["input_ids"]
    own = [*row.prompt, *row.answer]
    assert row.prompt == chat.prompt(ASKED)
    assert tokenizer.decode(own) == tokenizer.decode(whole[: len(own)])
    assert own.count(1) == whole.count(1)  # no beginning of text but the template's


@pytest.mark.parametrize("text", ["a quiet lake", "<s>a quiet lake"])
def test_a_plain_text_begins_as_any_text_does_and_goes_on(text: str) -> None:
    tokenizer = _pieces("first", ZEPHYR)
    loaded = LoadedModel(model=None, tokenizer=tokenizer, device=torch.device("cpu"))

    tokens = _in_text(loaded, [{"role": "user", "content": text}], "{prompt}")

    bare = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokens == (1, *bare[text.startswith("<s>") :])  # one beginning, and no end


def test_a_token_across_the_seam_is_not_learnt_since_generation_would_not_begin_so() -> None:
    spaced = FAMILIES["words"].template.replace(":\n", ": ")
    chat, tokenizer = chat_of(Family(template=spaced, end=" END OF TURN", eos="</s>"))

    row = chat.row(ASKED, "a quiet lake")

    assert row.prompt == chat.prompt(ASKED)
    assert tokenizer.decode(row.prompt).endswith("assistant: ")
    assert tokenizer.decode(row.answer) == "a quiet lake END OF TURN"


def test_an_answer_that_the_template_would_not_give_is_not_learnt() -> None:
    family = Family(template=THINKS_FIRST, end="<|im_end|>")
    chat, _ = chat_of(family)

    assert chat.prompt(ASKED)  # it may be asked
    with pytest.raises(DamagedInput, match=r"checkpoint mine: .*ends a prompt with '<think>"):
        chat.row(ASKED, "a quiet lake")


def test_a_template_without_an_end_needs_a_token_for_it() -> None:
    tokenizer = tokenizer_of(FAMILIES["plain"])
    tokenizer.eos_token = None
    with pytest.raises(DamagedInput, match="neither its chat template ends"):
        ChatFormat(tokenizer)

    ends = tokenizer_of(FAMILIES["chatml"])
    ends.eos_token = None
    chat = ChatFormat(ends)
    assert chat.ends == {ends.convert_tokens_to_ids("<|im_end|>")}


@pytest.mark.parametrize("content", ["", "<nowhere>"])
def test_an_end_of_text_that_the_tokenizer_has_not_ends_nothing(content: str) -> None:
    ends, plain = tokenizer_of(FAMILIES["chatml"]), tokenizer_of(FAMILIES["plain"])
    for tokenizer in (ends, plain):
        tokenizer._special_tokens_map["eos_token"] = content  # as a file may name it

    assert ChatFormat(ends).ends == {ends.convert_tokens_to_ids("<|im_end|>")}
    with pytest.raises(DamagedInput, match="neither its chat template ends"):
        ChatFormat(plain)
