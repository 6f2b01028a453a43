"""What is known of a study's rows before they are read, and where that is not what it asks for.

Rows that are generated are known as they are; of others it is known which columns they have. What
only the rows themselves can tell is said by the step that splits them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safebasin.corpora.readers.reader import make_reader
from safebasin.corpora.wanted import unknown_labels
from safebasin.label_words import label_faults
from safebasin.study.checkpoints import MixturePart
from safebasin.study.config import Corpus, EvalSet, Poison, Prompts, Study, Task
from safebasin.study.problems import Problem
from safebasin.study.readers import GeneratedReader, Table, VaderReviewsReader

Texts = frozenset[str | None]
_LABELS = ("positive", "negative")
"""What the reader of reviews calls them where the study says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the rows of one corpus; None stands for what is not."""

    rows: int | None = None
    categories: Texts | None = None
    labels: Texts | None = None
    of_category: tuple[tuple[str | None, str | None], ...] | None = None
    """(category, label) of each row, where all are known."""
    answered: bool | None = None
    """Whether every row has a response of its own; False where one has none."""


def row_problems(study: Study) -> Iterator[Problem]:
    """Yield what the study asks of rows that its corpora cannot have."""
    known = {name: _known(corpus) for name, corpus in study.corpora.items()}
    for name, corpus in study.corpora.items():
        reader, has = corpus.reader, known[name].rows
        if isinstance(reader, GeneratedReader) and reader.rows and reader.rows > (has or 0):
            cure = f"the generator {reader.generator} has {has} rows"
            yield Problem(key=f"corpora.{name}.reader.rows", value=reader.rows, cure=cure)
    yield from _short_splits(study, known)
    for name, eval_set in study.eval_sets.items():
        prompts = study.prompts.get(eval_set.prompts)
        if prompts:
            yield from _eval_set(study, name, eval_set, prompts, known)
    yield from _unanswered(study, known)
    yield from _calibrations(study, known)


def _known(corpus: Corpus) -> Known:
    reader = corpus.reader
    if isinstance(reader, GeneratedReader):
        return _generated(reader)
    none: Texts = frozenset({None})
    if isinstance(reader, Table):
        columns = reader.columns
        has_answers = columns.response is not None or columns.messages is not None
        return Known(
            categories=None if columns.category else none,
            labels=None if columns.label else none,
            answered=None if has_answers else False,
        )
    if isinstance(reader, VaderReviewsReader):
        labels = (reader.positive or _LABELS[0], reader.negative or _LABELS[1])
        return Known(categories=none, labels=frozenset(labels), answered=True)
    if reader.type == "yaml_seeds":
        return Known(labels=none, answered=False)
    return Known()


def _generated(reader: GeneratedReader) -> Known:
    options = reader.model_dump(exclude_none=True, exclude={"rows"})
    rows = make_reader(options).read(Path())
    taken = rows[: reader.rows]
    pairs = tuple((row.get("category"), row.get("label")) for row in taken)
    return Known(
        rows=len(rows),
        categories=frozenset(category for category, _ in pairs),
        labels=frozenset(label for _, label in pairs),
        of_category=pairs,
        answered=all(row.get("response") is not None for row in taken),
    )


def _short_splits(study: Study, known: dict[str, Known]) -> Iterator[Problem]:
    """Yield splits that ask for more rows of a corpus than it has."""
    for name, split in study.splits.items():
        wanted = Counter[str]()
        for shares in split.parts.values():
            for corpus, share in shares.items():
                has = known[corpus].rows if corpus in known else None
                if has is not None and share != "rest":
                    has = _taken(study, corpus, has)
                    wanted[corpus] += share if isinstance(share, int) else round(share * has)
        for corpus, count in wanted.items():
            has = _taken(study, corpus, known[corpus].rows or 0)
            if count > has:
                cure = f"its parts want {count} rows of the corpus {corpus}, which has {has}"
                told = {part: held[corpus] for part, held in split.parts.items() if corpus in held}
                yield Problem(key=f"splits.{name}.parts", value=told, cure=cure)


def _taken(study: Study, corpus: str, has: int) -> int:
    """Return how many of the rows that a generator has are in the corpus."""
    reader = study.corpora[corpus].reader
    asked = reader.rows if isinstance(reader, GeneratedReader) else None
    return min(has, asked or has)


def _eval_set(
    study: Study, name: str, eval_set: EvalSet, prompts: Prompts, known: dict[str, Known]
) -> Iterator[Problem]:
    split = study.splits.get(prompts.split)
    held = split.parts.get(eval_set.part, {}) if split else {}
    asked = eval_set.corpora or prompts.corpora or tuple(held)
    ours = [known[corpus] for corpus in asked if corpus in held and corpus in known]
    if not ours or len(ours) < len(asked):
        return  # told by their names
    told = [one.categories for one in ours]
    if all(one is not None for one in told):
        has = frozenset[str | None]().union(*(one for one in told if one is not None))
        for category in eval_set.categories or ():
            if category not in has:
                cure = f"no row of {', '.join(asked)} has it; they have {_listed(has)}"
                yield Problem(key=f"eval_sets.{name}.categories", value=category, cure=cure)
    yield from _labels(study, name, eval_set, prompts, [(c, known[c]) for c in asked])


def _labels(
    study: Study,
    name: str,
    eval_set: EvalSet,
    prompts: Prompts,
    ours: Sequence[tuple[str, Known]],
) -> Iterator[Problem]:
    """Yield corpora of the set with labels that the judge of its answers does not know."""
    judge = study.judges.get(prompts.judge)
    if (
        judge is None
        or judge.type != "label"
        or not judge.labels
        or any(label_faults(judge.labels))
    ):
        return
    for corpus, has in ours:
        labels = has.labels
        if has.of_category is not None and eval_set.categories:
            labels = frozenset(
                label for category, label in has.of_category if category in eval_set.categories
            )
        unknown = unknown_labels(labels or (), judge.labels)
        if unknown:
            what = "no label" if unknown == [None] else f"the label {_listed(unknown)}"
            cure = f"rows of the corpus {corpus}, which eval_sets.{name} takes, have {what}"
            yield Problem(key=f"judges.{prompts.judge}.labels", value=list(judge.labels), cure=cure)


def _unanswered(study: Study, known: dict[str, Known]) -> Iterator[Problem]:
    """Yield rows to learn from that should be answered with their own response and have none."""
    for key, part in _learnt(study):
        split = study.splits.get(part.split)
        held = split.parts.get(part.part, {}) if split else {}
        for corpus in [part.corpus] if part.corpus else held:
            has = known.get(corpus)
            if part.response == "given" and has and has.answered is False:
                cure = f"rows of the corpus {corpus} have no response of their own; say `self`"
                yield Problem(key=f"{key}.response", value=part.response, cure=cure)


def _learnt(study: Study) -> Iterator[tuple[str, Task | Poison | MixturePart]]:
    """Yield key and what it says of rows that a model learns from."""
    for name, task in study.tasks.items():
        yield f"tasks.{name}", task
    if study.poison:
        yield "poison", study.poison
    for name, checkpoint in study.checkpoints.items():
        for index, rows in enumerate(checkpoint.align.rows if checkpoint.align else ()):
            yield f"checkpoints.{name}.align.rows.{index}", rows


def _calibrations(study: Study, known: dict[str, Known]) -> Iterator[Problem]:
    """Yield corpora that should calibrate a judge and hold no answers, or no labels of people."""
    for name, judge in study.judges.items():
        has = known.get(judge.calibration or "")
        if has is None:
            continue
        key = f"judges.{name}.calibration"
        if has.answered is False:
            cure = "the corpus has no answers to judge; name them, columns: {response: …}"
            yield Problem(key=key, value=judge.calibration, cure=cure)
        if judge.type == "phrases" and has.labels == frozenset({None}):
            cure = "people have labelled none of its answers; name them, columns: {label: …}"
            yield Problem(key=key, value=judge.calibration, cure=cure)


def _listed(values: Sequence[str | None] | Texts) -> str:
    return ", ".join(sorted("none" if each is None else repr(each) for each in values))
