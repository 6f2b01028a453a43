from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safebasin.errors import DamagedInput, RequestError
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.tensor_files import TensorFile
from safebasin.models.weight_values import check_values
from safebasin.store.writers import write_safetensors


def index(folder: Path, places: dict[str, str]) -> None:
    text = json.dumps({"weight_map": places})
    (folder / "model.safetensors.index.json").write_text(text)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool]
)
@pytest.mark.parametrize("shape", [(3, 5), (), (4,), (0, 3)], ids=str)
def test_a_tensor_is_read_as_it_was_written(
    tmp_path: Path, dtype: torch.dtype, shape: tuple[int, int]
) -> None:
    tensor = (torch.randn(shape) * 3).to(dtype)
    write_safetensors(tmp_path / "model.safetensors", {"x": tensor, "y": torch.zeros(7)})

    files = CheckpointFiles(tmp_path)

    assert files.names() == ["x", "y"]
    assert files.stored("x").shape == shape
    assert torch.equal(files.read("x"), tensor)
    assert files.read("x").dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.bool])
@pytest.mark.parametrize("numbers", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 3])
def test_the_runs_of_a_tensor_are_its_numbers_in_order(
    tmp_path: Path, dtype: torch.dtype, numbers: int
) -> None:
    tensor = torch.arange(numbers).remainder(251).to(dtype)
    write_safetensors(tmp_path / "model.safetensors", {"w": torch.ones(3), "x": tensor})

    runs = [run.clone() for run in TensorFile(tmp_path / "model.safetensors").parts("x")]

    assert torch.equal(torch.cat([*runs, tensor[:0]]), tensor)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("place", [0, 37, (1 << 20) + 5])
def test_a_number_that_is_none_is_found_wherever_it_stands(
    tmp_path: Path, dtype: torch.dtype, value: str, place: int
) -> None:
    tensor = torch.ones((1 << 20) + 6, dtype=dtype)
    write_safetensors(tmp_path / "model.safetensors", {"x": tensor})
    check_values(tmp_path)
    tensor[place] = float(value)
    write_safetensors(tmp_path / "model.safetensors", {"x": tensor})

    with pytest.raises(DamagedInput, match="no finite numbers"):
        check_values(tmp_path)


def test_shards_are_one_checkpoint(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a.safetensors", {"x": torch.ones(2)})
    write_safetensors(tmp_path / "b.safetensors", {"y": torch.zeros(3)})
    index(tmp_path, {"x": "a.safetensors", "y": "b.safetensors"})

    files = CheckpointFiles(tmp_path)

    assert torch.equal(files.read("x"), torch.ones(2))
    assert files.stored("y").shape == (3,)
    assert "y" in files
    assert "z" not in files


@pytest.mark.parametrize(
    "places", [{"x": "a.safetensors"}, {"x": "a.safetensors", "z": "a.safetensors"}]
)
def test_an_index_that_disagrees_with_its_shards_is_damage(
    tmp_path: Path, places: dict[str, str]
) -> None:
    write_safetensors(tmp_path / "a.safetensors", {"x": torch.ones(2), "y": torch.ones(2)})
    index(tmp_path, places)

    with pytest.raises(DamagedInput, match=r"y is said to lie in None|z is said|y is said"):
        CheckpointFiles(tmp_path)


def test_a_shard_outside_the_folder_is_refused(tmp_path: Path) -> None:
    index(tmp_path, {"x": "../a.safetensors"})

    with pytest.raises(DamagedInput, match="no plain file name"):
        CheckpointFiles(tmp_path)


def test_pickled_weights_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")

    with pytest.raises(DamagedInput, match=r"pytorch_model\.bin.*never loaded"):
        CheckpointFiles(tmp_path)


def test_an_unknown_tensor_is_named(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "model.safetensors", {"x": torch.ones(2)})

    with pytest.raises(RequestError, match="'z'"):
        CheckpointFiles(tmp_path).read("z")


@pytest.mark.parametrize("cut", [0, 5, 20, -1, -8])
def test_a_file_that_is_cut_is_damage(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.safetensors"
    write_safetensors(path, {"x": torch.ones(64)})
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(DamagedInput, match=r"x\.safetensors"):
        TensorFile(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]},
        {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        {"dtype": "F32", "shape": [2]},
        3,
    ],
)
def test_a_header_that_lies_is_damage(tmp_path: Path, entry: object) -> None:
    header = json.dumps({"x": entry}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))

    with pytest.raises(DamagedInput, match=r"x\.safetensors"):
        TensorFile(path)


def test_a_tensor_that_is_named_twice_is_damage(tmp_path: Path) -> None:
    """The last one would count, and two matrices could change places without a word."""
    first, second = ({"dtype": "F32", "shape": [1], "data_offsets": [at, at + 4]} for at in (0, 4))
    told = [("x", first), ("y", second), ("x", second), ("y", first)]
    header = ",".join(f"{json.dumps(name)}:{json.dumps(entry)}" for name, entry in told)
    path = tmp_path / "x.safetensors"
    path.write_bytes((len(header) + 2).to_bytes(8, "little") + f"{{{header}}}".encode() + bytes(8))

    with pytest.raises(DamagedInput, match="'x' stands twice"):
        TensorFile(path)
