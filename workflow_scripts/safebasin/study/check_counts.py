"""What types cannot say of numbers of rows: that splits can be made so, and hold what is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from safebasin.study.config import Block, Study
from safebasin.study.problems import Problem

Rows = tuple[str, str, str | None]
"""Split, part and corpus; all corpora of the part where it is None."""


def rows_held(study: Study, split: str, part: str, corpus: str | None) -> int | None:
    """Return how many rows a part has, where the study says so in numbers."""
    known = study.splits.get(split)
    shares = known.parts.get(part, {}) if known else {}  # type: ignore[call-overload]
    ours = [share for name, share in shares.items() if corpus in (None, name)]
    counts = [share for share in ours if isinstance(share, int)]
    return sum(counts) if ours and len(counts) == len(ours) else None


def check_taken_twice(taken: Sequence[Rows], key: str) -> Iterator[Problem]:
    """Yield rows that are taken twice: both times they would be the first of one order."""
    for (split, part, corpus), count in Counter(taken).items():
        if count > 1:
            of = f"{corpus or 'all corpora'} in the part {part} of the split {split}"
            cure = f"{count} entries take rows of {of}, and no row is taken twice: use two parts"
            yield Problem(key=key, value=part, cure=cure)


def check_sizes(study: Study) -> Iterator[Problem]:
    """Yield sample counts that the task's split cannot give."""
    for index, block in enumerate(study.grid):
        for task_name in block.tasks:
            task = study.tasks.get(task_name)
            held = rows_held(study, task.split, task.part, task.corpus) if task else None
            if task is None or held is None:
                continue
            for samples in block.samples:
                benign = max(
                    _of_run(study, task_name, samples, fraction)[0]
                    for fraction in block.harmful_fractions
                )
                if benign > held:
                    cure = f"the task {task_name} has only {held} rows in the part {task.part}"
                    if benign != samples:
                        cure += f", and {benign} are wanted"
                    yield Problem(key=f"grid.{index}.samples", value=samples, cure=cure)


def check_poison_counts(study: Study) -> Iterator[Problem]:
    """Yield harmful fractions for which there are too few harmful rows, or rows of the task's."""
    poison = study.poison
    if poison is None:
        return
    held = rows_held(study, poison.split, poison.part, poison.corpus)
    for index, block in enumerate(study.grid):
        harmful = _most_harmful(study, block)
        if held is not None and harmful > held:
            cure = f"{harmful} harmful rows are wanted, and the part {poison.part} has only {held}"
            key = f"grid.{index}.harmful_fractions"
            yield Problem(key=key, value=list(block.harmful_fractions), cure=cure)
        for name in block.tasks:
            task = study.tasks.get(name)
            if task and harmful:
                taken = (task.split, task.part, task.corpus)
                theirs = (poison.split, poison.part, poison.corpus)
                yield from check_taken_twice([taken, theirs], "poison.part")


def _most_harmful(study: Study, block: Block) -> int:
    return max(
        _of_run(study, task, samples, fraction)[1]
        for task in block.tasks
        for samples in block.samples
        for fraction in block.harmful_fractions
    )


def _of_run(study: Study, task: str, samples: int, fraction: float) -> tuple[int, int]:
    """Return the rows of the task and the harmful ones in a run."""
    poison = study.poison_of(task) if task in study.tasks else study.poison
    harmful = round(samples * fraction)
    benign = samples if poison and poison.counts == "besides" else samples - harmful
    return benign, harmful if poison else 0
