"""From YAML layers to a validated study, with all problems at once."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safebasin.errors import StudyError
from safebasin.study.check import check_references
from safebasin.study.checkpoints import Source
from safebasin.study.config import Study
from safebasin.study.plain import odd_values
from safebasin.study.problems import Problem, from_validation, refuse
from safebasin.study.salvage import salvage
from safebasin.study.yaml_reader import read_yaml

MACHINE_KEYS = frozenset({"store", "device", "threads", "cores", "resources", "mem_mb", "jobs"})
NULL_IS_A_VALUE = frozenset({("probe", "steering")})
"""Keys, with what they stand in, for which null says none, and left out they have a default."""
_LAYERS = 20
"""So many files may extend one another."""
_MACHINE_CURE = (
    "this belongs to the profile or the command line, not to a study "
    "(profiles/default/config.yaml shows how)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a study's text says, and all that is wrong with it."""

    where: str
    study: Study | None
    """The study; without its faulty parts where it has any, None where too little is left."""
    problems: Sequence[Problem] = ()
    faulty: Container[object] = ()
    """The sections with faulty parts."""

    @property
    def sources(self) -> Mapping[str, Source]:
        """The study's sources; none where they are not as they should be."""
        return self.study.sources if self.study and "sources" not in self.faulty else {}

    def sound(self, others: Iterable[Problem] = ()) -> Study:
        """Return the study, where nothing is wrong with it and there are no other problems.

        Raises:
            StudyError: with every problem.
        """
        refuse([*self.problems, *others], self.where)
        assert self.study is not None, "a study with nothing wrong is whole"
        return self.study


def load_study(files: Sequence[Path], overrides: Mapping[str, Any] | None = None) -> Study:
    """Return the study that the layers describe.

    Raises:
        StudyError: with every problem found, each with its key, its value and its cure.
    """
    return examine_layers(files, overrides).sound()


def validate(raw: Mapping[str, Any], where: str = "the study") -> Study:
    """Return ``raw`` as a study.

    Raises:
        StudyError: with every problem found.
    """
    return examine(raw, where).sound()


def examine_layers(files: Sequence[Path], overrides: Mapping[str, Any] | None = None) -> Examined:
    """Examine the study that the layers describe; a later layer wins.

    A file may name another below it, ``extends: ../config.yaml``. Mappings are merged key by
    key; lists and single values are replaced; null removes a key.

    Raises:
        StudyError: a file cannot be read.
    """
    merged: dict[str, Any] = {}
    for file in files:
        merged = merge(merged, read_layers(file))
    merged = merge(merged, dict(overrides or {}))
    return examine(merged, " + ".join(str(file) for file in files))


def examine(raw: Mapping[str, Any], where: str) -> Examined:
    """Return what ``raw`` says as a study, with every problem."""
    machine = [
        Problem(key=key, value=raw[key], cure=_MACHINE_CURE)
        for key in sorted(MACHINE_KEYS & set(raw))
    ]
    asked = {key: value for key, value in raw.items() if key not in MACHINE_KEYS}
    if odd := list(odd_values(asked)):
        return Examined(where=where, study=None, problems=[*machine, *odd])
    text = json.dumps(asked)
    try:
        study = Study.model_validate_json(text)
    except ValidationError as error:
        rest = salvage(asked, error)
        told = from_validation(error, Study.model_json_schema(), asked)
        return Examined(
            where=where,
            study=rest.study if rest else None,
            problems=[*machine, *told, *(rest.problems() if rest else ())],
            faulty=rest.faulty if rest else (),
        )
    return Examined(where=where, study=study, problems=[*machine, *check_references(study)])


def merge(
    below: Mapping[str, Any], above: Mapping[str, Any], within: str | None = None
) -> dict[str, Any]:
    """Return ``below``, which stands ``within`` a key, with ``above`` laid over it."""
    merged = dict(below)
    for key, value in above.items():
        if value is None and (within, key) not in NULL_IS_A_VALUE:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value, key)
        else:
            merged[key] = value
    return merged


def read_layers(file: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the mapping in ``file``, laid over the files that it extends.

    Raises:
        StudyError: a file does not read, or extends itself.
    """
    here = Path(os.path.realpath(file))
    if here in above:
        chain = " -> ".join(str(path) for path in (*above, file))
        raise StudyError(f"{file} extends itself: {chain}")
    if len(above) == _LAYERS:
        raise StudyError(f"{file}: extends: {_LAYERS} files below one another are enough")
    raw = read_yaml(file)
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str):
        raise StudyError(f"{file}: extends: {base!r:.70}: the path of one YAML file is needed")
    try:
        below = read_layers(file.parent / base, (*above, here))
    except StudyError as problem:
        raise StudyError(f"{file}: extends: {problem}") from None
    return merge(below, raw)
