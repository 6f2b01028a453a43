"""To look at a study changes nothing; one that cannot be read or run is refused in one message."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from ..workflow import SMOKE, SNAKEMAKE, lay_out

SNAKEMAKES = (
    ("--dry-run",),
    ("--lint",),
    ("--summary",),
    ("--dag",),
    ("--list-rules",),
    ("--dry-run", "--quiet", "all"),
)
COMMANDS = ("check", "show", "explain report", "preflight", "lock --dry-run")
LAID_IN_PLANNING = ("receipts", ".snakemake")

MALFORMED: Mapping[str, str | bytes | None] = {
    "not there": None,
    "a broken list": "lora: [1\nstudy: b\n",
    "no mapping": "- a\n- b\n",
    "nothing": "",
    "bytes of another encoding": b"title: caf\xe9\n",
    "a tag": "title: !!python/object:os.system x\n",
    "a list as a key": "? [a, b]\n: 1\n",
    "an impossible date": "training: {seed: 2026-13-45}\n",
    "an endless number": f"training: {{steps: {'9' * 5000}}}\n",
    "deep nesting": f"title: {'[' * 3000}{']' * 3000}\n",
    "a program": "__use_yte__: true\n__definitions__:\n  - print('ran')\n",
    "a key that is none": "lora: {rnk: 4}\n",
}


def files(folder: Path) -> dict[str, tuple[int, str]]:
    """Return the time and the hash of every file that planning must leave alone, and of every folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(LAID_IN_PLANNING):
            content = path.read_bytes() if path.is_file() else b""
            found[name] = (path.lstat().st_mtime_ns, hashlib.sha256(content).hexdigest())
    return found


def told_by(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return the exit code and both streams."""
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which results of another setting are shown."""
    folder = lay_out(tmp_path_factory.mktemp("looking") / "work")
    results = folder / "results" / "smoke"
    (results / ".linked").mkdir(parents=True)
    (results / ".linked" / f"{'0' * 16}.json").write_text("{}\n")
    (results / "report.html").write_text("a report of another setting\n")
    (folder / "store").mkdir()
    return folder


@pytest.mark.parametrize("arguments", SNAKEMAKES, ids=" ".join)
def test_what_snakemake_only_plans_changes_nothing(folder, arguments):
    before = files(folder)
    told_by(folder, SNAKEMAKE, "--cores", "1", "--configfile", str(SMOKE), *arguments)
    assert files(folder) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_only_looks_changes_nothing(folder, command):
    before = files(folder)
    safebasin = str(Path(SNAKEMAKE).with_name("safebasin"))
    code, _, error = told_by(folder, safebasin, *command.split(), "--configfile", str(SMOKE))
    assert code in (0, 1), error
    assert files(folder) == before


@pytest.mark.parametrize("name", MALFORMED)
def test_a_study_that_cannot_be_read_ends_snakemake_in_one_message(folder, name):
    content = MALFORMED[name]
    file = folder / f"{name.replace(' ', '_')}.yaml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    study = ("--configfile", str(SMOKE), file.name)
    code, out, error = told_by(folder, SNAKEMAKE, "--cores", "1", "--quiet", "all", *study)
    assert code == 1
    assert "Traceback" not in out + error
    assert "ran" not in out
    assert error[error.find("safebasin: ") :].count("safebasin: ") == 1
    assert file.name in error
    assert "common.smk" not in error
    assert len(error) < 2000


def test_a_study_that_is_not_locked_is_refused_at_the_end_and_leaves_no_lock(tmp_path):
    folder = lay_out(tmp_path)
    study = ("--configfile", "studies/ping-llama31-8b.yaml")
    for _ in range(2):  # the second would wait for a lock that the first left
        code, _, error = told_by(folder, SNAKEMAKE, "--cores", "1", *study)
        last = error[error.rfind("\nsafebasin: ") :]
        assert code == 1
        assert "`safebasin lock --configfile studies/ping-llama31-8b.yaml`" in last
        assert "Traceback" not in error
        assert not (folder / "store").exists()
