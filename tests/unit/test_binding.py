"""What the rules are told of a planned study holds for every job, and folders are compared once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from safebasin.binding import bind
from safebasin.cli import main
from safebasin.errors import StudyError
from safebasin.spec_text import origin_text, unpack_spec, unpack_text

from ..workflow import ROOT

FILES = 400
COLUMNS = {"label": "label", "response": "label"}
STUDY = {
    "extends": str(ROOT / "studies/smoke.yaml"),
    "sources": {"rows": {"folder": "rows", "files": ["**"]}},
    "corpora": {
        "words": {
            "source": "rows",
            "reader": {"type": "jsonl", "columns": COLUMNS, "generator": None, "rows": None},
        }
    },
}
"""The smoke study with a corpus from a folder of many files."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rows").mkdir()
    for number in range(FILES):
        Path(f"rows/{number:04d}-{'ü' * 40}.jsonl").write_text(f'{{"prompt": "{number}"}}\n')
    Path("study.yaml").write_text(yaml.safe_dump(STUDY))
    with pytest.raises(SystemExit) as ended:
        main(["lock", "--config", "study.yaml"])
    assert not ended.value.code
    return Path("study.yaml")


def test_the_spec_and_the_origin_of_every_job_fit_a_command_line(study):
    binding = bind([study], {}, is_main=True)
    long = 0
    for node in binding.workflow.graph:
        job = SimpleNamespace(digest=node.digest)
        told, where = binding.spec(job), binding.origin(job)
        assert unpack_spec(told) == node.spec
        assert unpack_text(where) == origin_text(node.origin)
        long += told.startswith("file:")
    assert long >= 1


def test_a_run_does_not_start_on_a_folder_that_changed_and_its_jobs_do_not_look(study):
    (Path("rows") / "new.jsonl").write_text('{"prompt": "new"}\n')
    with pytest.raises(StudyError, match="changed since it was locked: `safebasin lock`"):
        bind([study], {}, is_main=True)
    assert bind([study], {}, is_main=False)


def test_what_looks_before_a_run_writes_nothing_but_what_it_knows_of_files(study):
    before = {path for path in Path().rglob("*") if path.is_file()}
    bind([study], {}, is_main=True)
    written = {path for path in Path().rglob("*") if path.is_file()} - before
    assert {path.parts[0] for path in written} == {"receipts"}
