from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import Answer, generate_answers
from safebasin.models.load import LoadedModel
from safebasin.models.read_prompts import ReadPrompts

from ...draws import few

TEXTS = ("a", "a quiet lake", "the weather " * 4, "seven", "an old bridge and a recipe", "b")
Prompt = tuple[int, ...]


@pytest.fixture(scope="module")
def prompts(loaded: LoadedModel) -> list[Prompt]:
    chat = ChatFormat(loaded.tokenizer)
    return [chat.prompt([{"role": "user", "content": text}]) for text in TEXTS]


@pytest.fixture(scope="module")
def read(loaded: LoadedModel, prompts: list[Prompt]) -> ReadPrompts:
    return ReadPrompts(loaded, prompts, batch_size=6)


def anew(loaded: LoadedModel, prompts: list[Prompt]) -> list[Answer]:
    return generate_answers(loaded, prompts, max_new_tokens=7, batch_size=6)


@few(25)
@given(tail=st.lists(st.integers(3, 60), max_size=9).map(tuple))
def test_answers_are_those_to_prompts_that_are_read_anew(
    loaded: LoadedModel, prompts: list[Prompt], read: ReadPrompts, tail: Prompt
) -> None:
    longer = [prompt + tail for prompt in prompts]

    assert read.answers(longer, 7) == anew(loaded, longer)


def test_prompts_are_read_once_however_many_tails_follow(
    loaded: LoadedModel, prompts: list[Prompt]
) -> None:
    fed: list[int] = []
    hook = loaded.model.get_input_embeddings().register_forward_pre_hook(
        lambda module, given: fed.append(given[0].shape[1])
    )
    read = ReadPrompts(loaded, prompts, batch_size=6)
    for tail in ((5, 6), (7, 8), (9, 10)):
        read.answers([prompt + tail for prompt in prompts], 1)
    hook.remove()

    head, width, *tails = fed
    assert head + width == max(len(prompt) for prompt in prompts)
    assert tails == [2, 2, 2]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda number, prompt: (*prompt, 5 + number), id="tails that differ"),
        pytest.param(lambda number, prompt: (*prompt[:-1], 5, 6), id="ends that are joined"),
        pytest.param(lambda number, prompt: prompt, id="no tail"),
    ],
)
def test_what_is_not_the_prompts_and_one_tail_is_answered_all_the_same(
    loaded: LoadedModel, prompts: list[Prompt], read: ReadPrompts, change
) -> None:
    longer = [change(number, prompt) for number, prompt in enumerate(prompts)]

    assert read.answers(longer, 7) == anew(loaded, longer)


def test_more_prompts_than_a_batch_are_not_kept(loaded: LoadedModel, prompts: list[Prompt]) -> None:
    read = ReadPrompts(loaded, prompts, batch_size=4)
    longer = [(*prompt, 5, 6) for prompt in prompts]

    answers = read.answers(longer, 7)

    assert answers == generate_answers(loaded, longer, max_new_tokens=7, batch_size=4)
    assert "_read" not in vars(read)
