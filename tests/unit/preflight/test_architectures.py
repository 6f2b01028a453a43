"""Makes of model that are not supported, and targets that a model has not, before the first job."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.cli import main
from safebasin.preflight.architectures import (
    check_architectures,
    check_targets,
    check_targets_at_hand,
)
from safebasin.preflight.finding import Site

from .conftest import Build, checkpoint

HYBRID = {
    "model_type": "lfm2",
    "num_hidden_layers": 2,
    "layer_types": ["conv", "full_attention"],
}


def test_a_pair_that_is_supported_has_no_finding(pair, build: Build) -> None:
    site = build()

    assert check_architectures(site) == []
    assert check_targets(site) == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (HYBRID, "models of type lfm2 are not supported"),
        ({"model_type": "bloom", "n_layer": 2, "hidden_size": 64, "n_head": 4}, "rows packed"),
        ({"model_type": "gpt2", "hidden_size": 768, "num_attention_heads": 12}, "Conv1D"),
        ({"model_type": "nobody_knows_it"}, "does not load"),
        ({"model_type": None}, "does not load"),
    ],
)
def test_a_make_that_is_not_supported_is_found_for_each_checkpoint(
    hub, build: Build, config: dict[str, object], said: str
) -> None:
    hub.add("lab/base", checkpoint(**config), commit="a" * 40)
    hub.add("lab/chat", checkpoint(b"c"), commit="b" * 40)

    (finding,) = check_architectures(build())

    assert finding.what.startswith("checkpoint/tiny: ")
    assert said in finding.what
    assert len(finding.what) + len(finding.cure) < 600


def test_a_make_that_is_misspelt_is_told_with_the_one_that_is_meant(hub, build: Build) -> None:
    hub.add("lab/base", checkpoint(model_type="llamma"), commit="a" * 40)
    hub.add("lab/chat", checkpoint(b"c"), commit="b" * 40)

    (finding,) = check_architectures(build())

    assert "did you mean 'llama'?" in finding.cure


@pytest.mark.parametrize(
    ("kind", "targets", "said"),
    [
        ("llama", ["q_prj"], "did you mean 'q_proj'?"),
        ("phi3", ["q_proj", "o_proj"], "it has o_proj, qkv_proj"),
        ("mixtral", ["w1"], "names no linear layer of MixtralForCausalLM"),
    ],
)
def test_a_target_that_a_model_has_not_is_found_once(
    hub, build: Build, kind: str, targets: list[str], said: str
) -> None:
    for name, commit in (("base", "a" * 40), ("chat", "b" * 40)):
        files = checkpoint(name.encode(), model_type=kind, pad_token_id=0)
        hub.add(f"lab/{name}", files, commit=commit)

    (finding,) = check_targets(build({"lora": {"targets": targets}}))

    assert said in finding.what
    assert "every layer" in finding.cure


def test_of_several_checkpoints_in_a_source_the_one_that_is_named_is_meant(
    hub, build: Build
) -> None:
    several = {
        f"{place}{name}": content
        for place, config in (("", HYBRID), ("final/", {}), ("old/", {"model_type": "bloom"}))
        for name, content in checkpoint(**config).items()
    }
    hub.add("lab/base", several, commit="a" * 40)
    hub.add("lab/chat", checkpoint(b"c"), commit="b" * 40)
    files = {"files": ["**/*.json", "**/*.safetensors"]}

    def found(file: str) -> list[str]:
        edit = {"sources": {"base": files}, "checkpoints": {"tiny": {"file": file}}}
        return [finding.what for finding in check_architectures(build(edit))]

    assert found("final/config.json") == []
    assert "lfm2" in found("config.json")[0]
    assert "bloom" in found("old/config.json")[0]


def test_check_asks_nobody_for_a_config(pair, build: Build) -> None:
    site = build({"lora": {"targets": ["q_prj"]}})
    assert check_targets(site)

    assert check_targets_at_hand(site) == []


def in_folders(site_of: Build, tmp_path: Path) -> Site:
    """The same pair as two folders on this machine, with a target that it has not."""
    for name in ("base", "chat"):
        (tmp_path / name).mkdir()
        for file, content in checkpoint(name.encode()).items():
            (tmp_path / name / file).write_bytes(content)
    sources = {
        name: {"hub": None, "folder": str(tmp_path / name), "files": ["*.json", "*.safetensors"]}
        for name in ("base", "chat")
    }
    return site_of({"sources": sources, "lora": {"targets": ["q_prj"]}})


def test_check_looks_into_a_folder(build: Build, tmp_path: Path) -> None:
    (finding,) = check_targets_at_hand(in_folders(build, tmp_path))

    assert "did you mean 'q_proj'?" in finding.what


@pytest.mark.parametrize("command", ["check", "preflight"])
def test_the_commands_say_so_without_a_traceback(
    build: Build,
    tmp_path: Path,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned = in_folders(build, tmp_path).workflow
    monkeypatch.setattr(f"safebasin.commands.{command}.workflow_of", lambda options: planned)

    with pytest.raises(SystemExit) as ended:
        main([command])

    assert ended.value.code == 1
    assert "'q_prj' names no linear layer of LlamaForCausalLM" in "".join(capsys.readouterr())
