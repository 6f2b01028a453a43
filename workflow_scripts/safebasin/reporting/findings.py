"""What a report is made from, read from the artifacts' files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from safebasin.reporting.method_kind import MethodKind

Record = Mapping[str, object]
"""One row of a table, or one JSON object."""

Judging = Callable[[Sequence[Record], Sequence[Record]], Sequence[str]]

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The files of an evaluation."""

    rows: Sequence[Record]
    """``evaluation.parquet``: one row per cell, seed and metric."""
    summary: Sequence[Record]
    """``summary.parquet``: the same over seeds."""
    calibration: Sequence[Record]
    contrast: Record
    choices: Record
    guards: Record = field(default_factory=dict)
    """``guards.json``: the agents; empty where an evaluation has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One adapter's training."""

    name: str
    history: Sequence[Record]
    activity: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """One direction's spectrum, in long format."""

    name: str
    rows: Sequence[Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One split's leakage check."""

    name: str
    leakage: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Responses of one cell, of which a few are shown."""

    name: str
    rows: Sequence[Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The prefixes that a search scored, and its controls."""

    name: str
    rows: Sequence[Record]
    winner: Record
    generator: Record = field(default_factory=dict)
    """What proposed the prefixes: type and settings."""
    reproducible: bool = True
    """Whether the generator says the same when it is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The episodes of one agent under one guard."""

    name: str
    episodes: Sequence[Record]
    turns: Sequence[Record]
    outcomes: Sequence[str]
    """success, refused or other, for each episode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The probes on one agent's states, and what steering with them does."""

    name: str
    rows: Sequence[Record]
    about: Record
    """The settings as they came out: headline layer, depth, steering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a page shows."""

    study: str
    title: str
    description: str
    meaningless: bool
    evaluation: str
    """Digest of the evaluation."""
    findings: Findings
    trainings: Sequence[Training] = ()
    spectra: Sequence[Spectrum] = ()
    splits: Sequence[Split] = ()
    samples: Sequence[Sample] = ()
    unread: int = 0
    """Responses beyond those in ``samples``."""
    pools: Sequence[Pool] = ()
    plays: Sequence[Play] = ()
    unread_plays: int = 0
    probes: Sequence[Probe] = ()
    methods: Mapping[str, MethodKind] = field(default_factory=dict)
    """What each method is, by the study's name for it."""
    calibrated: str = ""
    """What the study calls the judge that was held against people's labels."""
    runs: Sequence[Record] = ()
    """How each artifact that the figures come from was made (``run.json``), with its ``kind`` and
    whether its step ``runs_model``."""


def read_findings(folder: Path) -> Findings:
    """Return the evaluation in the folder."""
    return Findings(
        rows=read_table(folder / "evaluation.parquet"),
        summary=read_table(folder / "summary.parquet"),
        calibration=read_table(folder / "calibration.parquet"),
        contrast=read_json(folder / "contrast.json"),
        choices=read_json(folder / "choices.json"),
        guards=read_json(guards) if (guards := folder / "guards.json").exists() else {},
    )


def read_each(
    read: Callable[[str, Path], Read],
    folders: Mapping[str, Path],
    names: Mapping[str, str],
    most: int | None = None,
) -> list[Read]:
    """Return what ``read`` gives for each input, called by its readable name, in order of inputs.

    Args:
        read: takes a name and a folder.
        folders: input name to folder.
        names: input name to readable name; what all names begin with is left out.
        most: how many to read at most.
    """
    keys = sorted(names)
    short = short_names([names[key] for key in keys])
    return [read(name, folders[key]) for name, key in list(zip(short, keys, strict=True))[:most]]


def read_training(name: str, folder: Path) -> Training:
    """Return an adapter's history and activity; an adopted adapter has neither."""
    history, activity = folder / "history.parquet", folder / "activity.json"
    return Training(
        name=name,
        history=read_table(history) if history.exists() else [],
        activity=read_json(activity) if activity.exists() else {},
    )


def read_spectrum(name: str, folder: Path) -> Spectrum:
    """Return a direction's spectrum."""
    return Spectrum(name=name, rows=read_table(folder / "spectrum.parquet"))


def read_split(name: str, folder: Path) -> Split:
    """Return a split's leakage check."""
    return Split(name=name, leakage=read_json(folder / "leakage.json"))


def read_sample(name: str, folder: Path) -> Sample:
    """Return the responses of one run."""
    return Sample(name=name, rows=read_table(folder / "responses.parquet"))


def read_pool(name: str, folder: Path) -> Pool:
    """Return a search's candidates and controls."""
    told = read_json(folder / "prefix.json")
    winner, generator = told.get("winner"), told.get("generator")
    return Pool(
        name=name,
        rows=read_table(folder / "candidates.parquet"),
        winner=winner if isinstance(winner, Mapping) else {},
        generator=generator if isinstance(generator, Mapping) else {},
        reproducible=told.get("reproducible") is not False,
    )


def read_probe(name: str, folder: Path) -> Probe:
    """Return an agent's probes."""
    rows = read_table(folder / "probe.parquet")
    return Probe(name=name, rows=rows, about=read_json(folder / "probe.json"))


def read_play(judge: Judging) -> Callable[[str, Path], Play]:
    """Return what reads an agent's run, with the outcome by which examples are picked.

    Args:
        judge: gives the outcome of each episode from the episodes and their turns.
    """

    def read(name: str, folder: Path) -> Play:
        episodes, turns = (read_table(folder / f"{file}.parquet") for file in ("episodes", "turns"))
        return Play(name=name, episodes=episodes, turns=turns, outcomes=judge(episodes, turns))

    return read


def read_table(path: Path) -> list[Record]:
    """Return the rows of a parquet file."""
    import pyarrow.parquet as pq

    return cast(list[Record], pq.read_table(path).to_pylist())


def read_json(path: Path) -> Record:
    """Return the object in a JSON file."""
    return cast(Record, json.loads(path.read_text(encoding="utf-8")))


def short_names(names: Sequence[str]) -> list[str]:
    """Return the names without the leading folders that all of them share."""
    split = [name.split("/") for name in names]
    shared = 0
    while (
        len(names) > 1
        and all(len(one) > shared + 1 for one in split)
        and (len({one[shared] for one in split}) == 1)
    ):
        shared += 1
    return ["/".join(one[shared:]) for one in split]


def number(record: Record, key: str) -> float | None:
    """Return the number under ``key``, or None where there is none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def text(record: Record, key: str) -> str:
    """Return what stands under ``key`` as text, empty where there is nothing."""
    value = record.get(key)
    return "" if value is None else str(value)


def written(record: Record, key: str) -> str:
    """Return what a model wrote, or that it is nothing that could be seen."""
    return told if (told := text(record, key)).strip() else "(empty)"


def records(record: Record, key: str) -> list[Record]:
    """Return the list of objects under ``key``."""
    value = record.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
