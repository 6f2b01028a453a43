"""What runs first inside the sandbox: it takes the limits upon itself, then runs the agent's code.

The package never imports this module: its text is the interpreter's ``-c``, the agent's code
comes by standard input, and the arguments are the user to become, the limits and mail's text.
It imports only what costs no time, for it runs at every step.
"""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def confine(user: int, cpu: int, memory: int, processes: int, file_size: int) -> None:
    """Become ``user`` where that is not -1 and set hard limits, in seconds, bytes and counts."""
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        # The kernel does not hold root to it: hence the change of user below.
        (resource.RLIMIT_NPROC, processes),
    ):
        resource.setrlimit(limit, (value, value))
    if user != -1:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        if os.geteuid() == 0:
            raise SystemExit("still root")


class Sorted:
    """A folder's entries by name, so that what the agent sees does not hang on the disk."""

    scan = staticmethod(os.scandir)

    def __init__(self, path: Any = ".") -> None:
        with Sorted.scan(path) as entries:
            self.entries = iter(sorted(entries, key=lambda entry: entry.name))

    def __iter__(self) -> Iterator[Any]:
        return self.entries

    def __next__(self) -> Any:
        return next(self.entries)

    def __enter__(self) -> Sorted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: the folder is closed already."""


def report(error: BaseException) -> None:
    """Print an error in one line, with the line of the agent's code that it came from."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<execute>":
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f" (line {line})" if line else ""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    print(f"{type(error).__name__}: {message}{where}", flush=True)


def main() -> None:
    """Confine this process, say so, and run the code."""
    confine(*(int(argument) for argument in sys.argv[1:6]))
    os.chdir("/work/home")  # only now: root without its capabilities may not enter
    source = sys.stdin.buffer.read().decode("utf-8", "replace")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(1, 2)
    mail = type(sys)("mail")
    exec(compile(sys.argv[6], "mail.py", "exec"), mail.__dict__)
    sys.modules["mail"] = mail
    sys.argv = [""]
    names = os.listdir
    os.listdir = lambda path=".": sorted(names(path))  # type: ignore[assignment]
    os.scandir = Sorted  # type: ignore[assignment]
    os.write(1, b"confined\n")
    scope = {"__name__": "__main__", "__builtins__": __builtins__, "exit": sys.exit}
    try:
        exec(compile(source, "<execute>", "exec", dont_inherit=True), scope)
    except SystemExit as error:
        if error.code:
            print(error.code)
    except BaseException as error:
        report(error)


if __name__ == "__main__":
    main()
