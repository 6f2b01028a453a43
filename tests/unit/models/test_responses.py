from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safebasin.errors import StudyError
from safebasin.models.load import load_model, load_tokenizer
from safebasin.models.responses import RESPONSES, choose_prompts, write_responses
from safebasin.store.writers import write_parquet


@pytest.fixture
def split(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"row-{index}",
            "messages": [{"role": "user", "content": "the weather" + "!" * index}],
            "response": None,
            "label": None,
            "category": "weather",
            "origin": "neutral",
            "harmful": False,
            "corpus": "near" if index % 2 else "far",
            "split": "test" if index < 4 else "dev",
            "group": index,
        }
        for index in range(6)
    ]
    write_parquet(tmp_path / "rows.parquet", pa.Table.from_pylist(rows))
    return tmp_path


def test_prompts_are_chosen_by_part_and_corpus_in_the_order_of_the_split(split: Path) -> None:
    assert [row["id"] for row in choose_prompts(split, ["test"], ["near"])] == ["row-1", "row-3"]
    assert len(choose_prompts(split, ["test", "dev"], None)) == 6


def test_a_choice_without_rows_names_what_there_is(split: Path) -> None:
    with pytest.raises(StudyError, match="far/dev, far/test, near/dev, near/test"):
        choose_prompts(split, ["train"], None)


def test_each_prompt_gets_one_row_with_the_declared_columns(
    tiny: Path, split: Path, tmp_path: Path
) -> None:
    loaded = load_model(tiny, device=torch.device("cpu"), precision="float32")
    rows = choose_prompts(split, ["test"], None)

    for name in "ab":
        (tmp_path / name).mkdir()
        write_responses(tmp_path / name, loaded, rows, max_new_tokens=4, batch_size=3)

    table = pq.read_table(tmp_path / "a/responses.parquet")
    assert table.schema.names == RESPONSES.names
    assert table.column("id").to_pylist() == [row["id"] for row in rows]
    assert all(count <= 4 for count in table.column("new_tokens").to_pylist())
    assert set(table.column("stop_reason").to_pylist()) <= {"eos", "length"}
    paths = [tmp_path / name / "responses.parquet" for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert not (tmp_path / "a/resume").exists()


def test_a_plain_text_stands_in_the_place_of_the_chat_template(
    tiny: Path, split: Path, tmp_path: Path
) -> None:
    loaded = load_model(tiny, device=torch.device("cpu"), precision="float32")
    rows = choose_prompts(split, ["test"], None)

    write_responses(
        tmp_path, loaded, rows, text_template="Q: {prompt}\nA:", max_new_tokens=4, batch_size=3
    )

    table = pq.read_table(tmp_path / "responses.parquet")
    texts = [f"Q: the weather{'!' * index}\nA:" for index in range(4)]
    tokenizer = load_tokenizer(tiny)
    assert table.column("prompt_tokens").to_pylist() == [
        len(tokenizer(text)["input_ids"]) for text in texts
    ]
    assert table.column("messages").to_pylist() == [row["messages"] for row in rows]


def test_a_plain_text_takes_no_conversation(tiny: Path, split: Path, tmp_path: Path) -> None:
    loaded = load_model(tiny, device=torch.device("cpu"), precision="float32")
    (row, *_) = choose_prompts(split, ["test"], None)
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]

    with pytest.raises(StudyError, match="single questions, and a row has 2 messages"):
        write_responses(
            tmp_path,
            loaded,
            [{**row, "messages": turns}],
            text_template="{prompt}",
            max_new_tokens=4,
            batch_size=1,
        )
