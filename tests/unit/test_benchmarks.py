"""What the benchmarks of the default study's models are taken on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from safebasin.store.code_identity import PACKAGE
from safebasin.store.publish import publish
from safebasin.store.store import Store
from safebasin.workflow import open_workflow

ROOT = PACKAGE.parents[1]
ON_THE_DEFAULT_STUDY = ("agents", "generation", "startup", "training")


@pytest.fixture
def default_study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import default_study

    return default_study


@pytest.mark.parametrize("what", ["ALIGNED", "AGENT", "MIXTURE"])
def test_a_benchmark_is_taken_on_the_default_study_and_on_no_other(
    default_study, what, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAFEBASIN_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)  # the study is found from anywhere
    name, store = getattr(default_study, what), Store(tmp_path / "store")
    default, smoke = (
        open_workflow([ROOT / file], lock=ROOT / "sources.lock.yaml").graph
        for file in ("config.yaml", "studies/smoke.yaml")
    )
    node = default.by_name(name)
    for each in (*smoke.of_rule(node.rule), node):
        with pytest.raises(SystemExit, match=f"{name} is not in .*run `make study` first"):
            default_study.artifact(name)
        scratch = store.scratch(each.digest)
        scratch.mkdir(parents=True)
        (scratch / "rows").write_bytes(b"")
        publish(store, each.spec, ["*"], {})
    assert default_study.artifact(name) == store.home(node.kind, node.digest)


def test_what_is_named_is_taken_unseen_and_what_the_study_has_not_is_refused(default_study):
    assert default_study.artifact(default_study.AGENT, Path("mine")) == Path("mine")
    with pytest.raises(SystemExit, match=r"config.yaml has no checkpoint/other"):
        default_study.artifact("checkpoint/other")


@pytest.mark.parametrize("name", ON_THE_DEFAULT_STUDY)
def test_without_the_default_study_a_benchmark_says_what_to_run(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", f"benchmarks/{name}.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "SAFEBASIN_STORE": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "run `make study` first" in done.stderr
    assert "Traceback" not in done.stderr
