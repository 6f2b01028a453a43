"""A model over several GPUs gives what it gives on one."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safebasin.models.generate import generate_answers
from safebasin.models.load import LoadedModel, load_model

from .test_generation import prompts_of
from .test_training import ASFT, tuned

pytestmark = pytest.mark.gpu
ALL = torch.device("cuda")


@pytest.fixture(scope="module")
def spread(gpu: torch.device, tiny: Path) -> LoadedModel:
    if torch.cuda.device_count() < 2:
        pytest.skip("only one CUDA device is visible")
    loaded = load_model(tiny, device=ALL, precision="float32")
    assert len({weight.device for weight in loaded.model.parameters()}) > 1
    return loaded


def test_answers_are_those_of_one_gpu(gpu, tiny, spread):
    one = load_model(tiny, device=gpu, precision="float32")
    given = {"max_new_tokens": 12, "batch_size": 3}
    assert generate_answers(spread, prompts_of(spread), **given) == generate_answers(
        one, prompts_of(one), **given
    )


def test_an_adapter_is_trained_as_on_one_gpu(gpu, spread, tiny, mixture, direction, tmp_path):
    inputs = (tiny, mixture, direction)
    tuned(tmp_path / "all", inputs, ALL, ASFT, precision="float32")
    tuned(tmp_path / "one", inputs, gpu, ASFT, precision="float32")
    ours, theirs = (pq.read_table(tmp_path / name / "history.parquet") for name in ("all", "one"))
    for name in ours.column_names:
        assert ours[name].to_pylist() == pytest.approx(theirs[name].to_pylist(), rel=1e-4)
