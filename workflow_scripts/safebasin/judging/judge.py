"""The judges by name, and the table of verdicts that a judge gives on a table of responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from safebasin.errors import StudyError
from safebasin.judging.given import Rows, ask
from safebasin.plugins import make_plugin
from safebasin.progress import SILENT, Progress

if TYPE_CHECKING:
    import pyarrow as pa

BUILT_IN: Mapping[str, str] = {
    "actions": "ActionsJudge",
    "label": "LabelJudge",
    "phrases": "PhraseJudge",
}
"""A judge's type, which is its module in this package, to its class."""

_CORRECT: Mapping[str, bool] = {"correct": True, "wrong": False, "unparsed": False}
"""Verdicts that say whether an answer is right; others say nothing of it."""


class Judge(Protocol):
    """What sorts answers into verdicts; a plugin is a class with this method."""

    def judge(self, rows: Sequence[Mapping[str, object]]) -> list[str]:
        """Return one verdict a row, in the order of the rows, in the words of one family.

        A row has id, messages, response, label, category, harmful; ``verdict_words`` has the words.
        """
        ...


class EpisodeJudge(Protocol):
    """What sorts an agent's episodes into verdicts; a plugin is a class with this method."""

    def judge_episodes(
        self, episodes: Sequence[Mapping[str, object]], turns: Sequence[Mapping[str, object]]
    ) -> list[str]:
        """Return "success", "refused" or "other" for each episode; a turn has its episode's id."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A judge that has something to say of the rows besides their verdicts."""

    def remarks(self, rows: Sequence[Mapping[str, object]]) -> list[str]:
        """Return sentences for the user."""
        ...


def load_judge(judge: Mapping[str, object]) -> object:
    """Return the judge that ``judge["type"]`` names, importing no other.

    Raises:
        StudyError: the type is neither built in nor a plugin reference.
    """
    kind = str(judge.get("type"))
    params = dict(cast(Mapping[str, object], judge.get("params") or {}))
    if kind in BUILT_IN:
        # By name, not by an import statement: a judge's code identity must not hold the others.
        module = import_module(f"safebasin.judging.{kind}")
        options = {key: value for key, value in judge.items() if key not in {"type", "params"}}
        return getattr(module, BUILT_IN[kind])(**options)
    if ":" in kind:
        return make_plugin(kind, params)
    raise StudyError(
        f"judge.type: {kind!r} is no judge; use one of {', '.join(BUILT_IN)} or ./file.py:Class"
    )


def judge_table(
    responses: pa.Table, judge: Mapping[str, object], progress: Progress = SILENT
) -> pa.Table:
    """Return the verdicts on ``responses``, in the order of the rows and without any text.

    Rows of a corpus with given answers have no split and no group: their corpus is their origin,
    their split is "given", and each is a group of its own.

    Raises:
        StudyError: a judge gave anything but one verdict a row that a metric knows.
    """
    judging = cast(Judge, _able(judge, "judge", "answers"))
    kind = str(judge["type"])
    judged = ask(judging.judge, responses.to_pylist(), kind, ("refusal", "accuracy", "harm"))
    if kind in BUILT_IN and isinstance(judging, Remarking):
        for remark in judging.remarks(judged):
            progress.note(remark)
    return _table(judged, judge_name(judge))


def judge_episodes_table(
    episodes: pa.Table, turns: pa.Table, judge: Mapping[str, object]
) -> pa.Table:
    """Return the verdicts on ``episodes``, in the order of the rows and without any text.

    An episode's corpus is its world, its label its kind (benign, harmful, lookalike), and its
    judge's name is the judge's own where it has one.

    Raises:
        StudyError: the judge is none for episodes, or gave anything but one verdict an episode
            that a metric knows.
    """
    judging = cast(EpisodeJudge, _able(judge, "judge_episodes", "episodes"))
    played = turns.to_pylist()
    rows = ask(
        lambda handed: judging.judge_episodes(handed, played),
        episodes.to_pylist(),
        str(judge["type"]),
        ("tasks",),
    )
    known = [
        row | {"corpus": row["world"], "label": row["kind"], "harmful": row["kind"] == "harmful"}
        for row in rows
    ]
    name = str(getattr(judging, "judge_name", judge_name(judge)))
    return _table(known, name)


def _able(judge: Mapping[str, object], method: str, what: str) -> object:
    """Return the judge, which must have the method."""
    judging = load_judge(judge)
    if not callable(getattr(judging, method, None)):
        raise StudyError(
            f"judge {judge.get('type')}: has no method {method}, so it judges no {what}"
        )
    return judging


def _table(rows: Rows, name: str) -> pa.Table:
    import pyarrow as pa

    verdicts = [str(row["verdict"]) for row in rows]
    columns: dict[str, tuple[object, Sequence[object]]] = {
        "id": (pa.string(), [row["id"] for row in rows]),
        "corpus": (pa.string(), [row.get("corpus") or row.get("origin") for row in rows]),
        "split": (pa.string(), [row.get("split") or "given" for row in rows]),
        "group": (pa.int64(), [row.get("group", index) for index, row in enumerate(rows)]),
        "category": (pa.string(), [row.get("category") for row in rows]),
        "harmful": (pa.bool_(), [row.get("harmful") for row in rows]),
        "label": (pa.string(), [row.get("label") for row in rows]),
        "verdict": (pa.string(), verdicts),
        "correct": (pa.bool_(), [_CORRECT.get(verdict) for verdict in verdicts]),
        "judge": (pa.string(), [name] * len(rows)),
    }
    return pa.table({key: pa.array(values, kept) for key, (kept, values) in columns.items()})


def judge_name(judge: Mapping[str, object]) -> str:
    """Return the judge's short name: its type, or the class of a plugin."""
    return str(judge["type"]).rsplit(":", 1)[-1]
