"""What a check found, and what it looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from safebasin.errors import SafebasinError
from safebasin.preflight.gpus import Gpus
from safebasin.store.kinds import RULES
from safebasin.study.graph import Node
from safebasin.workflow import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem, with what would cure it."""

    check: str
    """Which check found it, such as ``access``."""
    what: str
    cure: str

    @classmethod
    def of(cls, check: str, where: str, problem: SafebasinError) -> Finding:
        """Return an error as a finding: its first sentence is what is wrong, the rest the cure."""
        said = str(problem).removeprefix(f"{where}: ")
        what, *rest = re.split(r"[.;] ", said, maxsplit=1)
        return cls(check=check, what=f"{where}: {what}", cure=rest[0] if rest else what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A planned study and the machine it is to run on."""

    workflow: Workflow
    gpus: Gpus = field(default_factory=Gpus)

    def left(self) -> list[Node]:
        """Return the jobs that a run would do."""
        return self.workflow.left()

    def holds(self, node: Node) -> bool:
        """Return whether the node's artifact is in the store."""
        return self.workflow.store.holds(node.kind, node.digest)

    def to_fetch(self) -> list[Node]:
        """Return the sources that a run would fetch, or would if they were locked."""
        return [node for node in self.left() if node.rule == "fetch_source"]

    def on_model(self) -> list[Node]:
        """Return the jobs that would hold a model on a GPU."""
        return [node for node in self.left() if RULES[node.rule].gpu]
