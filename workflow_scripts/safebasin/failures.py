"""What jobs of this run failed, told once and last: what was to be made, why not, where the log is.

Snakemake prints a failed job's command twice, with a spec of kilobytes in it, and then goes on.
"""

from __future__ import annotations

import atexit
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from logging import Filter, LogRecord
from pathlib import Path

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from safebasin.step_log import SAID, ending, said

_COMMAND = re.compile(
    r"Command '.*?-m safebasin .*?> (?P<log>logs/\S+\.log).*' "
    r"(?:returned non-zero exit status (?P<code>\d+)|died with \S+ (?P<signal>\d+)>)",
    re.DOTALL,
)
"""How Python says that a command failed; it ends with the log that each rule names."""
_LOST = re.compile(
    r"MissingOutputException in rule (?P<rule>\w+).*?"
    r"(?P<receipt>receipts/\w+/(?P<stem>\w+)\.json) \(missing",
    re.DOTALL,
)
"""How Snakemake says that a job ended well and its output is not there."""
_SHOWN = 20
_CLOCKS = 120
"""Seconds by which clocks of hosts may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One job that failed."""

    name: str
    """What it was to make, readable."""
    outputs: tuple[Path, ...]
    log: Path | None
    others: tuple[Path, ...] = ()
    """Logs of the executor, such as a cluster's."""
    remark: str | None = None
    """What the executor says of it."""

    @property
    def was_made(self) -> bool:
        """Whether a later try made it."""
        return bool(self.outputs) and all(each.exists() for each in self.outputs)


class Failures(Filter):
    """Hears of failures from Snakemake's own log, and keeps specs out of it."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        """Start with none.

        Args:
            name_of: from the stem of a rule's log to the readable name of what the job makes.
        """
        super().__init__()
        self._name_of = name_of
        self._failed: dict[str, Failure] = {}
        self._endings: dict[str, int] = {}
        self._began = time.time()

    def filter(self, record: LogRecord) -> bool:
        """Note a failure; let every record pass, those with a command shortened."""
        if getattr(record, "event", None) == LogEvent.JOB_ERROR:
            self._note(record)
        elif found := _COMMAND.search(record.getMessage()):
            log = found["log"]
            code = int(found["code"]) if found["code"] else -int(found["signal"])
            self._endings[log] = code
            record.msg, record.args = f"{SAID}{self._name_of(Path(log).stem)} {ending(code)}", None
        elif found := _LOST.search(record.getMessage()):
            self._note_lost(found["rule"], found["stem"], Path(found["receipt"]))
        return True

    def told(self) -> str | None:
        """Return the one message on all that was not made; None where all was, in the end."""
        left = [each for each in self._failed.values() if not each.was_made]
        if not left:
            return None
        lines = [line for each in left[:_SHOWN] for line in self._lines(each)]
        if len(left) == 1:
            return SAID + "\n".join(lines)
        if len(left) > _SHOWN:
            lines.append(f"and {len(left) - _SHOWN} more, whose logs are in logs/")
        return "\n  ".join([f"{SAID}{len(left)} jobs failed", *lines])

    def _note(self, record: LogRecord) -> None:
        logs = [Path(each) for each in getattr(record, "log", ())]
        log = next((each for each in logs if each.parts[:1] == ("logs",)), None)
        rule = str(getattr(record, "rule_name", "a job"))
        name = self._name_of(log.stem) if log else rule
        failure = Failure(
            name=name,
            outputs=tuple(Path(each) for each in getattr(record, "output", ())),
            log=log,
            others=tuple(each for each in logs if each != log),
            remark=getattr(record, "rule_msg", None),
        )
        self._failed[str(log or rule)] = failure
        record.rule_msg = failure.remark or name
        record.shellcmd = None

    def _note_lost(self, rule: str, stem: str, receipt: Path) -> None:
        log = Path("logs", rule, f"{stem}.log")
        remark = (
            f"its job ended well and {receipt} is not there; where files of another machine are "
            "seen late, raise --latency-wait"
        )
        self._failed[str(log)] = Failure(
            name=self._name_of(stem), outputs=(receipt,), log=log, remark=remark
        )

    def _lines(self, failure: Failure) -> list[str]:
        """Return what is to be said of one failure: why, then where more is to be read."""
        logs = self._logs(failure)
        told = [said(log, others_write=log != failure.log) for log in logs]
        where = f"  log: {', '.join(map(str, logs)) or 'none was written'}"
        if message := next((each.message for each in told if each.message), None):
            # In the log of a cluster's job stands our own shortened line, which says the name.
            first, *more = message.removeprefix(f"{failure.name} ").split("\n")
            return [f"{failure.name}: {first}", *(f"  {line}" for line in more), where]
        code = self._endings.get(str(failure.log))
        ended = ending(code) if code is not None else f"failed ({failure.remark or 'no reason'})"
        last = next((each.last for each in told if each.last), None)
        words = f"its log ends with: {last}" if last else "it left no message"
        return [f"{failure.name} {ended}; {words}", where]

    def _logs(self, failure: Failure) -> list[Path]:
        """Return the logs that this run wrote: the step's own, then the executor's."""
        logs = [failure.log, *failure.others] if failure.log else list(failure.others)
        return [each for each in logs if _written_since(each, self._began - _CLOCKS)]


def watch_failures(name_of: Callable[[str], str], *, is_main: bool) -> None:
    """Keep specs out of Snakemake's log; the main process tells at its end what failed."""
    failures = Failures(name_of)
    logger.addFilter(failures)
    if is_main:
        atexit.register(_tell, failures)


def _tell(failures: Failures) -> None:
    if told := failures.told():
        print(told, file=sys.stderr, flush=True)


def _written_since(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime >= moment
    except OSError:
        return False
