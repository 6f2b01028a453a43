"""Rows of a split in, rows of ``responses.parquet`` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.parquet as pq

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import generate_answers
from safebasin.progress import SILENT, Progress
from safebasin.resume.place import state_of
from safebasin.store.writers import write_parquet
from safebasin.templates.conversation import Message

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

_KEPT = ("id", "corpus", "split", "group", "category", "harmful", "label", "messages")
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
RESPONSES = pa.schema(
    [
        ("id", pa.string()),
        ("corpus", pa.string()),
        ("split", pa.string()),
        ("group", pa.int64()),
        ("category", pa.string()),
        ("harmful", pa.bool_()),
        ("label", pa.string()),
        ("messages", _MESSAGES),
        ("response", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("new_tokens", pa.int64()),
        ("stop_reason", pa.string()),
    ]
)


def choose_prompts(
    split: Path, parts: Sequence[str], corpora: Sequence[str] | None
) -> list[dict[str, object]]:
    """Return the rows of the wanted parts and corpora, in the order of the split.

    Raises:
        StudyError: the split has no such row.
    """
    rows = pq.read_table(split / "rows.parquet").to_pylist()
    chosen = [
        {key: row.get(key) for key in _KEPT}
        for row in rows
        if row["split"] in parts and (corpora is None or row["corpus"] in corpora)
    ]
    if not chosen:
        seen = sorted({f"{row['corpus']}/{row['split']}" for row in rows})
        raise StudyError(
            f"the split has no rows of parts {list(parts)} and corpora "
            f"{'any' if corpora is None else list(corpora)}; it has {', '.join(seen)}"
        )
    return chosen


def write_responses(
    folder: Path,
    loaded: LoadedModel,
    rows: Sequence[dict[str, object]],
    *,
    system: str | None = None,
    text_template: str | None = None,
    max_new_tokens: int,
    batch_size: int,
    progress: Progress = SILENT,
) -> None:
    """Answer each row and write ``responses.parquet``.

    Args:
        folder: Gets the file; finished batches are kept beside it (``state_of``).
        loaded: The model.
        rows: Rows of ``choose_prompts``.
        system: A system message for prompts that have none.
        text_template: Plain text with ``{prompt}`` where a prompt goes, in the place of the chat
            template.
        max_new_tokens: Longest answer, in tokens.
        batch_size: Prompts at once.
        progress: Told of each batch.

    Raises:
        StudyError: a conversation is to go into a plain text.
        DamagedInput: the chat template does not write a conversation as it must.
    """
    if text_template is None:
        chat = ChatFormat(loaded.tokenizer)
        prompts = [_prompt(chat, row, system) for row in rows]
    else:
        prompts = [
            _in_text(loaded, cast("list[Message]", row["messages"]), text_template) for row in rows
        ]
    answers = generate_answers(
        loaded,
        prompts,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        resume=state_of(folder),
        progress=progress,
    )
    answered = [
        {
            **row,
            "response": answer.text,
            "prompt_tokens": answer.prompt_tokens,
            "new_tokens": answer.new_tokens,
            "stop_reason": answer.stop,
        }
        for row, answer in zip(rows, answers, strict=True)
    ]
    write_parquet(folder / "responses.parquet", pa.Table.from_pylist(answered, schema=RESPONSES))


def _prompt(chat: ChatFormat, row: Mapping[str, object], system: str | None) -> tuple[int, ...]:
    try:
        return chat.prompt(cast("list[Message]", row["messages"]), system)
    except DamagedInput as fault:
        raise DamagedInput(f"{fault} (the row {row['id']} of {row['corpus']})") from None


def _in_text(loaded: LoadedModel, messages: Sequence[Message], template: str) -> tuple[int, ...]:
    """Return the tokens of a prompt in a plain text, with what begins any text (BOS, say).

    What a tokenizer puts at the end of a text (EOS) is left out, since the model is to go on; and
    what the text itself begins with is not put there again.
    """
    if len(messages) != 1:
        raise StudyError(
            f"text_template takes single questions, and a row has {len(messages)} messages"
        )
    text = template.replace("{prompt}", messages[0]["content"])
    bare = tuple(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
    framed = tuple(loaded.tokenizer(text)["input_ids"])
    starts = range(len(framed) - len(bare) + 1)
    head = next((framed[:at] for at in starts if framed[at : at + len(bare)] == bare), ())
    return bare if head and bare[: len(head)] == head else head + bare
