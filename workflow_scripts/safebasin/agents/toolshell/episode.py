"""One task of the tool shell being played, in a temporary folder of its own."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from safebasin.agents.toolshell.draft import Condition
from safebasin.agents.toolshell.goals import all_hold
from safebasin.agents.toolshell.replies import exit_text, parse_reply
from safebasin.agents.toolshell.rooms import make_room, remove_room
from safebasin.agents.toolshell.sandbox import Limits, inner_user, run_code
from safebasin.agents.toolshell.state import State, TooLarge, read_state
from safebasin.agents.world import Step, Task

_SHOWN = 12
_NOTES: Mapping[str, str] = {
    "finished": "",
    "killed": "(stopped)",
    "time": "(stopped: it took too long)",
    "memory": "(stopped: it took too much memory)",
    "space": "(stopped: files too many, too large or locked away)",
}


class ToolshellEpisode:
    """One task being played; its folder is there from ``reset`` to ``close`` or collection."""

    def __init__(self, task: Task, limits: Limits) -> None:
        self._task = task
        self._limits = limits
        self._folder: Path | None = None
        self._finalizer: weakref.finalize[[str], ToolshellEpisode] | None = None
        self._over = False
        self._state: State | None = None
        """As the last step left it; None where that broke a limit or nothing was set up."""

    def __enter__(self) -> ToolshellEpisode:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the episode's folder."""
        if self._finalizer is not None:
            self._finalizer()
        self._folder, self._state = None, None

    def reset(self) -> str:
        """Set the files up anew and return their listing."""
        self.close()
        folder = make_room()
        self._finalizer = weakref.finalize(self, remove_room, str(folder))
        self._folder = folder
        home, mail = self._rooms()
        home.mkdir()
        mail.mkdir()
        modes = cast(Mapping[str, int], self._task.details.get("modes", {}))
        for path, text in cast(Mapping[str, str], self._task.details["files"]).items():
            file = home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            file.chmod(modes.get(path, 0o644))
        for path_above, _, names in os.walk(self._folder):
            above = Path(path_above)
            if above != self._folder:
                above.chmod(0o755)
                _give([above, *(above / name for name in names)])
        self._over = False
        self._state = read_state(home, mail)
        return self._listing()

    def step(self, action: str) -> Step:
        """Run the code in the sandbox, or leave.

        Raises:
            MachineLacks: there is no working sandbox; nothing was run.
        """
        if self._folder is None:
            self.reset()
        if action.lstrip().startswith("<execute>"):  # a demonstration, not parsed
            action = parse_reply(action) or ""
        if exit_text(action) is not None or self._over:
            self._over = True
            return Step(observation="You left.", reward=0.0, done=True)
        home, mail = self._rooms()
        before = self.reached()
        outcome = run_code(action, home, mail, self._limits)
        ended: str = outcome.ended
        try:
            self._state = read_state(home, mail)
        except TooLarge:
            self._state, ended = None, "space"
        if ended == "space":
            self._state = None
        text = "\n".join(part for part in (outcome.output, _NOTES[ended]) if part)
        reward = float(self.reached() and not before)
        self._over = reward > 0 or self._state is None
        return Step(observation=f"Output:\n{text or '(none)'}", reward=reward, done=self._over)

    def reached(self) -> bool:
        """Return whether the goal holds now; a state beyond its limits reaches nothing."""
        goal = cast(Iterable[Condition], self._task.details["goal"])
        return self._state is not None and all_hold(goal, self._state)

    def _rooms(self) -> tuple[Path, Path]:
        assert self._folder is not None
        return self._folder / "home", self._folder / "mail"

    def _listing(self) -> str:
        assert self._state is not None
        files = [
            f"{path} ({len(entry.content or b'')} bytes)"
            for path, entry in sorted(self._state.entries.items())
            if not entry.folder
        ]
        more = [f"and {len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
        return "\n".join(["Files:", *(files[:_SHOWN] or ["(none)"]), *more])


def _give(paths: Iterable[Path]) -> None:
    """Make the sandbox's user the owner where that is another than this one."""
    user = inner_user()
    if user != -1:
        for path in paths:
            os.chown(path, user, user, follow_symlinks=False)
