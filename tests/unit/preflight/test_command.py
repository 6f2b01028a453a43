"""What the command says of GPUs that it has not seen: on a login node, say."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.cli import main

from ...workflow import ROOT, SMOKE

LARGE = "checkpoints:\n  tiny: {parameters: 8030261248}\n"


@pytest.fixture
def preflight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return the function that runs the command on a large model where no GPU is."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("safebasin.preflight.machine.require_sandbox", lambda: None)
    monkeypatch.setattr("safebasin.commands.preflight.gpus_here", lambda: None)
    (tmp_path / "large.yaml").write_text(LARGE)
    study = ("--config", str(SMOKE), str(tmp_path / "large.yaml"))

    def run(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["preflight", *study, "--store", str(tmp_path / "store"), *arguments])
        return ended.value.code, *capsys.readouterr()

    return run


def test_memory_is_compared_where_no_gpu_is_visible(preflight):
    code, told, _ = preflight("--gpu-gb", "8")
    assert code == 1
    assert "GPU memory: each of 8 GB, the stated figure" in told
    assert "of GPU memory, and does not fit 8 GPUs of 8 GB (stated)" in told


def test_a_model_that_is_spread_is_said_to_be(preflight):
    _, told, _ = preflight()
    assert "GPU memory: each of 80 GB, the stated figure" in told
    assert "align_checkpoint asks for 3 GPUs a job" in told
    assert "gpu:" not in told


def test_a_figure_that_is_none_is_refused(preflight):
    code, _, complaint = preflight("--gpu-gb", "some")
    assert code == 1
    assert "--gpu-gb=some: the memory of one GPU in GB" in complaint
