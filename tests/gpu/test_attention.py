"""bf16 on a GPU against the same weights in fp32, and which kernel computes attention there."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import torch
from card.against_fp32 import compare_generation, compare_states, make_attention_matter
from card.attention import CUDNN, attention_of
from random_llama import Shape, build_llama
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import generate_answers
from safebasin.models.hidden_states import prompt_states
from safebasin.models.load import LoadedModel
from safebasin.models.padding import common_head

from .test_training import ASFT, tuned

pytestmark = pytest.mark.gpu
SHAPE = Shape(
    hidden=2048, intermediate=4096, layers=2, heads=32, vocabulary=320,
    lengths=(64, 16), rows=0, batches=(), prompt=0, new_tokens=0, upper=2,
)  # fmt: skip
WORDS = ("bridge", "lake", "recipe", "garden", "number", "weather")
KV_HEADS = (32, 8, 4)


@pytest.fixture(scope="module", params=KV_HEADS)
def low(request: pytest.FixtureRequest, gpu: torch.device) -> LoadedModel:
    """A model in bf16 with so many heads of keys and values, each of 64 numbers."""
    loaded = build_llama(SHAPE, gpu, "bfloat16", kv_heads=request.param)
    make_attention_matter(loaded.model, seed=request.param)
    return loaded


def prompts_of(loaded: LoadedModel, *, begins: str) -> list[tuple[int, ...]]:
    """Return chats of 1 to 400 words, shuffled, so that all but one are padded on the left."""
    draw, chat = random.Random(0), ChatFormat(loaded.tokenizer)
    system = {"no system": [], "an empty system": [{"role": "system", "content": ""}]}
    system["a common system"] = [{"role": "system", "content": "Answer about lakes."}]
    sizes = (1, 2, 3, 7, 30, 31, 64, 100, 130, 220, 400, 1)
    made = [
        chat.prompt(
            [*system[begins], {"role": "user", "content": " ".join(draw.choices(WORDS, k=size))}]
        )
        for size in sizes
    ]
    draw.shuffle(made)
    return made


@pytest.mark.parametrize("begins", ["no system", "an empty system", "a common system"])
@pytest.mark.parametrize("shares_head", [False, True], ids=["empty head", "common head"])
def test_text_in_bf16_is_that_of_fp32_as_far_as_rounding_lets_it(low, begins, shares_head):
    prompts = prompts_of(low, begins=begins)
    head = common_head(prompts) if shares_head else ()
    assert bool(head) == shares_head
    found = compare_generation(low, prompts, head=head, new_tokens=96)
    assert found.is_right, found
    assert found.decided > found.tokens // 5


def test_one_prompt_alone_is_right_too(low):
    for prompt in prompts_of(low, begins="no system")[:3]:
        found = compare_generation(low, [prompt], head=(), new_tokens=48)
        assert found.is_right, found


def test_states_in_bf16_are_those_of_fp32_as_far_as_rounding_lets_them(low):
    assert compare_states(low, prompts_of(low, begins="no system"), [0, 1, 2]) <= 1


def test_cudnn_computes_attention_neither_in_text_nor_in_states(low):
    prompts = prompts_of(low, begins="no system")
    generating = attention_of(
        lambda: generate_answers(low, prompts, max_new_tokens=4, batch_size=6)
    )
    probing = attention_of(lambda: prompt_states(low, prompts, [1], batch_size=6))
    for seen in (generating, probing):
        assert seen, "the profiler saw no attention"
        assert not [name for name in seen if CUDNN in name]


def test_cudnn_computes_attention_in_no_training(gpu, tiny, mixture, direction, tmp_path):
    inputs = (tiny, mixture, direction)
    seen = attention_of(lambda: tuned(tmp_path, inputs, gpu, ASFT, precision="bfloat16"))
    assert seen, "the profiler saw no attention"
    assert not [name for name in seen if CUDNN in name]


@pytest.fixture
def as_pytorch_comes(gpu: torch.device) -> Iterator[None]:
    torch.backends.cuda.enable_cudnn_sdp(True)
    yield
    torch.backends.cuda.enable_cudnn_sdp(False)


def test_where_cudnn_is_chosen_the_watch_sees_it(gpu: torch.device, as_pytorch_comes: None) -> None:
    if torch.cuda.get_device_capability(gpu) < (9, 0):
        pytest.skip("cuDNN is no first choice before Hopper")
    query = torch.randn(2, 8, 128, 64, device=gpu, dtype=torch.bfloat16)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.CUDNN_ATTENTION):
        seen = attention_of(
            lambda: torch.nn.functional.scaled_dot_product_attention(query, query, query)
        )
    assert [name for name in seen if CUDNN in name]
