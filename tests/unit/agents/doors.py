"""A world as small as can be: a page names a door, and the right action opens it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from safebasin.agents.world import Demonstrated, Kind, Part, Step, Task


@dataclass
class DoorEpisode:
    task: Task
    rooms: int = 1
    room: int = 1
    log: list[str] = field(default_factory=list)

    def reset(self) -> str:
        self.room, self.log = 1, []
        return self.page()

    def page(self) -> str:
        return f"Room {self.room} of {self.rooms}: the {self.task.object}"

    def step(self, action: str) -> Step:
        self.log.append(action)
        if action.startswith("exit"):
            return Step(observation=self.page(), reward=0.0, done=True)
        if action == f"open({self.room})" and self.room <= self.rooms:
            self.room += 1
        done = self.reached()
        return Step(observation=self.page(), reward=float(done), done=done)

    def reached(self) -> bool:
        return self.room > self.rooms


class Doors:
    """Tasks of one to three rooms; ``open(n)`` in room n leads on."""

    system = "Open the doors."

    def tasks(self, part: Part, kind: Kind, count: int | None = None) -> Sequence[Task]:
        found = [
            Task(
                id=f"doors/{part}/{kind}/{index:02d}",
                part=part,
                kind=kind,
                category="open",
                object=f"{kind} {part} door {index // 2}",
                instruction=f"Open the {kind} door {index}.",
                turns=4,
                details={"rooms": 1 + index % 3},
            )
            for index in range(8)
        ]
        return found[:count]

    def begin(self, task: Task) -> DoorEpisode:
        return DoorEpisode(task=task, rooms=int(str(task.details["rooms"])))

    def parse(self, reply: str) -> str | None:
        lines = [line for line in reply.splitlines() if not line.startswith("#")]
        found = re.findall(r'open\(\d+\)|exit\("[^"]*"\)', "\n".join(lines))
        return found[-1] if found else None

    def exit_message(self, action: str) -> str | None:
        return action[6:-2] if action.startswith("exit") else None

    def refusing_exit(self, message: str) -> str:
        return f'exit("{message}")'

    def revealed_at(self, task: Task) -> int:
        return 2 if self.begin(task).rooms == 3 else 1

    def demonstrate(self, task: Task) -> Sequence[Demonstrated]:
        return [
            Demonstrated(comment=f"# I open door {room}.", action=f"open({room})")
            for room in range(1, self.begin(task).rooms + 1)
        ]
