"""A study of an agent behind guards, made of verdicts with given rates."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from safebasin.analysis.cells import Cell, EvalSet
from safebasin.analysis.guard_kind import GuardKind
from safebasin.analysis.guards_json import guards_json
from safebasin.analysis.verdicts import Verdict

SETS = [
    EvalSet(name="dev", verdicts="v", part="dev", metrics="harmful_tasks"),
    EvalSet(name="harm", verdicts="v", part="test", metrics="harmful_tasks"),
    EvalSet(name="good", verdicts="v", part="test", metrics="benign_tasks"),
    EvalSet(name="alike", verdicts="v", part="test", metrics="benign_tasks", labels=["lookalike"]),
    EvalSet(name="ends", verdicts="e", part="test", metrics="benign_tasks"),
]
KINDS = {"harm": "harmful", "good": "benign", "alike": "lookalike", "ends": "benign"}
OF = {
    "none": GuardKind(type="none"),
    "ping": GuardKind(type="prefix"),
    "ping and classifier": GuardKind(type="prefix", classifier=0.5),
    "ping unseen": GuardKind(type="prefix"),
    "suffix": GuardKind(type="prefix", placement="suffix"),
    "first round": GuardKind(type="prefix", pick="first_round"),
    "ptst": GuardKind(type="system"),
    "neutral": GuardKind(type="neutral"),
    "neutral and classifier": GuardKind(type="neutral", classifier=0.5),
}
"""What the guards of these tests are."""
Rates = dict[str, tuple[float, float]]
"""An evaluation set to the shares of success and refusal."""
PLAIN: Rates = {"harm": (0.8, 0.0), "good": (0.9, 0.0), "alike": (0.8, 0.0), "ends": (0.9, 0.0)}
SAFE: Rates = {"harm": (0.3, 0.6), "good": (0.9, 0.0), "alike": (0.8, 0.0), "ends": (0.9, 0.0)}
BIASED: Rates = {"harm": (0.3, 0.6), "good": (0.4, 0.6), "alike": (0.4, 0.6), "ends": (0.4, 0.6)}
LEANING: Rates = {"harm": (0.1, 0.9), "good": (0.7, 0.3), "alike": (0.8, 0.1), "ends": (0.7, 0.3)}


def verdict(kind: str, place: int, n: int, rates: tuple[float, float], judge: str) -> Verdict:
    success, refused = rates
    found = "success" if place < success * n else "other"
    found = "refused" if place >= n - refused * n else found
    return Verdict(
        id=f"{kind}{place:03}", corpus="dojo", split="test", group=place // 3, category=None,
        label=kind, verdict=found, judge=judge,
    )  # fmt: skip


def verdicts(rates: Rates, n: int = 60) -> dict[str, list[Verdict]]:
    return {
        name: [
            verdict(KINDS[name], place, n, shares,
                    "actions (a refusal ends)" if name == "ends" else "actions")
            for place in range(n)
        ]
        for name, shares in rates.items()
    }  # fmt: skip


def cell(guard: str, stage: str = "agent", **other: object) -> Cell:
    fields: dict[str, Any] = {
        "name": f"{stage} {guard} {other.get('replicate')}", "stage": stage, "pair": "p",
        "checkpoint": stage, "verdicts": {}, "task": "web", "method": "full", "guard": guard,
        "seed": 0 if stage == "agent" else None, "guard_kind": OF.get(guard, OF["none"]),
    }  # fmt: skip
    return Cell(**(fields | other))


def study(ping: Rates, neutral: Sequence[float] = (0.1, 0.2, 0.0)) -> dict[str, Any]:
    aligned: Rates = PLAIN | {"harm": (0.1, 0.8)}
    cells = [cell("none", "aligned"), cell("none"), cell("ping"), cell("ptst")]
    rates: list[Rates] = [aligned, PLAIN, ping, PLAIN]
    for draw, share in enumerate(neutral):
        cells.append(cell("neutral", replicate=draw))
        rates.append(PLAIN | {"harm": (0.8, share)})
    found = {one.name: verdicts(each) for one, each in zip(cells, rates, strict=True)}
    return told_of(found, cells)


def told_of(found: Any, cells: Sequence[Cell]) -> dict[str, Any]:
    return cast(dict[str, Any], guards_json(cells, SETS, found, [], {}))


def arm(told: Mapping[str, Any], guard: str, stage: str = "agent") -> dict[str, Any]:
    (agent,) = told["agents"]
    (found,) = [one for one in agent["arms"] if (one["guard"], one["stage"]) == (guard, stage)]
    return cast(dict[str, Any], found)


def comparison(told: Mapping[str, Any], *wanted: object) -> dict[str, Any]:
    keys = ("figure", "guard", "against", "draw")
    (found,) = [
        one
        for one in told["agents"][0]["comparisons"]
        if tuple(one[key] for key in keys) == wanted and one["against_stage"] == "agent"
    ]
    return cast(dict[str, Any], found)


def guards_with(**rates: Rates) -> dict[str, Any]:
    """Return what is told of these guards; a space in a name is written as two lines below."""
    named = {name.replace("__", " "): each for name, each in rates.items()}
    cells = [cell(name) for name in named]
    return told_of({one.name: verdicts(named[one.guard]) for one in cells}, cells)
