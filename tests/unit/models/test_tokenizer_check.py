"""A checkpoint without a tokenizer that reads text is refused, whatever the library makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safebasin.errors import DamagedInput
from safebasin.models.tokenizer_check import check_tokenizer


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "checkpoint"))


def test_a_whole_tokenizer_is_taken(folder: Path) -> None:
    check_tokenizer(folder)


def test_its_older_files_are_taken_too(folder: Path) -> None:
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "GPT2Tokenizer"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))

    check_tokenizer(folder)


@pytest.mark.parametrize("kind", ["LlamaTokenizer", "Qwen2Tokenizer", "GPT2Tokenizer", None])
def test_none_at_all_is_refused_where_the_library_makes_an_empty_one(
    folder: Path, kind: str | None
) -> None:
    (folder / "tokenizer.json").unlink()
    settings = {"eos_token": "<|im_end|>"} | ({"tokenizer_class": kind} if kind else {})
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))

    with pytest.raises(DamagedInput, match=r"no tokenizer.json .*a pattern that takes it"):
        check_tokenizer(folder)


def test_a_sentencepiece_file_alone_is_refused_with_the_cure(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")

    with pytest.raises(DamagedInput, match=r"tokenizer.model alone.*save_pretrained"):
        check_tokenizer(folder)


def test_one_that_does_not_give_back_what_it_reads_is_refused(folder: Path) -> None:
    told = json.loads((folder / "tokenizer.json").read_text())
    told["model"]["vocab"] = {"<|im_start|>": 0, "<|im_end|>": 1, "<|pad|>": 2, "e": 3}
    told["model"]["merges"] = []
    (folder / "tokenizer.json").write_text(json.dumps(told))

    with pytest.raises(DamagedInput, match=r"makes \d tokens of .* do not belong together"):
        check_tokenizer(folder)
