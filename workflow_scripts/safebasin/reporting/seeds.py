"""How many training runs stand behind each figure: one run is no sample of runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from safebasin.reporting.badge import Badge
from safebasin.reporting.findings import Record, text
from safebasin.reporting.models import condition_text

_TRAINED = ("tuned", "projected", "agent")
_WHY = "the intervals vary {what} only, and another training run could differ by more"


def of_one_seed(rows: Sequence[Record]) -> tuple[list[str], bool]:
    """Return the trained models with a single seed, and whether there are others."""
    seeds: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in rows:
        if text(row, "stage") in _TRAINED and text(row, "seed"):
            condition = condition_text({**row, "guard": None, "replicate": None})
            seeds[condition, _name(row)].add(text(row, "seed"))
    single = [name for (_, name), found in seeds.items() if len(found) == 1]
    return list(dict.fromkeys(single)), len(single) < len(seeds)


def _name(row: Record) -> str:
    agent = text(row, "task") if text(row, "stage") == "agent" else ""
    method = "" if text(row, "method") == "full" else text(row, "method")
    return " ".join(part for part in (agent, method, text(row, "setting")) if part)


def seed_words(rows: Sequence[Record], *, what: str, run: str = "") -> list[str]:
    """Return the sentence on models with one seed; none where there is none.

    Args:
        rows: of the evaluation.
        what: what the intervals vary, such as "the prompts".
        run: a word for the seed's run, such as ``agent``.
    """
    single, others = of_one_seed(rows)
    if not single:
        return []
    why = _WHY.format(what=what)
    if not others:
        return [f"There is one {f'{run} ' if run else ''}seed: {why}."]
    return [f"Of {_listed(single)} there is one seed: {why}."]


def seed_badge(rows: Sequence[Record]) -> list[Badge]:
    """Return a caution where trained models have one seed."""
    single, others = of_one_seed(rows)
    if not single:
        return []
    why = _WHY.format(what="prompts or tasks")
    detail = f"{f'{_listed(single)}: ' if others else ''}{why}."
    title = "1 seed, of some models" if others else "1 seed"
    return [Badge(state="caution", title=title, detail=f"{detail[0].upper()}{detail[1:]}")]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
