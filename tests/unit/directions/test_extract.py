from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq
import pytest
import torch
from safebasin.directions.extract import Extraction, extract_direction
from safebasin.directions.reader import DirectionReader
from safebasin.directions.tensor_stream import TensorStream
from safebasin.errors import DamagedInput, StudyError
from safebasin.store.writers import write_safetensors
from torch import Tensor

Q0, Q1, K0 = (f"model.layers.{x}_proj.weight" for x in ("0.q", "1.q", "0.k"))


def tensors(seed: int) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return {
        Q0: torch.randn(6, 8, generator=rng),
        Q1: torch.randn(6, 8, generator=rng),
        K0: torch.randn(2, 8, generator=rng),
        "model.layers.0.q_proj.bias": torch.randn(6, generator=rng),
        "model.embed_tokens.weight": torch.randn(9, 8, generator=rng),
    }


def checkpoint(folder: Path, content: dict[str, Tensor]) -> Path:
    folder.mkdir()
    write_safetensors(folder / "model.safetensors", content)
    return folder


def sharded(folder: Path, content: dict[str, Tensor]) -> Path:
    folder.mkdir()
    places = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(content)}
    for shard in set(places.values()):
        write_safetensors(folder / shard, {n: t for n, t in content.items() if places[n] == shard})
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    return folder


def extracted(
    tmp_path: Path, aligned: dict[str, Tensor], base: dict[str, Tensor], **options: object
) -> Path:
    out = tmp_path / "out"
    out.mkdir()
    settings = Extraction(**({"targets": ["q_proj"]} | options))  # type: ignore[arg-type]
    extract_direction(
        checkpoint(tmp_path / "aligned", aligned), sharded(tmp_path / "base", base), out, settings
    )
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_d_is_the_fp32_difference_of_the_stored_weights(tmp_path: Path, dtype: torch.dtype) -> None:
    aligned = {name: x.to(dtype) for name, x in tensors(0).items()}
    base = tensors(1)

    reader = DirectionReader(extracted(tmp_path, aligned, base, targets=["q_proj", "k_proj"]))

    assert reader.names() == sorted([K0, Q0, Q1])
    for name in reader.names():
        assert torch.equal(reader.read(name), aligned[name].float() - base[name].float())
        assert reader.shape(name) == tuple(base[name].shape)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_stream_writes_the_bytes_of_the_canonical_writer(tmp_path: Path, dtype: str) -> None:
    content = {name: x for name, x in tensors(0).items() if x.ndim == 2}
    content["é.weight"] = torch.randn(1, 3)
    shapes = {name: tuple(x.shape) for name, x in content.items()}

    with TensorStream(tmp_path / "stream", shapes, dtype) as out:
        for name in sorted(content):
            out.add(name, content[name])
    write_safetensors(
        tmp_path / "whole", {n: x.to(getattr(torch, dtype)) for n, x in content.items()}
    )

    assert (tmp_path / "stream").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_stream_that_lacks_a_tensor_or_gets_another_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="1 tensors were not written"),
        TensorStream(tmp_path / "x", {"a": (2,), "b": (2,)}, "float32") as out,
    ):
        out.add("a", torch.zeros(2))
    with (
        pytest.raises(ValueError, match="not next"),
        TensorStream(tmp_path / "y", {"a": (2,)}, "float32") as out,
    ):
        out.add("a", torch.zeros(3))


def test_the_spectrum_lists_norms_values_and_shares(tmp_path: Path) -> None:
    aligned, base = tensors(0), tensors(1)

    out = extracted(tmp_path, aligned, base, top=3)

    rows = [r for r in pq.read_table(out / "spectrum.parquet").to_pylist() if r["matrix"] == Q1]
    d = (aligned[Q1] - base[Q1]).double()
    values = torch.linalg.svdvals(d)
    assert [row["k"] for row in rows] == [1, 2, 3]
    assert [row["layer"] for row in rows] == [1, 1, 1]
    assert rows[0]["module"] == "q_proj"
    assert (rows[0]["rows"], rows[0]["cols"]) == (6, 8)
    assert rows[0]["norm_d"] == pytest.approx(float(d.norm()))
    assert rows[0]["norm_base"] == pytest.approx(float(base[Q1].norm()))
    c = d @ d.mT / d.norm()
    eigenvalues = torch.linalg.eigvalsh(c).flip(0)
    for index, row in enumerate(rows):
        assert row["singular_value"] == pytest.approx(float(values[index]))
        assert row["eigenvalue"] == pytest.approx(float(eigenvalues[index]))
        assert row["energy_share"] == pytest.approx(float((values[index] / d.norm()) ** 2))


def test_equal_checkpoints_have_no_direction(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no direction"):
        extracted(tmp_path, tensors(0), tensors(0), zero="free")


def test_a_matrix_without_a_difference_is_named_and_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"1 of 2 matrices: model\.layers\.1\.q_proj\.weight"):
        extracted(tmp_path, tensors(0) | {Q1: tensors(1)[Q1]}, tensors(1))


@pytest.mark.parametrize("policy", ["free", "shrink"])
def test_the_policy_for_zeros_is_written_down(
    tmp_path: Path, policy: Literal["free", "shrink"]
) -> None:
    aligned = tensors(0) | {Q1: tensors(1)[Q1]}

    reader = DirectionReader(extracted(tmp_path, aligned, tensors(1), zero=policy))

    assert reader.zero == policy
    assert reader.zero_matrices == {Q1}
    assert not reader.read(Q1).any()


def test_a_shape_that_differs_is_named_with_both_shapes(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"1\.q_proj\.weight is \(6, 7\) in aligned.*\(6, 8\)"):
        extracted(tmp_path, tensors(0) | {Q1: torch.randn(6, 7)}, tensors(1))


def test_matrices_of_one_shape_and_other_heads_are_refused(tmp_path: Path) -> None:
    folders = [checkpoint(tmp_path / f"{at}", tensors(at)) for at in range(2)]
    for folder, heads in zip(folders, (4, 2), strict=True):
        told = {"num_attention_heads": heads, "num_key_value_heads": None}
        (folder / "config.json").write_text(json.dumps(told))
    (tmp_path / "out").mkdir()

    with pytest.raises(StudyError, match="num_attention_heads is 4 in aligned and 2 in base"):
        extract_direction(*folders, tmp_path / "out", Extraction(targets=("q_proj",)))


@pytest.mark.parametrize(("role", "other"), [("aligned", "base"), ("base", "aligned")])
def test_a_matrix_in_one_checkpoint_only_is_named(tmp_path: Path, role: str, other: str) -> None:
    content = {"aligned": tensors(0), "base": tensors(1)}
    del content[other][Q0]
    with pytest.raises(StudyError, match=f"in {role} but not in {other}: {Q0}"):
        extracted(tmp_path, content["aligned"], content["base"])


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["q_proj.bias"], "biases have none"),
        (["z_prj"], "'z_prj' matches no matrix of .*; it has embed_tokens, k_proj, q_proj "),
        (["q_prj"], "did you mean 'q_proj'"),
        ([], "targets is empty"),
        (["roj"], "'roj' matches no matrix"),
        (["q_proj", "q_proj"], "only once"),
    ],
)
def test_targets_that_name_no_matrices_are_refused(
    tmp_path: Path, targets: list[str], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        extracted(tmp_path, tensors(0), tensors(1), targets=targets)


def test_matrices_of_experts_are_refused(tmp_path: Path) -> None:
    """A file holds them one by one; the model holds them as one tensor."""
    expert = "model.layers.1.mlp.experts.3.q_proj.weight"
    both = [{**tensors(seed), expert: torch.randn(4, 4)} for seed in (0, 1)]
    with pytest.raises(StudyError, match=r"'q_proj' names 1 matrices of experts .*experts.3"):
        extracted(tmp_path, *both, targets=["q_proj"])


def test_a_difference_that_is_not_finite_is_damage(tmp_path: Path) -> None:
    broken = tensors(0)
    broken[Q0][0, 0] = float("nan")
    with pytest.raises(DamagedInput, match=r"0\.q_proj\.weight.*not finite"):
        extracted(tmp_path, broken, tensors(1))


def test_a_quantised_checkpoint_is_refused(tmp_path: Path) -> None:
    coarse = tensors(0) | {Q0: torch.ones(6, 8, dtype=torch.int8)}
    with pytest.raises(DamagedInput, match="stored as I8 in aligned"):
        extracted(tmp_path, coarse, tensors(1))


def test_a_surrogate_keeps_the_listed_spectrum_and_moves_the_matrix(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    real = extracted(tmp_path / "a", tensors(0), tensors(1))
    random = extracted(tmp_path / "b", tensors(0), tensors(1), random_seed=3)

    values = [
        pq.read_table(out / "spectrum.parquet")["singular_value"].to_pylist()
        for out in (real, random)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-5)
    first, second = (DirectionReader(out).read(Q0) for out in (real, random))
    assert not torch.allclose(first, second, atol=1e-2)


def test_the_same_pair_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    outs = [extracted(tmp_path / x, tensors(0), tensors(1), random_seed=1) for x in "ab"]

    for name in ("direction.safetensors", "spectrum.parquet", "direction.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()
