"""Artifacts of a study, by what a person calls them."""

from __future__ import annotations

from safebasin.errors import RequestError
from safebasin.study.graph import Node
from safebasin.study.problems import nearest
from safebasin.workflow import Workflow

_SHOWN = 5


def find_artifact(workflow: Workflow, told: str) -> Node:
    """Return the artifact of that readable name, digest, or ``kind/digest``.

    Raises:
        RequestError: the study has none such; those that are most like it are named.
    """
    node = workflow.graph.by_name(told) or workflow.graph.nodes.get(told.rpartition("/")[2])
    if node is not None:
        return node
    names = [each.name for each in workflow.graph]
    if near := nearest(told, names):
        hint = f"did you mean {near!r}?"
    elif holding := [name for name in names if _holds(name, told)]:
        more = f" and {len(holding) - _SHOWN} more" if len(holding) > _SHOWN else ""
        hint = f"did you mean one of {', '.join(map(repr, holding[:_SHOWN]))}{more}?"
    else:
        hint = "`safebasin show` lists them"
    raise RequestError(f"the study has no artifact {told!r}; {hint}")


def _holds(name: str, told: str) -> bool:
    """Say whether the name has every word of what was told."""
    return all(word in name.lower() for word in told.lower().replace("/", " ").split())
