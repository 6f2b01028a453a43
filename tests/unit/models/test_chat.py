from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.errors import DamagedInput
from safebasin.models.chat import ChatFormat, TokenisedRow, cut
from safebasin.models.load import load_tokenizer

ASKED = [{"role": "user", "content": "Is the lake quiet?"}]


def test_the_answer_ends_with_the_end_of_turn_token_and_the_prompt_does_not(tiny: Path) -> None:
    chat = ChatFormat(load_tokenizer(tiny))

    row = chat.row(ASKED, "positive")

    assert row.answer[-1] == chat.end
    assert row.prompt == chat.prompt(ASKED)
    assert chat.text(row.answer) == "positive"
    assert row.prompt[-1] != chat.end


def test_a_system_message_is_put_first_and_only_where_there_is_none(tiny: Path) -> None:
    chat = ChatFormat(load_tokenizer(tiny))
    own = [{"role": "system", "content": "Be brief."}, *ASKED]

    assert chat.prompt(ASKED, "Be brief.") == chat.prompt(own)
    assert chat.prompt(own, "Be long.") == chat.prompt(own)


def test_a_checkpoint_without_a_chat_template_is_refused_by_name(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = None

    with pytest.raises(DamagedInput, match="checkpoint abc has no chat template"):
        ChatFormat(tokenizer, "checkpoint abc")


@given(prompt=st.integers(1, 40), answer=st.integers(1, 40), longest=st.integers(2, 60))
def test_a_cut_row_fits_and_keeps_the_prompts_end_and_the_answers_start(
    prompt: int, answer: int, longest: int
) -> None:
    row = TokenisedRow(prompt=tuple(range(prompt)), answer=tuple(range(100, 100 + answer)))

    short = cut(row, longest)

    assert len(short.prompt) + len(short.answer) == min(longest, prompt + answer)
    assert short.prompt
    assert short.answer
    assert row.prompt[-len(short.prompt) :] == short.prompt
    assert row.answer[: len(short.answer)] == short.answer
