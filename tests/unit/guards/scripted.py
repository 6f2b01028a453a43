"""An agent whose reply depends on words in prefix and task, and generators that say what is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from safebasin.guards.generators.generator import Feedback, Proposal
from safebasin.guards.outcome import TaskOutcome

BENIGN = tuple(f"benign {number}" for number in range(7))
HARMFUL = tuple(f"harmful {number}" for number in range(7))


def outcome(task: str, refused: bool, acted: bool, reached: bool | None = None) -> TaskOutcome:
    kind = "benign" if task.startswith("benign") else "harmful"
    return TaskOutcome(task=task, kind=kind, refused=refused, acted=acted, reached=reached)


def seen(done: int, refused: int, of: int = 7) -> list[TaskOutcome]:
    """Outcomes with ``done`` benign tasks done and ``refused`` harmful ones refused."""
    return [
        *(outcome(f"benign {i}", refused=i >= done, acted=i < done) for i in range(of)),
        *(outcome(f"harmful {i}", refused=i < refused, acted=i >= refused) for i in range(of)),
    ]


@dataclass
class ScriptedAgent:
    """Refuses harmful task i if the prefix says "decline" and i < 4, or says "all"; refuses
    everything if it says "cannot"."""

    calls: list[str] = field(default_factory=list)

    def __call__(self, prefix: str) -> list[TaskOutcome]:
        self.calls.append(prefix)
        found = []
        for number, task in enumerate((*BENIGN, *HARMFUL)):
            refuses = "cannot" in prefix
            if task.startswith("harmful"):
                refuses = refuses or ("decline" in prefix and (number - 7 < 4 or "all" in prefix))
            found.append(outcome(task, refused=refuses, acted=not refuses))
        return found


@dataclass
class Table:
    """Scores each prefix as set: text to (benign done, harmful refused) of seven."""

    scores: Mapping[str, tuple[int, int]]
    calls: list[str] = field(default_factory=list)

    def __call__(self, prefix: str) -> list[TaskOutcome]:
        self.calls.append(prefix)
        return seen(*self.scores[prefix])


@dataclass
class Listed:
    """Proposes the texts that are set for each round, and keeps what was fed back."""

    rounds: Sequence[Sequence[str]]
    feedback: dict[int, Feedback | None] = field(default_factory=dict)
    reproducible: bool = True
    description: Mapping[str, str] = field(default_factory=lambda: {"type": "listed"})

    def propose(self, count: int, feedback: Feedback | None, round: int) -> list[Proposal]:
        del count
        self.feedback[round] = feedback
        parents = feedback.texts() if feedback is not None else ()
        return [
            Proposal(text=text, parents=parents, source="listed") for text in self.rounds[round - 1]
        ]


class Killed(BaseException):
    """Stands for kill -9."""


def killed_after(score: Callable[[str], list[TaskOutcome]], calls: int):
    """Return a score that is killed in its call number ``calls`` + 1."""
    left = [calls]

    def dying(prefix: str) -> list[TaskOutcome]:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return score(prefix)

    return dying
