"""Answers of a model to many prompts: sorted by length, in batches, resumable batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.models.chat import ChatFormat
from safebasin.models.decode import Decoded, GreedyDecoder, StopReason
from safebasin.models.padding import common_head
from safebasin.progress import SILENT, Progress
from safebasin.resume.lines import append_line, read_lines
from safebasin.store.canonical import digest_of_json

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One reply and its size."""

    text: str
    prompt_tokens: int
    new_tokens: int
    """Tokens of the reply, without what ends the turn."""
    stop: StopReason


def generate_answers(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    batch_size: int,
    resume: Path | None = None,
    progress: Progress = SILENT,
) -> list[Answer]:
    """Return the greedy answer to each prompt, in the order of the prompts.

    Which prompts share a batch depends on the prompts and ``batch_size`` alone, so a resumed run
    computes the same sums as one that was never stopped.

    Args:
        loaded: The model.
        prompts: Tokens of each prompt.
        max_new_tokens: Longest answer, in tokens.
        batch_size: Prompts at once.
        resume: Folder that keeps finished batches, told apart by what was asked.
        progress: Told of each batch.
    """
    chat = ChatFormat(loaded.tokenizer)
    kept = resume and _place_of(resume, [prompts, max_new_tokens, batch_size])
    finished = _read_finished(kept, progress)
    batches = batch_by_length(prompts, batch_size)
    missing = [batch for batch in batches if batch[0] not in finished]
    if missing:
        head = common_head(prompts)
        decoder = GreedyDecoder(loaded, head, end_tokens(loaded, chat), chat.has_ended)
        for batch in progress.over(missing, "generating, batches"):
            decoded = decoder.decode([prompts[place] for place in batch], max_new_tokens)
            answers = {
                place: answer_of(chat, prompts[place], one)
                for place, one in zip(batch, decoded, strict=True)
            }
            _keep(kept, answers)
            finished |= answers
    return [finished[place] for place in range(len(prompts))]


def answer_of(chat: ChatFormat, prompt: Sequence[int], decoded: Decoded) -> Answer:
    """Return as text what was said to one prompt."""
    return Answer(
        text=chat.text(decoded.tokens, prompt),
        prompt_tokens=len(prompt),
        new_tokens=chat.size(decoded.tokens),
        stop=decoded.stop,
    )


def batch_by_length(prompts: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Return places of ``prompts`` in batches of like length, the longest first.

    The longest come first so that a batch that does not fit in memory fails at the start.
    """
    order = sorted(range(len(prompts)), key=lambda place: (-len(prompts[place]), place))
    return [order[start : start + size] for start in range(0, len(order), size)]


def end_tokens(loaded: LoadedModel, chat: ChatFormat) -> frozenset[int]:
    """Return the tokens that end a turn: the template's, the tokenizer's, the decoding config's.

    That is all that is taken from the decoding config: decoding is greedy, whatever it says.
    """
    config = getattr(loaded.model, "generation_config", None)
    named = getattr(config, "eos_token_id", None)
    more: Iterable[int] = [named] if isinstance(named, int) else named or ()
    return chat.ends | frozenset(more)


def _place_of(resume: Path, asked: object) -> Path:
    """Return the file for answers to what was asked: another try may ask something else."""
    return resume / f"answers-{digest_of_json(json.dumps(asked).encode())}.jsonl"


def _read_finished(path: Path | None, progress: Progress) -> dict[int, Answer]:
    """Return what an earlier try finished."""
    finished: dict[int, Answer] = {}
    for line in read_lines(path, progress) if path is not None else []:
        finished |= {int(place): Answer(**answer) for place, answer in line.items()}
    return finished


def _keep(path: Path | None, answers: dict[int, Answer]) -> None:
    """Append one batch as one line, so that it is kept whole or not at all."""
    if path is not None:
        append_line(path, {str(place): asdict(answer) for place, answer in answers.items()})
