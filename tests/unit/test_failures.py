"""What is told of failures, on one machine and on a cluster, from what Snakemake logs of them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from safebasin.failures import Failures
from snakemake_interface_logger_plugins.common import LogEvent

COMMAND = (
    'RuleException:\nCalledProcessError in file "rules/tuning.smk", line 3:\nCommand \'set -euo pipefail;'
    '  exec python -m safebasin tune_adapter --spec \'{{"kind":"adapter"}}\' --receipt r/{stem}.json'
    " > logs/tune_adapter/{stem}.log 2>&1' {ended}."
)
KILLED = "died with <Signals.SIGKILL: 9>"
STATUS = "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'. "


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("logs/tune_adapter").mkdir(parents=True)


def failures() -> Failures:
    return Failures(lambda stem: f"adapter/{stem}")


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.ERROR, "", 0, message, None, None)
    vars(made).update(extra)
    return made


def job_error(stem: str = "a", said: str | None = None, aux: tuple[str, ...] = ()):
    return record(
        "Error in rule tune_adapter",
        event=LogEvent.JOB_ERROR,
        rule_name="tune_adapter",
        rule_msg=said,
        output=[f"receipts/{stem}.json"],
        log=[f"logs/tune_adapter/{stem}.log", *aux],
        shellcmd='python -m safebasin --spec \'{"kind":"adapter"}\'',
    )


def command(stem: str = "a", ended: str = "returned non-zero exit status 3"):
    return record(COMMAND.format(stem=stem, ended=ended))


def write(stem: str, text: str, before: float = 0) -> None:
    path = Path(f"logs/tune_adapter/{stem}.log")
    path.write_text(text)
    now = path.stat().st_mtime
    os.utime(path, (now - before, now - before))


def test_the_spec_goes_out_of_both_records_and_no_record_is_lost():
    heard, records = failures(), [command(), job_error(), record("Finished jobid: 1")]
    assert all(heard.filter(each) for each in records)
    assert not any("kind" in f"{vars(each)}" for each in records)
    assert records[2].getMessage() == "Finished jobid: 1"


def test_a_log_s_message_is_told_with_the_name_and_the_place():
    heard = failures()
    write("a", "tuning\nsafebasin: two lines:\n  the second\n")
    heard.filter(command())
    heard.filter(job_error())
    assert heard.told() == (
        "safebasin: adapter/a: two lines:\n    the second\n  log: logs/tune_adapter/a.log"
    )


def test_an_output_that_is_not_there_is_told_until_it_is():
    heard = failures()
    heard.filter(
        record(
            'MissingOutputException in rule tune_adapter in file "rules/tuning.smk", line 3:\n'
            "Job 4 completed successfully, but some output files are missing.\n"
            "receipts/adapter/a.json (missing locally, parent dir contents: b.json)"
        )
    )
    assert str(heard.told()).startswith("safebasin: adapter/a failed (its job ended well and ")
    assert "raise --latency-wait" in str(heard.told())
    Path("receipts/adapter").mkdir(parents=True)
    Path("receipts/adapter/a.json").touch()
    assert heard.told() is None


def test_of_an_empty_log_the_signal_is_told():
    heard = failures()
    write("a", "")
    heard.filter(command(ended=KILLED))
    heard.filter(job_error())
    assert "adapter/a was killed (SIGKILL)" in str(heard.told())
    assert "it left no message" in str(heard.told())


def test_a_cluster_s_job_without_a_message_is_told_by_the_scheduler_s_status():
    heard = failures()
    Path("slurm.log").write_text(
        "Building DAG of jobs...\nslurmstepd: error: Detected 1 oom_kill\n"
    )
    heard.filter(job_error(said=STATUS, aux=("slurm.log",)))
    told = str(heard.told())
    assert "OUT_OF_MEMORY" in told
    assert "Detected 1 oom_kill" in told
    assert told.endswith("log: slurm.log")


def test_and_by_the_line_that_its_own_snakemake_left():
    heard = failures()
    Path("slurm.log").write_text(
        f"{told_in_the_job()}\n[Sat Nov 28]\nError in rule tune_adapter:\n"
    )
    heard.filter(job_error(said=STATUS, aux=("slurm.log",)))
    assert str(heard.told()).startswith("safebasin: adapter/a: was killed (SIGKILL)")


def told_in_the_job() -> str:
    within = command(ended=KILLED)
    failures().filter(within)
    return within.getMessage()


def test_the_log_of_an_earlier_run_is_not_taken_for_this_one_s():
    heard = failures()
    write("a", "safebasin: an old complaint\n", before=3600)
    heard.filter(job_error(said=STATUS))
    assert "old complaint" not in str(heard.told())
    assert "log: none was written" in str(heard.told())


def test_what_a_later_try_made_is_not_told():
    heard = failures()
    heard.filter(job_error())
    Path("receipts").mkdir()
    Path("receipts/a.json").touch()
    assert heard.told() is None


def test_of_many_failures_all_are_counted_and_some_told():
    heard = failures()
    for number in range(30):
        write(f"n{number}", f"safebasin: reason {number}\n")
        heard.filter(job_error(f"n{number}"))
    told = str(heard.told())
    assert told.startswith("safebasin: 30 jobs failed\n")
    assert "adapter/n19: reason 19" in told
    assert told.endswith("and 10 more, whose logs are in logs/")
