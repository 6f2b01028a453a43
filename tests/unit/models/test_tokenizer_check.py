"""A checkpoint without a tokenizer that reads text is refused, whatever the library makes of it."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from safebasin.errors import DamagedInput
from safebasin.models.load import load_tokenizer
from safebasin.models.tokenizer_check import check_tokenizer
from tokenizers import Tokenizer

TEXT = "The Gardener paints 2024 bridges"


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


SPLITS: dict[str, dict[str, object]] = {
    "lower case": {"normalizer": {"type": "Lowercase"}},
    "prefix": {"normalizer": {"type": "Prepend", "prepend": "a"}},
}


@pytest.mark.parametrize("change", SPLITS)
@pytest.mark.parametrize("kind", ["GPT2Tokenizer", "Qwen2Tokenizer", "GPTNeoXTokenizerFast"])
def test_texts_are_read_as_the_file_says_whatever_the_class_makes_of_its_words(
    folder: Path, kind: str, change: str
) -> None:
    rename(folder, kind)
    told = json.loads((folder / "tokenizer.json").read_text()) | SPLITS[change]
    (folder / "tokenizer.json").write_text(json.dumps(told))
    wanted = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT).ids
    assert load_tokenizer(folder)(TEXT)["input_ids"] != wanted

    settle(folder)

    assert load_tokenizer(folder)(TEXT)["input_ids"] == wanted


def test_a_class_that_reads_as_the_file_says_is_kept(folder: Path) -> None:
    rename(folder, "GPT2Tokenizer")
    before = (folder / "tokenizer_config.json").read_bytes()
    check_tokenizer(folder)
    assert (folder / "tokenizer_config.json").read_bytes() == before


def test_a_class_that_cannot_read_at_all_gives_way_to_the_file(folder: Path) -> None:
    rename(folder, "GemmaTokenizer")
    check_tokenizer(folder)
    wanted = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT).ids
    assert load_tokenizer(folder)(TEXT)["input_ids"] == wanted


def test_it_is_refused_where_the_library_makes_it_so_whatever_is_named(folder: Path) -> None:
    told = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(told | SPLITS["lower case"]))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "qwen2"}))
    with pytest.raises(DamagedInput, match=r"other tokens of a text than tokenizer\.json says"):
        check_tokenizer(folder)


def rename(folder: Path, kind: str) -> None:
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text()) | {"tokenizer_class": kind}
    path.write_text(json.dumps(settings))


def settle(folder: Path) -> None:
    """Check the tokenizer; one that does not give back its text is another fault."""
    with contextlib.suppress(DamagedInput):
        check_tokenizer(folder)
