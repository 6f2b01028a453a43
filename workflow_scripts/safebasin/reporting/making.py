"""Whether all that the figures come from was made in one way: versions, devices, processors.

The same bytes are promised for one set of libraries on one type of processor; a study whose
artifacts come from several is not the one that a single machine would give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from safebasin.reporting.badge import Badge
from safebasin.reporting.findings import Record, text

Seen = dict[str, dict[str, Counter[str]]]
"""What is compared ("torch") to each value that was met ("2.13.0"), with the kinds made so."""


def same_making(runs: Sequence[Record]) -> list[Badge]:
    """Return a badge on what was mixed, or on there being nothing mixed; none without any run.

    Devices are compared among the steps that run a model: the others have no use for one.
    """
    on_models = [run for run in runs if run.get("runs_model")]
    compared = {
        "versions": _counted((name, value, run) for run in runs for name, value in _versions(run)),
        "devices": _counted(("device", text(run, "device"), run) for run in on_models),
        "processors": _counted(("processor", text(run, "processor"), run) for run in runs),
    }
    known = {what: seen for what, seen in compared.items() if seen}
    if not known:
        return []
    mixed = {what: told for what, seen in known.items() if (told := _mixed(seen))}
    if mixed:
        title = f"artifacts made with mixed {_listed(list(mixed))}"
        return [Badge(state="caution", title=title, detail="; ".join(mixed.values()))]
    alike = [
        f"{name} {next(iter(values))}" for seen in known.values() for name, values in seen.items()
    ]
    made = "one artifact" if len(runs) == 1 else f"{len(runs)} artifacts"
    title = f"made with one set of {_listed(list(known))}"
    return [Badge(state="good", title=title, detail=f"{made}: {', '.join(alike)}")]


def _versions(run: Record) -> Iterator[tuple[str, str]]:
    """Yield the version of Python and of every library that the artifact was made with."""
    yield "python", text(run, "python")
    versions = run.get("versions")
    if isinstance(versions, dict):
        for library, version in sorted(versions.items()):
            yield str(library), str(version)


def _counted(values: Iterator[tuple[str, str, Record]]) -> Seen:
    """Return how many artifacts of each kind were made with each value; an empty one is unknown."""
    seen: Seen = {}
    for name, value, run in values:
        if value:
            kinds = seen.setdefault(name, {}).setdefault(value, Counter())
            kinds[text(run, "kind")] += 1
    return {name: dict(sorted(values.items())) for name, values in sorted(seen.items())}


def _mixed(seen: Seen) -> str:
    """Return what has more than one value, with the kinds that were made with each."""
    return "; ".join(
        f"{name} {', '.join(f'{value} ({_told(kinds)})' for value, kinds in values.items())}"
        for name, values in seen.items()
        if len(values) > 1
    )


def _told(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
