"""The controls that a study does not have: what could explain a finding and was not run.

Where one is missing nothing in the report calls a method better than another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safebasin.reporting.agents import agents_of, model_of
from safebasin.reporting.badge import Badge
from safebasin.reporting.findings import Findings, Record, records, text
from safebasin.reporting.method_kind import MethodKind
from safebasin.reporting.models import Methods, Model

Missing = tuple[str, str]
"""What is missing in a few words, and what nobody can tell without it."""


def null_badge(findings: Findings, models: Sequence[Model], methods: Methods) -> list[Badge]:
    """Return a caution that names every missing control; none where there is none."""
    found = dict(
        [*_of_methods(models), *_of_tunings(agents_of(findings), methods), *_of_prefixes(findings)]
    )
    if not found:
        return []
    title = f"missing controls: {', '.join(found)}"
    return [Badge(state="caution", title=title, detail=" ".join(found.values()))]


def has_ridge(model: Model, models: Sequence[Model]) -> Model | None:
    """Return the ridge beside a model: the same setting in the same condition."""
    return next(
        (
            one
            for one in models
            if one.kind.is_ridge
            and (one.conditions, one.setting) == (model.conditions, model.setting)
        ),
        None,
    )


def _of_methods(models: Sequence[Model]) -> Iterator[Missing]:
    for model in models:
        beside = [one for one in models if one.conditions == model.conditions]
        if model.kind.is_anchored and has_ridge(model, models) is None:
            yield _ridge(model.name)
        if model.kind.is_anchored and not any(
            one.kind.is_random and one.setting == model.setting for one in beside
        ):
            yield _random(model.method)
        if model.kind.is_post_hoc:
            yield (
                f"zeroed matrices beside {model.method}",
                f"Whether {model.method} keeps more than setting the same matrices to zero, or as "
                "many at random, was not run.",
            )


def _of_tunings(agents: Sequence[Record], methods: Methods) -> Iterator[Missing]:
    """Yield what is missing beside agents that were tuned with a penalty."""
    tuned = [text(model_of(agent), "method") for agent in agents]
    kinds = [methods.get(name, MethodKind()) for name in tuned]
    for name, kind in zip(tuned, kinds, strict=True):
        if kind.is_anchored and not any(one.is_ridge for one in kinds):
            yield _ridge(name)
        if kind.is_anchored and not any(one.is_random for one in kinds):
            yield _random(name)


def _of_prefixes(findings: Findings) -> Iterator[Missing]:
    for agent in agents_of(findings):
        stage = text(model_of(agent), "stage")
        arms = [arm for arm in records(agent, "arms") if text(arm, "stage") == stage]
        types = {text(arm, "type") for arm in arms if not arm.get("has_classifier")}
        if not agent.get("searched"):
            continue
        if "neutral" not in types:
            yield (
                "neutral comments beside a searched prefix",
                "How much of a searched prefix's effect any comment of its form would have was "
                "not run.",
            )
        if "random_safety" not in types:
            yield (
                "random safety sentences beside a searched prefix",
                "Whether the search does more than a safety sentence drawn at random was not run.",
            )


def _ridge(name: str) -> Missing:
    return (
        f"ridge beside {name}",
        f"Whether {name} does more than a penalty on the whole update, at the same strength, was "
        "not run.",
    )


def _random(name: str) -> Missing:
    return (
        f"a random direction beside {name}",
        f"Whether the direction of {name} does more than a random one of the same spectrum was "
        "not run.",
    )
