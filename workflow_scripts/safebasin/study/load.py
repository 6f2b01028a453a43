"""From YAML layers to a validated study, with all problems at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safebasin.errors import StudyError
from safebasin.study.check import check_references
from safebasin.study.config import Study
from safebasin.study.problems import from_validation, refuse
from safebasin.study.salvage import unknown_names
from safebasin.study.yaml_reader import read_yaml

MACHINE_KEYS = frozenset({"store", "device", "threads", "cores", "resources", "mem_mb", "jobs"})


def load_study(files: Sequence[Path], overrides: Mapping[str, Any] | None = None) -> Study:
    """Return the study that the layers describe; a later layer wins.

    A file may name another below it, ``extends: ../config.yaml``. Mappings are merged key by
    key; lists and single values are replaced; null removes a key.

    Raises:
        StudyError: with every problem found, each with its key, its value and its cure.
    """
    merged: dict[str, Any] = {}
    for file in files:
        merged = merge(merged, read_layers(file))
    merged = merge(merged, dict(overrides or {}))
    where = " + ".join(str(file) for file in files)
    return validate(merged, where)


def validate(raw: Mapping[str, Any], where: str = "the study") -> Study:
    """Return ``raw`` as a study.

    Raises:
        StudyError: with every problem found.
    """
    machine = sorted(MACHINE_KEYS & set(raw))
    if machine:
        raise StudyError(
            f"{where}: {', '.join(machine)}: these belong to the profile or the command line, "
            "not to a study (profiles/default/config.yaml shows how)"
        )
    try:
        text = json.dumps(raw, allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise StudyError(
            f"{where}: a value is neither text, number, list nor mapping: {problem}"
        ) from None
    try:
        study = Study.model_validate_json(text)
    except ValidationError as error:
        refuse(
            [*from_validation(error, Study.model_json_schema()), *unknown_names(raw, error)], where
        )
        raise
    refuse(check_references(study), where)
    return study


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``below`` with ``above`` laid over it."""
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def read_layers(file: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the mapping in ``file``, laid over the files that it extends.

    Raises:
        StudyError: a file does not read, or extends itself.
    """
    if file.resolve() in above:
        chain = " -> ".join(str(path) for path in (*above, file))
        raise StudyError(f"{file} extends itself: {chain}")
    raw = read_yaml(file)
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str):
        raise StudyError(f"{file}: extends: {base!r}: the path of one YAML file is needed")
    return merge(read_layers(file.parent / base, (*above, file.resolve())), raw)
