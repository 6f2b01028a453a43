from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safebasin.errors import DamagedInput, StudyError
from safebasin.models.convert import convert_checkpoint, the_file
from safebasin.models.load import check_checkpoint, load_model
from safebasin.models.tiny import TinyLlama, write_tiny_llama


def take(source: Path, folder: Path, dtype: str | None = None) -> None:
    convert_checkpoint(source, folder, form="safetensors", file=None, dtype=dtype, tiny=None)  # type: ignore[arg-type]


def test_one_seed_gives_one_set_of_bytes_and_another_seed_others(
    tiny: Path, tmp_path: Path
) -> None:
    for name, seed in (("same", 1), ("other", 2)):
        size = TinyLlama(hidden=32, layers=2, heads=4, vocabulary=320, seed=seed)
        write_tiny_llama(size, "float32", tmp_path / name)

    for file in tiny.iterdir():
        assert (tmp_path / "same" / file.name).read_bytes() == file.read_bytes()
    weights = "model.safetensors"
    assert (tmp_path / "other" / weights).read_bytes() != (tiny / weights).read_bytes()


def test_no_file_tells_a_path_or_a_version(tiny: Path) -> None:
    for file in tiny.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert str(tiny) not in text
        assert "transformers_version" not in text


def test_a_taken_checkpoint_computes_what_its_source_does(tiny: Path, tmp_path: Path) -> None:
    take(tiny, tmp_path / "taken")
    tokens = torch.tensor([[5, 6, 7]])

    models = [
        load_model(folder, device=torch.device("cpu"), precision="float32").model
        for folder in (tiny, tmp_path / "taken")
    ]

    assert models[0](tokens).logits.equal(models[1](tokens).logits)


def test_casting_leaves_the_source_as_it_is(tiny: Path, tmp_path: Path) -> None:
    before = (tiny / "model.safetensors").read_bytes()

    take(tiny, tmp_path / "cast", "bfloat16")

    assert (tiny / "model.safetensors").read_bytes() == before
    assert json.loads((tmp_path / "cast/config.json").read_text())["dtype"] == "bfloat16"
    size = (tmp_path / "cast/model.safetensors").stat().st_size
    assert size < 0.6 * len(before)


def test_pickled_weights_are_refused_by_name(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "old")
    (tmp_path / "old/model.safetensors").rename(tmp_path / "old/pytorch_model.bin")

    with pytest.raises(DamagedInput, match=r"pytorch_model\.bin"):
        take(tmp_path / "old", tmp_path / "new")
    with pytest.raises(DamagedInput, match=r"pytorch_model\.bin"):
        load_model(tmp_path / "old", device=torch.device("cpu"), precision="float32")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_checkpoint_with_code_of_its_own_is_refused(
    tiny: Path, tmp_path: Path, name: str
) -> None:
    shutil.copytree(tiny, tmp_path / "odd")
    config = json.loads((tiny / name).read_text())
    (tmp_path / "odd" / name).write_text(json.dumps({**config, "auto_map": {"AutoModel": "m.M"}}))

    with pytest.raises(DamagedInput, match="auto_map"):
        check_checkpoint(tmp_path / "odd")


def test_a_pattern_that_picks_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).touch()

    with pytest.raises(StudyError, match=r"a\.gguf, b\.gguf"):
        the_file(tmp_path, "*.gguf")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04")

    with pytest.raises(DamagedInput, match="GGUF"):
        convert_checkpoint(
            tmp_path, tmp_path / "out", form="gguf", file=None, dtype="float32", tiny=None
        )
