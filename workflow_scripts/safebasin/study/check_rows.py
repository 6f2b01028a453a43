"""What types cannot say of rows: corpora, splits, tasks, poison."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.config import Study
from safebasin.study.problems import Problem, known
from safebasin.study.readers import Table


def check_corpora(study: Study) -> Iterator[Problem]:
    """Yield sources of corpora that are missing or do not exist, and readers at odds."""
    for name, corpus in study.corpora.items():
        key = f"corpora.{name}.source"
        yield from known(key, corpus.source, study.sources)
        if corpus.source is None and corpus.reader.needs_source:
            cure = f"a reader of type {corpus.reader.type} needs a source to read"
            yield Problem(key=key, value=None, cure=cure)
        if isinstance(corpus.reader, Table):
            for option, value, cure in corpus.reader.contradictions():
                yield Problem(key=f"corpora.{name}.reader.{option}", value=value, cure=cure)


def check_splits(study: Study) -> Iterator[Problem]:
    """Yield names of corpora that do not exist, or are not of the split."""
    for name, split in study.splits.items():
        for corpus in split.corpora:
            yield from known(f"splits.{name}.corpora", corpus, study.corpora)
        for part, shares in split.parts.items():
            for corpus in shares:
                yield from known(f"splits.{name}.parts.{part}", corpus, split.corpora)


def check_tasks(study: Study) -> Iterator[Problem]:
    """Yield rows of tasks and of the poison that do not exist."""
    for name, task in study.tasks.items():
        yield from check_rows_of(study, task.split, task.part, task.corpus, f"tasks.{name}")
    if poison := study.poison:
        yield from check_rows_of(study, poison.split, poison.part, poison.corpus, "poison")


def check_rows_of(
    study: Study, split_name: str, part: str, corpus: str | None, key: str
) -> Iterator[Problem]:
    """Yield what does not exist of a split, its part, and the part's corpus."""
    yield from known(f"{key}.split", split_name, study.splits)
    split = study.splits.get(split_name)
    if split is None:
        return
    yield from known(f"{key}.part", part, split.parts)
    yield from known(f"{key}.corpus", corpus, split.parts.get(part, {}))  # type: ignore[call-overload]


def check_poison(study: Study) -> Iterator[Problem]:
    """Yield settings of the poison that change or mean nothing."""
    overrides = {f"tasks.{name}.poison": task.poison for name, task in study.tasks.items()}
    for key, override in overrides.items():
        if override and study.poison is None:
            yield Problem(key=key, value=None, cure="the study has no `poison` to change")
    shuffled = study.training is not None and study.training.order == "shuffled"
    for key, told in ({"poison": study.poison} | overrides).items():
        if shuffled and told and told.place == "first":
            cure = "shuffling undoes it: say `training.order: file`, or leave it out"
            yield Problem(key=f"{key}.place", value="first", cure=cure)
