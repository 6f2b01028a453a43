"""What a job asks for grows with the model, with the work, and with every attempt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.sizing import (
    FILLED,
    GPUS_OF_A_MACHINE,
    LIBRARIES,
    gpu_room,
    gpus,
    memory,
    minutes,
    model_bytes,
)
from safebasin.store.kinds import RULES
from safebasin.store.spec import Spec
from safebasin.study.graph import Node

RULE = st.sampled_from(sorted(RULES))
SIZE = st.integers(0, 10**12)
SEQUENCES = st.integers(0, 10**6)
ATTEMPT = st.integers(1, 5)
DEVICE = st.sampled_from(["auto", "cpu", "cuda"])
LLAMA_2_7B = 6_738_415_616
LLAMA_31_8B = 8_030_261_248
GB = 10**9


def node(rule: str, parameters: int, work: int = 0, **params: object) -> Node:
    """Return a job of ``rule``; what it makes does not matter here."""
    spec = Spec(kind=RULES[rule].kind, code=None, params=params, inputs={})
    return Node(
        rule=rule, name=rule, spec=spec, digest=spec.digest, parameters=parameters, work=work
    )


@given(RULE, SIZE, SEQUENCES, ATTEMPT, DEVICE)
def test_every_further_attempt_asks_for_at_least_half_as_much_again(
    rule, size, work, attempt, device
):
    job = node(rule, size, work)
    assert memory(job, attempt + 1) >= 1.5 * memory(job, attempt)
    assert minutes(job, attempt + 1, device) >= 1.5 * minutes(job, attempt, device)


@given(RULE, SIZE, SIZE, SEQUENCES, DEVICE)
def test_a_larger_model_asks_for_no_less(rule, one, other, work, device):
    small, large = sorted((one, other))
    assert memory(node(rule, small), 1) <= memory(node(rule, large), 1)
    assert minutes(node(rule, small, work), 1, device) <= minutes(
        node(rule, large, work), 1, device
    )


@pytest.mark.parametrize(
    ("rule", "least_gib", "most_gib"),
    [
        ("tune_adapter", 26, 64),  # fp32 weights at least once
        ("align_checkpoint", 100, 128),  # weights, gradients and two moments
        ("extract_direction", 4, 8),  # a few matrices, whatever the model's size
    ],
)
def test_a_7b_model_gets_what_it_needs_and_fits_an_ordinary_node(rule, least_gib, most_gib):
    assert least_gib * 1024 <= memory(node(rule, LLAMA_2_7B), 1) <= most_gib * 1024


@pytest.mark.parametrize(
    ("rule", "precision", "bytes_each"),
    [
        ("generate_responses", "float32", 4),
        ("generate_responses", "bfloat16", 2),
        ("tune_checkpoint", "float32", 16),  # weight, gradient, two moments
        ("tune_checkpoint", "bfloat16", 18),  # and the weight as it is multiplied
        ("measure_adapter", "float32", 0.4),
    ],
)
def test_a_model_takes_so_many_bytes_for_each_parameter(rule, precision, bytes_each):
    assert model_bytes(node(rule, 10**9, precision=precision)) == bytes_each * 10**9


@given(RULE, SIZE, st.integers(1, 64), st.sampled_from(["float32", "bfloat16"]))
def test_a_host_is_asked_for_what_preflight_reckons_with_and_the_libraries(
    rule, size, rows, precision
):
    training = {"micro_batch": rows, "max_length": 512, "precision": precision}
    job = node(rule, size, training=training)
    assert memory(job, 1) >= LIBRARIES + model_bytes(job) / 2**20 - 0.5


@pytest.mark.parametrize(
    ("rule", "parameters", "each", "asked"),
    [
        ("tune_adapter", 10**6, 80, 1),  # the smoke study
        ("generate_responses", LLAMA_31_8B, 80, 1),
        ("tune_checkpoint", LLAMA_31_8B, 80, 3),  # 145 GB: more than twice 72
        ("tune_checkpoint", LLAMA_31_8B, 141, 2),  # 145 GB: more than once 141
        ("tune_checkpoint", LLAMA_31_8B, 192, 1),
        ("generate_responses", LLAMA_31_8B, 12, 2),
        ("tune_checkpoint", 70 * 10**9, 80, GPUS_OF_A_MACHINE),  # no machine holds it
    ],
)
def test_a_job_asks_for_the_gpus_that_its_model_needs(rule, parameters, each, asked):
    assert gpus(node(rule, parameters, precision="bfloat16"), each * GB) == asked


@given(SIZE, st.integers(1, 500), st.integers(1, 16))
def test_fewer_gpus_than_are_asked_for_would_not_hold_the_model(size, each, most):
    job = node("tune_checkpoint", size)
    asked = gpus(job, each * GB, most)
    assert 1 <= asked <= most
    assert asked == most or model_bytes(job) <= gpu_room(asked, each * GB)
    assert asked == 1 or model_bytes(job) > gpu_room(asked - 1, each * GB)


def test_a_model_may_fill_one_gpu_and_not_all_of_several():
    assert gpu_room(1, 80 * GB) == 80 * GB
    assert gpu_room(2, 80 * GB) == 160 * GB * FILLED


def test_a_cpu_is_given_more_time_than_a_gpu():
    job = node("tune_adapter", LLAMA_2_7B, work=10_000)
    assert minutes(job, 1, "cpu") > 5 * minutes(job, 1, "auto")
