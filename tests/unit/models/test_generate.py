from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safebasin.models import decode
from safebasin.models.chat import ChatFormat
from safebasin.models.decode import GreedyDecoder
from safebasin.models.generate import batch_by_length, generate_answers
from safebasin.models.load import LoadedModel
from safebasin.models.padding import common_head
from safebasin.resume.lines import append_line, read_lines

from ...wear import TEARS, Tear

TEXTS = ("a", "a quiet lake", "the weather " * 4, "seven", "an old bridge and a recipe", "b")


@pytest.fixture(scope="module")
def prompts(loaded: LoadedModel) -> list[tuple[int, ...]]:
    chat = ChatFormat(loaded.tokenizer)
    return [chat.prompt([{"role": "user", "content": text}]) for text in TEXTS]


def oracle(loaded: LoadedModel, prompt: tuple[int, ...], longest: int) -> list[int]:
    """Feed the whole text anew for every token: no cache, no padding, no batch."""
    text = list(prompt)
    with torch.inference_mode():
        for _ in range(longest):
            token = int(loaded.model(input_ids=torch.tensor([text])).logits[0, -1].argmax())
            if token == loaded.tokenizer.eos_token_id:
                break
            text.append(token)
    return text[len(prompt) :]


def test_batched_decoding_gives_the_tokens_of_the_plain_definition(
    loaded: LoadedModel, prompts: list[tuple[int, ...]]
) -> None:
    chat = ChatFormat(loaded.tokenizer)

    answers = generate_answers(loaded, prompts, max_new_tokens=7, batch_size=4)

    wanted = [chat.text(oracle(loaded, prompt, 7)) for prompt in prompts]
    assert [answer.text for answer in answers] == wanted
    assert [answer.prompt_tokens for answer in answers] == [len(prompt) for prompt in prompts]


@pytest.mark.parametrize("at_once", [1, 30, 60])
def test_prompts_that_are_read_in_pieces_are_answered_the_same(
    loaded: LoadedModel,
    prompts: list[tuple[int, ...]],
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ordered = sorted(prompts, key=len, reverse=True)
    head, ends = common_head(prompts), frozenset({1})
    assert head
    whole = GreedyDecoder(loaded, head, ends)
    wanted = [whole.decode([prompt], 6)[0] for prompt in ordered]
    monkeypatch.setattr(decode, "_READ_AT_ONCE", at_once)

    pieces = GreedyDecoder(loaded, head, ends)
    read = pieces.read(ordered)

    assert pieces.decode(ordered, 6) == wanted
    assert read.mask.sum(dim=1).tolist() == [len(prompt) for prompt in ordered]
    assert read.last.flatten().tolist() == [len(prompt) - 1 for prompt in ordered]
    assert read.likeliest == [one.tokens[0] for one in wanted]


def test_a_row_stops_at_an_end_token_and_the_others_go_on(
    loaded: LoadedModel, prompts: list[tuple[int, ...]]
) -> None:
    free = GreedyDecoder(loaded, (), frozenset({1})).decode(prompts, 6)
    end = free[1].tokens[2]  # a token that the second row really says

    stopped = GreedyDecoder(loaded, (), frozenset({end})).decode(prompts, 6)

    for before, after in zip(free, stopped, strict=True):
        if end in before.tokens:
            assert after.tokens == before.tokens[: before.tokens.index(end)]
            assert after.stop == "eos"
        else:
            assert after.tokens == before.tokens
            assert after.stop == "length"
    assert stopped[1].stop == "eos"


def test_batches_are_sorted_by_length_and_hold_each_prompt_once() -> None:
    batches = batch_by_length([(1,), (1, 2, 3), (1, 2), (2,)], 2)

    assert batches == [[1, 2], [0, 3]]


def test_a_resumed_run_generates_only_what_is_missing_and_gives_the_same(
    loaded: LoadedModel, prompts: list[tuple[int, ...]], tmp_path: Path
) -> None:
    settings = {"max_new_tokens": 5, "batch_size": 2}
    whole = generate_answers(loaded, prompts, **settings, resume=tmp_path / "a")
    (kept,) = (tmp_path / "a").iterdir()
    marked = read_lines(kept)[0]
    first = next(iter(marked))
    marked[first]["text"] = "kept from the earlier try"
    append_line(tmp_path / "b" / kept.name, marked)
    with (tmp_path / "b" / kept.name).open("a") as file:
        file.write(kept.read_text().splitlines()[1][:30])

    resumed = generate_answers(loaded, prompts, **settings, resume=tmp_path / "b")

    assert resumed[int(first)].text == "kept from the earlier try"
    others = [place for place in range(len(prompts)) if place != int(first)]
    assert [resumed[place] for place in others] == [whole[place] for place in others]


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_torn_answers_are_given_again(
    loaded: LoadedModel, prompts: list[tuple[int, ...]], tmp_path: Path, tear: Tear
) -> None:
    settings = {"max_new_tokens": 3, "batch_size": 2, "resume": tmp_path}
    whole = generate_answers(loaded, prompts, **settings)
    (kept,) = tmp_path.iterdir()
    tear(kept)

    for _ in range(2):
        assert generate_answers(loaded, prompts, **settings) == whole


def test_what_was_answered_to_other_prompts_is_not_taken(
    loaded: LoadedModel, prompts: list[tuple[int, ...]], tmp_path: Path
) -> None:
    """A world that runs code may show another page after a kill."""
    settings = {"max_new_tokens": 5, "batch_size": 2, "resume": tmp_path}
    generate_answers(loaded, prompts, **settings)
    others = [(*prompt[:-1], 7) for prompt in prompts]

    answers = generate_answers(loaded, others, **settings)

    assert answers == generate_answers(loaded, others, max_new_tokens=5, batch_size=2)


def test_an_end_of_turn_in_words_stops_and_is_not_said(
    loaded: LoadedModel, prompts: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = ChatFormat(loaded.tokenizer)
    free = [chat.text(oracle(loaded, prompt, 7)) for prompt in prompts]
    words = next(found[0] for text in free if (found := re.search(r"(?<=.)[\w.,]{2,}", text)))
    template = (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content }}"
        f"{{% if m.role == 'assistant' %}}{{{{ {words!r} }}}}{{% else %}}<|im_end|>{{% endif %}}\n"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    monkeypatch.setattr(loaded.tokenizer, "chat_template", template)

    answers = generate_answers(loaded, prompts, max_new_tokens=7, batch_size=4)

    assert ChatFormat(loaded.tokenizer).ending.words == words, free
    assert any(words in text for text in free)
    assert [answer.text for answer in answers] == [text.partition(words)[0] for text in free]
    for answer, text in zip(answers, free, strict=True):
        assert (answer.stop == "eos") == (words in text or answer.new_tokens < 7)
