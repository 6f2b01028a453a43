"""Runs an agent's code where it can touch nothing but two folders of its own, or not at all.

Bubblewrap gives the code its own mount, process, network, IPC and host name spaces: it sees the
interpreter and the system's libraries read-only, two folders to write, and no /proc, /tmp, /etc,
home or environment. The launcher inside sets limits that cannot be raised, and a filter denies
the system calls that would leave the namespaces. This process watches the time, the folders and the
memory of all together.

An ordinary user needs user namespaces that the unprivileged may make. Root makes no user
namespace but becomes an unused ordinary user inside: the kernel holds root to no limit on
processes, in a user namespace of root's neither.
"""

from __future__ import annotations

import os
import platform
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from safebasin.agents.toolshell.group import resident_bytes
from safebasin.agents.toolshell.rooms import make_room, remove_room
from safebasin.agents.toolshell.seccomp import system_call_filter
from safebasin.agents.toolshell.state import TooLarge, weigh
from safebasin.errors import MachineLacks

CODE_BYTES = 16_384
"""Code beyond this is not run; it also keeps the code within what a pipe holds at once."""
_CURE = (
    "nothing was run. Install bubblewrap (apt-get install bubblewrap) on a Linux machine whose "
    "kernel lets this user make namespaces (sysctl user.max_user_namespaces above 0, "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a root with CAP_SYS_ADMIN)"
)
_BESIDE = Path(__file__).parent
_LAUNCHER = (_BESIDE / "launcher.py").read_text(encoding="utf-8")
_MAIL = (_BESIDE / "mail.py").read_text(encoding="utf-8")
_MARK = b"confined\n"
_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")


Ended = Literal["finished", "killed", "time", "space", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one step may use; each process is held to the first four by the kernel."""

    cpu: int = 2
    """Seconds of processor time."""
    memory: int = 256 * 2**20
    """Bytes of address space of one process."""
    file_size: int = 2**18
    """Bytes of one file."""
    processes: int = 8
    """Processes and threads alive at once, all together."""
    group_memory: int = 512 * 2**20
    """Bytes in memory of all processes together, by which everything is killed."""
    wall: float = 5.0
    """Seconds until everything is killed."""
    output: int = 400
    """Characters of output that are kept: as many of its begin as of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended; none of its processes is left."""

    output: str
    ended: Ended
    """"killed" is by a limit of the kernel's or by the code's own doing."""


@dataclass(slots=True)
class _Output:
    """The first and the last bytes of a stream of any length."""

    keep: int
    first: bytes = b""
    last: bytes = b""

    def add(self, data: bytes) -> None:
        room = self.keep - len(self.first)
        self.first += data[:room]
        self.last = (self.last + data[room:])[-self.keep :]

    def text(self, limit: int) -> str:
        whole = (self.first + self.last).decode("utf-8", "replace")
        shown = "".join(c if c.isprintable() or c == "\n" else "?" for c in whole).strip()
        if len(shown) <= limit:
            return shown
        return f"{shown[: limit // 2 - 3]}\n...\n{shown[-(limit // 2) + 2 :]}"


def inner_user() -> int:
    """Return the user who has to own the two folders, or -1 where that is whoever runs this.

    Root becomes their owner inside: one of a range that nobody has, another in each process, for
    the limit on processes counts a user's.
    """
    return -1 if os.geteuid() else 62_000 + os.getpid() % 3000


def _spaces() -> Sequence[str]:
    if os.geteuid():
        return ["--unshare-all", "--uid", "1000", "--gid", "1000"]
    return [
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup-try", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID"),
        *("--cap-add", "CAP_SETGID"),
    ]


def _view() -> list[str]:
    """Return the arguments for the read-only part of what the code sees."""
    python = Path(sys.base_prefix)
    executable = Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    arguments: list[str] = []
    for folder in ("/usr", "/dev", "/python", "/python/bin", "/work"):
        arguments += ["--dir", folder]  # else bubblewrap makes them for root alone
    for folder in _SYSTEM:
        if Path(folder).is_symlink():
            arguments += ["--symlink", str(Path(folder).readlink()), folder]
        elif Path(folder).is_dir():
            arguments += ["--ro-bind", folder, folder]
    for name in ("lib", "lib64"):
        if (python / name).is_dir():
            arguments += ["--ro-bind", str((python / name).resolve()), f"/python/{name}"]
    arguments += ["--ro-bind", str(executable), "/python/bin/python"]
    for name in ("site-packages", "dist-packages"):
        if (python / "lib" / version / name).is_dir():
            arguments += ["--size", "4096", "--tmpfs", f"/python/lib/{version}/{name}"]
    for name in ("null", "urandom"):
        arguments += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    return arguments


def _command(bubblewrap: str, home: Path, mail: Path, rules: int, limits: Limits) -> list[str]:
    user = home.stat().st_uid if os.geteuid() == 0 else -1
    numbers = (user, limits.cpu, limits.memory, limits.processes, limits.file_size)
    return [
        *(bubblewrap, *_spaces(), "--die-with-parent", "--new-session"),
        *("--hostname", "toolshell", "--clearenv", "--setenv", "LD_LIBRARY_PATH", "/python/lib"),
        *("--setenv", "PYTHONHASHSEED", "0", "--seccomp", str(rules), *_view()),
        *("--bind", str(home), "/work/home", "--bind", str(mail), "/work/mail"),
        *("--remount-ro", "/", "--chdir", "/"),
        # Not -I: it would ignore the hash seed too. Its parts -s and -P stay.
        *("/python/bin/python", "-S", "-s", "-P", "-B", "-X", "utf8", "-c", _LAUNCHER),
        *(str(number) for number in numbers),
        _MAIL,
    ]


def _filled_pipe(data: bytes) -> int:
    reading, writing = os.pipe()
    try:
        os.write(writing, data)  # a few hundred bytes: they fit
    finally:
        os.close(writing)
    return reading


def _watch(
    process: subprocess.Popen[bytes], folders: Sequence[Path], output: _Output, limits: Limits
) -> Literal["time", "space", "memory"] | None:
    """Collect the output until the process ends; return what it has to be stopped for."""
    assert process.stdout is not None
    deadline = time.monotonic() + limits.wall
    next_look = time.monotonic() + 0.02
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (now := time.monotonic()) < deadline:
            if selector.select(max(0.0, min(next_look, deadline) - now)):
                data = os.read(process.stdout.fileno(), 65_536)
                if not data:
                    break
                output.add(data)
            if time.monotonic() >= next_look:
                try:
                    for folder in folders:
                        weigh(folder)
                except TooLarge:
                    return "space"
                if resident_bytes(process.pid) > limits.group_memory:
                    return "memory"
                next_look = time.monotonic() + 0.02
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "time"
    return None


def _feed(process: subprocess.Popen[bytes], source: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it ended before it read: the missing mark tells
        process.stdin.write(source)
        process.stdin.flush()
    with suppress(BrokenPipeError):
        process.stdin.close()


def _kill(process: subprocess.Popen[bytes], output: _Output) -> None:
    """Kill bubblewrap and its child, the first process of the name space: with it all others.

    The child dies with bubblewrap too, but not in its first moments, before it asked to. What the
    pipe still holds is collected: the mark itself, where code filled its folder at once.
    """
    pid = process.pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
    process.kill()
    process.wait()
    assert process.stdout is not None
    while data := process.stdout.read(65_536):
        output.add(data)  # it closes when the last process of the name space is gone


def run_code(code: str, home: Path, mail: Path, limits: Limits | None = None) -> Outcome:
    """Run ``code`` in the sandbox with ``home`` and ``mail`` to write in; nothing of it stays on.

    Raises:
        MachineLacks: there is no working sandbox; the code was not run.
    """
    require_sandbox()
    return _run(code, home, mail, limits or Limits())


def _run(code: str, home: Path, mail: Path, limits: Limits) -> Outcome:
    rules = system_call_filter(platform.machine())
    bubblewrap = shutil.which("bwrap")
    if rules is None or bubblewrap is None:
        lack = "bubblewrap is not installed" if rules else f"no filter for {platform.machine()}"
        raise MachineLacks(f"toolshell: no sandbox: {lack}; {_CURE}")
    source = code.encode("utf-8", "replace")
    if len(source) > CODE_BYTES:
        return Outcome(output=f"not run: more than {CODE_BYTES} bytes of code", ended="finished")
    output = _Output(keep=len(_MARK) + 4 * limits.output)
    filled = _filled_pipe(rules)
    try:
        process = subprocess.Popen(
            _command(bubblewrap, home, mail, filled, limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(filled,),
            env={},
            cwd="/",
        )
    finally:
        os.close(filled)
    with process:
        try:
            _feed(process, source)
            stopped = _watch(process, (home, mail), output, limits)
        except BaseException:
            _kill(process, output)
            raise
        if stopped is not None:
            _kill(process, output)
        process.wait()
    if not output.first.startswith(_MARK):
        late = f"it had not after {limits.wall:g} s" if stopped == "time" else ""
        seen = output.text(limits.output) or late or f"it ended with {process.returncode}"
        raise MachineLacks(f"toolshell: the sandbox did not start: {seen}; {_CURE}")
    output.first = output.first[len(_MARK) :]
    ended: Ended = stopped or ("finished" if process.returncode == 0 else "killed")
    return Outcome(output=output.text(limits.output), ended=ended)


@cache
def _trial() -> str | None:
    """Return what keeps the sandbox from working, by really running something in it."""
    folder = make_room()
    try:
        if inner_user() != -1:
            os.chown(folder, inner_user(), inner_user())
        outcome = _run("print('works')", folder, folder, Limits(wall=20.0))
    except (MachineLacks, OSError) as error:
        return str(error)
    finally:
        remove_room(folder)
    seen = None if outcome.output == "works" else f"{outcome.ended}: {outcome.output}"
    return seen and f"toolshell: the sandbox's Python does not work: {seen}; {_CURE}"


def require_sandbox() -> None:
    """Return if code can be run in the sandbox here, which is tried once in a process.

    Raises:
        MachineLacks: it cannot; the message says why and what would cure it.
    """
    lack = _trial()
    if lack is not None:
        raise MachineLacks(lack)
