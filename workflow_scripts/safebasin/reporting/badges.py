"""Badges: short statements on whether the figures may be trusted, each with its reason."""

from __future__ import annotations

from safebasin.reporting.agents import without_agents
from safebasin.reporting.badge import Badge
from safebasin.reporting.choosing import shown_rule, was_chosen
from safebasin.reporting.findings import Material, Split, number
from safebasin.reporting.making import same_making
from safebasin.reporting.models import models_of
from safebasin.reporting.nulls import null_badge
from safebasin.reporting.seeds import seed_badge


def badges(material: Material) -> list[Badge]:
    """Return the badges of a report."""
    tuned = without_agents(material.findings)
    models = models_of(tuned.summary, material.methods)
    found = null_badge(material.findings, models, material.methods)
    found += seed_badge(material.findings.rows)
    found += _choice(material)
    found += [_leakage(split) for split in material.splits]
    found += same_making(material.runs)
    found += _defences(material)
    return found


def _choice(material: Material) -> list[Badge]:
    if not was_chosen(material.findings.choices):
        return []
    rule = shown_rule(material.findings)
    return [Badge(state="note", title="settings chosen on development rows", detail=rule)]


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
    measured = _closest(split)
    if not pairs:
        detail = "All rows that are used are of one part, so there is no other to compare with."
        return Badge(state="note", title=f"leakage of {split.name}: one part only", detail=detail)
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


def _closest(split: Split) -> str:
    """Return how alike the most alike rows of different parts are, where that was measured."""
    between = split.leakage.get("between")
    pairs = between.values() if isinstance(between, dict) else ()
    known = [value for one in pairs if (value := number(one, "largest_similarity")) is not None]
    if not known:
        return "How alike the rows of different parts are was not measured."
    limit = number(split.leakage, "similarity")
    said = f"The two most alike rows of different parts have a cosine of {max(known):.2f}"
    return f"{said}." if limit is None else f"{said}; from {limit:g} on they are near-duplicates."


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
    several = f"{len(pairs)} adapters, each" if len(pairs) > 1 else "One adapter,"
    detail = f"{several} with every matrix covered."
    return [Badge(state="good", title="every method was on", detail=detail)]
