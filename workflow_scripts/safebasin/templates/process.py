"""Asking the process in which templates run: one for each of our processes, begun when asked."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "HOME")
_FIXED = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


class TemplateRefused(Exception):
    """What a template, or what runs it, has to say against a rendering."""


@dataclass(slots=True)
class _Process:
    """The process and who it belongs to."""

    running: subprocess.Popen[str] | None = None
    owner: int = 0
    """The process that began it: a fork must not read what its parent asked for."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer, or None where the process ended over it.

        One that somebody else ended (the kernel, say, where memory is short) shows nothing of what
        it was asked: another is asked then.
        """
        if self.owner != os.getpid():
            self.running, self.owner, self.lock = None, os.getpid(), threading.Lock()
        line = f"{json.dumps(request)}\n"
        with self.lock:
            for _ in range(2):
                told = self._answer_to(line)
                if told.endswith("\n"):
                    answer: dict[str, Any] = json.loads(told)
                    return answer
                if self._end() == -signal.SIGPROF:  # its own limit on time
                    break
            return None

    def _answer_to(self, line: str) -> str:
        """Return the line that is answered; less than one where the process ends before that."""
        if self.running is None:
            self.running = _begin()
        stdin, stdout = self.running.stdin, self.running.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(line)
            stdin.flush()
            return stdout.readline()
        except BrokenPipeError:
            return ""
        except BaseException:  # Ctrl-C: the next to ask must not read this answer
            self._end()
            raise

    def close(self) -> None:
        """Let it go at our own end."""
        if self.running is not None and self.owner == os.getpid():
            self._close()

    def _end(self) -> int:
        assert self.running is not None
        self.running.kill()
        return self._close()

    def _close(self) -> int:
        """Let it go, whatever comes between, and return how it ended."""
        assert self.running is not None
        running, self.running = self.running, None
        for pipe in (running.stdin, running.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:
                pass
        return running.wait()


def _begin() -> subprocess.Popen[str]:
    from safebasin.templates import worker

    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-P", str(worker.__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={**kept, **_FIXED},
    )


_PROCESS = _Process()
_RAN_ON: set[str] = set()
"""Templates that were stopped once: nobody waits for one of them again."""
atexit.register(_PROCESS.close)


def render(template: str, date: str, values: Mapping[str, Any]) -> str:
    """Return what ``template`` makes of ``values``, at midnight of ``date``.

    Raises:
        TemplateRefused: it raises, it goes over a limit, or it is no template.
    """
    return str(_asked({"template": template, "date": date, "values": values})["text"])


def variables(template: str, date: str) -> list[str]:
    """Return the names that ``template`` takes from outside.

    Raises:
        TemplateRefused: it is no template.
    """
    return list(_asked({"template": template, "date": date})["variables"])


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    template = str(request["template"])
    answer = None if template in _RAN_ON else _PROCESS.ask(request)
    if answer is None:
        from safebasin.templates import worker

        _RAN_ON.add(template)
        raise TemplateRefused(
            f"it goes on for more than {worker.SECONDS:g} seconds, or breaks what runs it"
        )
    if "fault" in answer:
        raise TemplateRefused(answer["fault"])
    return answer
