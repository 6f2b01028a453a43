"""Artifacts of a study, by what a person calls them."""

from __future__ import annotations

from safebasin.errors import RequestError
from safebasin.study.graph import Graph, Node
from safebasin.study.problems import nearest

_SHORTEST = 4
"""Digits of a digest that are enough, where no other artifact of the study begins with them."""
_SHOWN = 5


def find_artifact(graph: Graph, told: str) -> Node:
    """Return the artifact that is meant.

    Args:
        graph: of the study.
        told: a readable name, a digest, how one begins, or a path that ends with a digest, as
            Snakemake prints those of receipts.

    Raises:
        RequestError: the study has several, or none; then those that are most like it are named.
    """
    digest = told.rstrip("/").rpartition("/")[2].removesuffix(".json")
    if node := graph.by_name(told) or graph.nodes.get(digest):
        return node
    begun = [each for each in graph if len(digest) >= _SHORTEST and each.digest.startswith(digest)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        several = ", ".join(f"{each.digest} ({each.name})" for each in begun)
        raise RequestError(f"{told!r} begins several digests: {several}")
    names = [each.name for each in graph]
    if near := nearest(told, names):
        hint = f"did you mean {near!r}?"
    elif holding := [name for name in names if _holds(name, told)]:
        more = f" and {len(holding) - _SHOWN} more" if len(holding) > _SHOWN else ""
        hint = f"did you mean one of {', '.join(map(repr, holding[:_SHOWN]))}{more}?"
    else:
        hint = "`safebasin show` lists them"
    raise RequestError(
        f"the study has no artifact {told!r}; {hint} (`--configfile` names the study that has it)"
    )


def _holds(name: str, told: str) -> bool:
    """Say whether the name has every word of what was told."""
    return all(word in name.lower() for word in told.lower().replace("/", " ").split())
