"""Of a failed step's log its own message is found, or else how its process ended."""

from __future__ import annotations

import pytest
from safebasin.step_log import Said, ending, said

TRACEBACK = """\
tuning steps 3/40
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    work()
KeyError: 'replies'
"""
LOGS = {
    "one message": ("reading 1/2\nsafebasin: rows.csv: it is torn\n", "rows.csv: it is torn", None),
    "its lines": ("safebasin: 2 problems:\n  a: b\n  c: d\n", "2 problems:\n  a: b\n  c: d", None),
    "the last of two": ("safebasin: first\nnote\nsafebasin: second\n", "second", None),
    "an error that nobody foresaw": (TRACEBACK, "KeyError: 'replies' (an error", None),
    "an error of two lines": (
        TRACEBACK.replace("KeyError: 'replies'", "ValueError: of mine:\n    see here"),
        "ValueError: of mine:\n    see here (an error",
        None,
    ),
    "a traceback that was cut off": (TRACEBACK.partition("KeyError")[0], "it was cut off", None),
    "a note": ("tuning steps 3/40, 2.1 s each\n\n", None, "tuning steps 3/40, 2.1 s each"),
    "a redrawn line": ("\rloading 1%\rloading 99%\r\n", None, "loading 99%"),
    "colours and bells": ("\x1b[31mred\x1b[0m\a\n", None, "red"),
    "bytes that are no text": ("half \udcff\n", None, "half �"),
    "nothing": ("", None, None),
    "very much": ("x" * 200_000 + "\nsafebasin: why\n", "why", None),
}


@pytest.mark.parametrize("name", LOGS)
def test_what_a_step_said_last_is_found(tmp_path, name):
    text, message, last = LOGS[name]
    log = tmp_path / "step.log"
    log.write_bytes(text.encode(errors="surrogateescape"))
    found = said(log)
    assert (found.message or "").startswith(message or "")
    assert (found.message is None, found.last) == (message is None, last)


def test_of_a_log_into_which_others_write_it_is_one_line(tmp_path):
    log = tmp_path / "cluster.log"
    log.write_text("Job 1\nsafebasin: adapter/a was killed\nError in rule tune_adapter:\n")
    assert said(log, others_write=True) == Said(message="adapter/a was killed")


def test_a_log_that_is_not_there_says_nothing(tmp_path):
    assert said(tmp_path / "none.log") == Said()
    assert said(tmp_path) == Said()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (1, "exit code 1"),
        (137, "was killed (SIGKILL); most often because memory ran out"),
        (-9, "was killed (SIGKILL); most often because memory ran out"),
        (143, "asked to stop"),
        (130, "interrupted"),
        (-2, "interrupted"),
        (139, "crashed (SIGSEGV)"),
        (-6, "crashed (SIGABRT)"),
        (255, "exit code 255"),
    ],
)
def test_how_a_process_ended_is_told_in_words(code, told):
    assert told in ending(code)
