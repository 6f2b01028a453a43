"""A checkpoint has one chat template, and what the study says of it travels with the folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safebasin.errors import SafebasinError
from safebasin.models.chat import ChatFormat
from safebasin.models.folder import CHECKPOINT_FILES
from safebasin.models.load import load_model, load_tokenizer
from safebasin.steps import align_checkpoint, convert_checkpoint
from safebasin.steps.job import Job
from safebasin.store.writers import write_json
from safebasin.templates.settings import ChatSettings

from ..templates.families import CHATML, DATED, FAMILIES, GEMMA, QWEN3, tokenizer_of

ASKED = [{"role": "user", "content": "text"}]
SYSTEM = [{"role": "system", "content": "Be brief."}, *ASKED]
LISTED = [{"name": "tool_use", "template": GEMMA}, {"name": "rag", "template": CHATML}]


@pytest.fixture
def source(tiny: Path, tmp_path: Path) -> Path:
    """The folder of somebody's checkpoint, without a template."""
    home = tmp_path / "source"
    shutil.copytree(tiny, home)
    (home / "chat_template.jinja").unlink()
    return home


def told(home: Path, **changes: object) -> None:
    path = home / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, **changes}))


def convert(home: Path, folder: Path, **params: object) -> Path:
    """Run the step twice: as first tried, and after a kill."""
    folder.mkdir()
    for _ in range(2):
        convert_checkpoint.run(
            Job(
                digest="0",
                raw_params={"format": "safetensors", **params},
                inputs={"source": home},
                folder=folder,
            )
        )
        seen = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert seen == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "chat_template" not in json.loads((folder / "tokenizer_config.json").read_text())
    return folder


def prompt(folder: Path, messages: Any = ASKED) -> str:
    tokenizer = load_tokenizer(folder)
    return str(tokenizer.decode(ChatFormat(tokenizer).prompt(messages)))


@pytest.mark.parametrize(
    ("files", "config", "params"),
    [
        ({"chat_template.jinja": CHATML}, None, {}),
        ({}, CHATML, {}),
        ({"chat_template.jinja": f"\ufeff{CHATML}"}, None, {}),
        ({"chat_template.jinja": CHATML}, GEMMA, {}),
        ({}, [*LISTED, {"name": "default", "template": CHATML}], {}),
        ({}, LISTED, {"chat_template_name": "rag"}),
        ({}, {"default": GEMMA, "rag": CHATML}, {"chat_template_name": "rag"}),
        ({"additional_chat_templates/rag.jinja": CHATML}, None, {"chat_template_name": "rag"}),
        ({"chat_template.json": json.dumps({"chat_template": CHATML})}, None, {}),
        ({}, GEMMA, {"chat_template": CHATML}),
        ({}, LISTED, {"chat_template": CHATML}),
        ({}, None, {"chat_template": CHATML}),
    ],
)
def test_wherever_the_template_was_it_is_in_one_place(
    source: Path, tmp_path: Path, files: Mapping[str, str], config: object, params: Any
) -> None:
    for name, text in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    if config:
        told(source, chat_template=config)

    folder = convert(source, tmp_path / "made", **params)

    assert (folder / "chat_template.jinja").read_text() == CHATML
    assert prompt(folder) == "<|im_start|>user\ntext<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("config", "params", "cure"),
    [
        (LISTED, {}, "no chat template is the default.*chat_template_name"),
        (LISTED, {"chat_template_name": "tool"}, "named 'tool'.*rag, tool_use are there"),
        ("{{ messages[1].content }}{{ 1 / 0 }}", {}, "does not render a user's message"),
        ("{{ 'fixed' }}", {}, "leaves out or changes what is asked"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", {},
         "seconds"),
        (CHATML, {"chat_template": "{% for m in %}"}, "does not render a user's message.*line 1"),
        (CHATML, {"chat": {"kwargs": {"enable_thinking": False}}}, "has no enable_thinking"),
        (7, {}, "chat_template"),
        ("\ud800{{ messages[0].content }}", {}, "is no text"),
        ([{"name": "rag"}], {}, "tokenizer"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_used_is_refused_once(
    source: Path, tmp_path: Path, config: object, params: Any, cure: str
) -> None:
    told(source, chat_template=config)
    with pytest.raises(SafebasinError, match=f"(?s){cure}"):
        convert(source, tmp_path / "made", **params)


def test_a_checkpoint_without_a_template_is_taken_for_it_may_never_be_talked_to(
    source: Path, tmp_path: Path
) -> None:
    folder = convert(source, tmp_path / "made")
    with pytest.raises(SafebasinError, match="checkpoint made has no chat template"):
        ChatFormat(load_tokenizer(folder))


def test_what_the_study_says_of_the_template_is_heeded(source: Path, tmp_path: Path) -> None:
    system = {"system": "into_first_user_turn"}
    gemma = convert(source, tmp_path / "gemma", chat_template=GEMMA, chat=system)
    dated = convert(source, tmp_path / "dated", chat_template=DATED, chat={"date": "2003-02-01"})
    off = {"kwargs": {"enable_thinking": False}}
    thinking = convert(source, tmp_path / "thinking", chat_template=QWEN3, chat=off)

    assert "user\nBe brief.\n\ntext<end_of_turn>" in prompt(gemma, SYSTEM)
    assert "Today Date: 01 Feb 2003" in prompt(dated)
    assert prompt(thinking).endswith("</think>\n\n")


def test_a_checkpoint_made_from_another_keeps_how_it_is_talked_to(
    source: Path, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    base = convert(
        source, tmp_path / "base", chat_template=GEMMA, chat={"system": "into_first_user_turn"}
    )
    mixture, twin = tmp_path / "mixture", tmp_path / "twin"
    mixture.mkdir()
    twin.mkdir()
    row = {"id": "a", "messages": SYSTEM, "response": "yes", "source": "task"}
    pq.write_table(pa.Table.from_pylist([row]), mixture / "rows.parquet")
    training = {
        "steps": 1, "batch_size": 1, "learning_rate": 0.1, "max_length": 99, "seed": 0,
        "micro_batch": 1, "precision": "float32",
    }  # fmt: skip

    align_checkpoint.run(
        Job(
            digest="1",
            raw_params={"training": training, "targets": ["q_proj"]},
            inputs={"base": base, "mixture": mixture},
            folder=twin,
            device="cpu",
        )
    )

    assert prompt(twin, SYSTEM) == prompt(base, SYSTEM)
    assert {path.name for path in twin.iterdir()} == {path.name for path in base.iterdir()}
    assert "chat_settings.json" in CHECKPOINT_FILES


def test_settings_of_another_make_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    shutil.copytree(tiny, folder)
    for wrong in ({"system": "nowhere"}, {"date": 3}, {"more": 1}):
        (folder / "chat_settings.json").write_text(json.dumps(wrong))
        with pytest.raises(SafebasinError, match="chat_settings"):
            load_tokenizer(folder)


def test_a_checkpoint_without_settings_is_talked_to_as_usual(tiny: Path) -> None:
    assert not (tiny / "chat_settings.json").exists()
    assert prompt(tiny).startswith("<|im_start|>user\ntext")
    assert ChatSettings().as_json() == {"date": "2024-07-26", "kwargs": {}, "system": "own_role"}


@pytest.mark.parametrize(
    "config",
    [
        {"do_sample": False, "temperature": 0.6, "top_p": 0.9, "pad_token_id": -1},
        {"do_sample": True, "temperature": 2.0, "top_k": 3},
        {"repetition_penalty": 9.0, "no_repeat_ngram_size": 1},
        {"min_new_tokens": 5, "forced_eos_token_id": 7, "suppress_tokens": [5, 6, 7]},
        {"num_beams": 4, "bad_words_ids": [[5]]},
        {"eos_token_id": [1, 9]},
    ],
)
def test_nothing_but_the_ends_is_taken_from_a_decoding_config(
    source: Path, tmp_path: Path, config: Mapping[str, Any]
) -> None:
    from safebasin.models.generate import end_tokens, generate_answers

    (source / "generation_config.json").write_text(json.dumps({"eos_token_id": 1, **config}))
    plain = convert(source, tmp_path / "plain", chat_template=CHATML)
    loaded = load_model(plain, device=torch.device("cpu"), precision="float32")
    for weight in loaded.model.parameters():
        if weight.ndim == 2:
            weight.mul_(6)
    chat = ChatFormat(loaded.tokenizer)
    ends = end_tokens(loaded, chat)
    text = list(chat.prompt(ASKED))
    (answer,) = generate_answers(loaded, [tuple(text)], max_new_tokens=6, batch_size=1)

    said: list[int] = []
    while len(said) < 6:
        token = int(loaded.model(torch.tensor([text + said])).logits[0, -1].argmax())
        if token in ends:
            break
        said.append(token)

    assert ends == {1, 9} if "eos_token_id" in config else {1}
    assert answer.text == chat.text(said)


def test_a_tokenizer_without_padding_answers_as_with_it(source: Path, tmp_path: Path) -> None:
    from safebasin.models.generate import generate_answers

    bare = tmp_path / "bare"
    shutil.copytree(source, bare)
    config = json.loads((bare / "tokenizer_config.json").read_text())
    config.pop("pad_token")
    write_json(bare / "tokenizer_config.json", config)
    said = []
    for home in (source, bare):
        folder = convert(home, tmp_path / f"made-{home.name}", chat_template=CHATML)
        loaded = load_model(folder, device=torch.device("cpu"), precision="float32")
        chat = ChatFormat(loaded.tokenizer)
        prompts = [chat.prompt([{"role": "user", "content": text}]) for text in ("a", "a lake")]
        said.append(generate_answers(loaded, prompts, max_new_tokens=5, batch_size=2))
    assert said[0] == said[1]


def test_families_are_what_their_tokenizers_are(tmp_path: Path) -> None:
    tokenizer_of(FAMILIES["gemma"]).save_pretrained(str(tmp_path))
    assert ChatFormat(load_tokenizer(tmp_path)).row(ASKED, "yes").answer[-1] == (
        tokenizer_of(FAMILIES["gemma"]).convert_tokens_to_ids("<end_of_turn>")
    )
