"""Which files of a source are taken: those that the patterns name, without pickles and code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from safebasin.errors import StudyError
from safebasin.sources.members import reason_to_reserve
from safebasin.sources.patterns import matching, unmatched

PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill"})
"""Suffixes of files that are pickles as a rule; to open a pickle is to run what it says."""
CODE = frozenset({".py", ".pyc", ".so", ".ipynb", ".sh"})


def reason_to_leave(name: str) -> str | None:
    """Return why a file of a hub's repository is not taken, told by its name, or None."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PICKLES:
        return "may be a pickle, which runs code when it is opened"
    return "is code, and no code of a repository is run" if suffix in CODE else None


def choose(
    names: Sequence[str],
    patterns: Sequence[str],
    key: str,
    *,
    careful: bool,
    optional: Sequence[str] = (),
) -> list[str]:
    """Return the names that the patterns name, sorted.

    Args:
        names: all files of the source.
        patterns: globs of the files that are wanted.
        key: what messages call the source.
        careful: leave out pickles and code.
        optional: globs of files that are taken where there are some.

    Raises:
        StudyError: a pattern names no file, or nothing but files that are left out, or one whose
            name is the store's own; or pickled weights would be left out and there are no
            safetensors in their place.
    """
    for pattern in unmatched(names, patterns):
        raise StudyError(
            f"{key}: the pattern {pattern!r} names none of its {len(names)} files; "
            f"its first are {', '.join(sorted(names)[:8])}"
        )
    left = {name: why for name in names if careful and (why := reason_to_leave(name))}
    kept = [name for name in names if name not in left]
    for pattern in unmatched(kept, patterns):
        _refuse(key, left, matching(left, [pattern]))
    chosen = matching(kept, (*patterns, *optional))
    refuse_reserved(key, chosen)
    pickles = [name for name in matching(left, patterns) if _is_pickle(name)]
    if pickles and not any(name.endswith(".safetensors") for name in chosen):
        _refuse(key, left, pickles)
    return chosen


def refuse_reserved(key: str, names: Sequence[str]) -> None:
    """Refuse files whose names the store gives to files of its own.

    Raises:
        StudyError: with all of them.
    """
    if problems := list(filter(None, map(reason_to_reserve, names))):
        raise StudyError("\n".join(f"{key}: {problem}" for problem in problems))


def _is_pickle(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICKLES


def _refuse(key: str, left: Mapping[str, str], names: Sequence[str]) -> None:
    raise StudyError(
        f"{key}: {names[0]!r} {left[names[0]]}; it is refused. Name files of another format "
        "(*.safetensors for weights), another revision or another repository that has them, or "
        "convert the file on a machine that may run it and give the result as a folder"
    )
