"""The plan as a graph of specs: immutable, in an order where inputs come first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from safebasin.store.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One job: what it makes, what a person calls it, and what it will need."""

    rule: str
    name: str
    """Readable and unique in the study, such as ``tune/smollm2/sentiment/n300/p0.2/sft/s0``."""
    spec: Spec
    digest: str
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where a source is to be had; no part of the spec."""
    parameters: int = 0
    """Parameters of the model that the step works on, for memory and time requests; 0 for none."""
    work: int = 0
    """Sequences that the model processes, for a time request; 0 for light steps."""
    unlocked: bool = False
    """Whether it is a source that nobody has locked yet."""

    @property
    def kind(self) -> str:
        """The kind of its artifact."""
        return self.spec.kind


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes of a study, by digest, inputs before what reads them."""

    nodes: Mapping[str, Node]
    target: str | None = None
    """Digest of the report."""
    evaluation: str | None = None
    """Digest of the evaluation."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Readable name to digest, for what ``results/`` shows."""

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes, inputs first."""
        return iter(self.nodes.values())

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)

    def of_rule(self, rule: str) -> list[Node]:
        """Return the nodes of one rule."""
        return [node for node in self if node.rule == rule]

    def by_name(self, name: str) -> Node | None:
        """Return the node of that readable name or digest, or None."""
        found = self.nodes.get(name)
        return found or next((node for node in self if node.name == name), None)

    def parents(self, node: Node) -> dict[str, Node]:
        """Return role to node, for the node's inputs."""
        return {role: self.nodes[digest] for role, digest in node.spec.inputs.items()}

    def ancestors(self, node: Node) -> list[Node]:
        """Return all that ``node`` comes from, inputs first, itself last."""
        wanted, waiting = {node.digest}, [node]
        while waiting:
            for parent in self.parents(waiting.pop()).values():
                if parent.digest not in wanted:
                    wanted.add(parent.digest)
                    waiting.append(parent)
        return [each for each in self if each.digest in wanted]


def compare_specs(before: Spec, after: Spec) -> list[tuple[str, object, object]]:
    """Return every field in which two specs differ: (path, before, after)."""
    return list(_compare("", before.as_json(), after.as_json()))


def _compare(path: str, before: object, after: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _compare(f"{path}.{key}".lstrip("."), before.get(key), after.get(key))
    elif before != after:
        yield path, before, after
