"""``python -m safebasin`` ends its process at once, and loses neither its code nor a word by it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "safebasin"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--help"], 0, ""),
        (["nonsense"], 2, "there is no command 'nonsense'"),
        (["check", "--configfile", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["judge_responses", "--spec", "no JSON"], 2, "safebasin: "),
    ],
)
def test_code_and_message_are_those_of_the_command(arguments, code, told, tmp_path):
    done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert (code == 0) == bool(done.stdout)


def test_long_output_arrives_whole(tmp_path):
    done = subprocess.run([*COMMAND, "schema"], cwd=tmp_path, capture_output=True, check=True)

    assert len(done.stdout) > 2**16  # more than a pipe holds
    assert "properties" in json.loads(done.stdout)


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    with subprocess.Popen(
        [*COMMAND, "schema"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_what_every_step_loads_first_reads_no_study():
    """The models of a study take longer to load than most small steps run."""
    script = (
        "import sys, safebasin.cli, safebasin.run_step, safebasin.spec_text, safebasin.store.store\n"
        "print([name for name in sys.modules if name.startswith('safebasin.study')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout == "[]\n"
