"""Badges: short statements on whether the figures may be trusted, each with its reason."""

from __future__ import annotations

from safebasin.reporting.badge import Badge
from safebasin.reporting.findings import Material, Split, number, records, text
from safebasin.reporting.making import same_making


def badges(material: Material) -> list[Badge]:
    """Return the badges of a report."""
    found = [] if _agents_only(material) else [_choice(material)]
    found += [_leakage(split) for split in material.splits]
    found += same_making(material.runs)
    found += _defences(material)
    return found


def _agents_only(material: Material) -> bool:
    """Whether the study has agents and nothing whose setting could be chosen."""
    chosen = records(material.findings.choices, "choices")
    return bool(records(material.findings.guards, "agents")) and not chosen


def _choice(material: Material) -> Badge:
    rule = text(material.findings.choices, "rule")
    return Badge(state="note", title="settings chosen on development rows", detail=rule)


def _leakage(split: Split) -> Badge:
    """Return whether parts share anything: ids, texts, groups, or near-duplicates."""
    between = split.leakage.get("between")
    pairs = between if isinstance(between, dict) else {}
    counts = [
        (pair, key.replace("_", " "), value)
        for pair, found in sorted(pairs.items())
        for key, value in sorted(found.items())
        if key != "largest_similarity"
    ]
    unclear = [pair for pair, _, value in counts if isinstance(value, str)]
    shared = [
        f"{pair}: {value} {what}"
        for pair, what, value in counts
        if value and not isinstance(value, str)
    ]
    closest = max(
        (number(found, "largest_similarity") or 0.0 for found in pairs.values()), default=0.0
    )
    limit = number(split.leakage, "similarity")
    measured = (
        f"The two most alike rows of different parts have a cosine of {closest:.2f}"
        + ("" if limit is None else f"; from {limit:g} on they would count as near-duplicates")
        + "."
    )
    if not pairs:
        return Badge(state="note", title=f"leakage of {split.name}: one part only", detail="")
    if shared:
        detail = f"{'; '.join(shared)}. {measured}"
        return Badge(state="bad", title=f"leakage check failed: {split.name}", detail=detail)
    if unclear:
        detail = (
            f"{', '.join(unclear)}: both parts have rows without words that could be compared "
            f"(signs only, or letters without blanks). {measured}"
        )
        return Badge(state="note", title=f"leakage check cannot tell: {split.name}", detail=detail)
    return Badge(state="good", title=f"leakage check passed: {split.name}", detail=measured)


def _defences(material: Material) -> list[Badge]:
    """Return whether every method acted on all the matrices it should."""
    pairs = [
        (one.name, number(one.activity, "covered_matrices"), number(one.activity, key))
        for one in material.trainings
        for key in ("expected_matrices",)
        if number(one.activity, key) is not None
    ]
    if not pairs:
        return []
    short = [name for name, covered, expected in pairs if (covered or 0) < (expected or 0)]
    if short:
        return [Badge(state="bad", title="a method was partly off", detail=", ".join(short))]
    detail = f"{len(pairs)} adapters, each with every matrix covered"
    return [Badge(state="good", title="every method was on", detail=detail)]
