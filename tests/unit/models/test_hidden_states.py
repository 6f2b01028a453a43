"""States against a plain computation: one prompt at a time, no padding, no cache."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safebasin.errors import StudyError
from safebasin.models.adapter_files import tensor_name, write_adapter
from safebasin.models.chat import ChatFormat
from safebasin.models.decode import GreedyDecoder
from safebasin.models.generate import generate_answers
from safebasin.models.hidden_states import depth_of, prompt_states, steered
from safebasin.models.load import LoadedModel, Precision, load_model
from torch import Tensor

TEXTS = ("a", "a quiet lake", "the weather " * 4, "seven", "an old bridge and a recipe")
LAYERS = (0, 1, 2)


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> LoadedModel:
    model = load_model(tiny, device=torch.device("cpu"), precision="float32")
    model.model.double()  # so that no rounding chooses a word
    return model


@pytest.fixture(scope="module")
def prompts(loaded: LoadedModel) -> list[tuple[int, ...]]:
    chat = ChatFormat(loaded.tokenizer)
    return [chat.prompt([{"role": "user", "content": text}]) for text in TEXTS]


def plain(loaded: LoadedModel, prompt: tuple[int, ...]) -> list[Tensor]:
    """The states of one prompt by the library itself, the last one before the final norm."""
    seen: list[Tensor] = []
    hook = loaded.model.get_decoder().norm.register_forward_pre_hook(
        lambda module, given: seen.append(given[0])
    )
    with torch.inference_mode():
        told = loaded.model(input_ids=torch.tensor([prompt]), output_hidden_states=True)
    hook.remove()
    return [each[0].float() for each in (*told.hidden_states[:-1], seen[0])]


def vectors(loaded: LoadedModel, length: float) -> dict[int, Tensor]:
    drawn = torch.Generator().manual_seed(3)
    width = loaded.model.config.hidden_size
    return {layer: length * torch.randn(width, generator=drawn) for layer in (1, 2)}


def hooks_of(loaded: LoadedModel) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks)
        for module in loaded.model.modules()
    )


def oracle(loaded: LoadedModel, prompt: tuple[int, ...], added: dict[int, Tensor]) -> list[int]:
    """Feed the whole text anew for every token, steering all places from the prompt's last on."""
    text, blocks = list(prompt), loaded.model.get_decoder().layers

    def add(vector: Tensor):
        def hook(module, given, output):
            output = output.clone()
            output[:, len(prompt) - 1 :] += vector
            return output

        return hook

    hooks = [blocks[layer - 1].register_forward_hook(add(v)) for layer, v in added.items()]
    with torch.inference_mode():
        for _ in range(7):
            token = int(loaded.model(input_ids=torch.tensor([text])).logits[0, -1].argmax())
            if token == loaded.tokenizer.eos_token_id:
                break
            text.append(token)
    for hook in hooks:
        hook.remove()
    return text[len(prompt) :]


def test_batched_states_are_those_of_each_prompt_by_itself(loaded, prompts) -> None:
    found = prompt_states(loaded, prompts, LAYERS, batch_size=3)

    for place, prompt in enumerate(prompts):
        wanted = plain(loaded, prompt)
        for layer in LAYERS:
            torch.testing.assert_close(found.pooled[layer, place], wanted[layer].mean(dim=0))
            torch.testing.assert_close(found.final[layer, place], wanted[layer][-1])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_states_of_an_adapted_model_are_its_own(
    tiny: Path, tmp_path: Path, prompts, precision: Precision
) -> None:
    drawn = torch.Generator().manual_seed(0)
    tensors = {
        tensor_name(f"model.layers.{layer}.self_attn.q_proj.weight", factor): torch.randn(
            shape, generator=drawn
        )
        for layer in range(2)
        for factor, shape in (("A", (2, 32)), ("B", (32, 2)))
    }
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    write_adapter(tmp_path, config, tensors)
    bare = load_model(tiny, device=torch.device("cpu"), precision=precision)
    adapted = load_model(tiny, device=torch.device("cpu"), precision=precision, adapter=tmp_path)

    before, after = (prompt_states(m, prompts, (0, 1), batch_size=9) for m in (bare, adapted))

    assert depth_of(adapted) == 2
    assert torch.equal(before.final[0], after.final[0])
    assert not torch.allclose(before.final[1], after.final[1])


def test_steering_adds_exactly_the_vector_at_the_last_place_and_leaves_no_trace(
    loaded, prompts
) -> None:
    vector = vectors(loaded, 1.0)[2]
    tokens = torch.tensor([prompts[1]])
    seen: list[Tensor] = []

    def run() -> None:
        hook = loaded.model.get_decoder().norm.register_forward_pre_hook(
            lambda module, given: seen.append(given[0])
        )
        with torch.inference_mode():
            loaded.model(input_ids=tokens, attention_mask=torch.ones_like(tokens))
        hook.remove()

    run()
    hooks = hooks_of(loaded)  # the library keeps some of its own
    with steered(loaded, {2: vector}):
        run()
    run()

    before, during, after = seen
    assert torch.equal(before[:, :-1], during[:, :-1])
    assert torch.equal(before[:, -1] + vector, during[:, -1])
    assert torch.equal(before, after)
    assert hooks_of(loaded) == hooks


def test_no_hook_is_left_where_the_steered_work_fails(loaded) -> None:
    hooks = hooks_of(loaded)

    with pytest.raises(RuntimeError), steered(loaded, vectors(loaded, 1.0)):
        raise RuntimeError

    assert hooks_of(loaded) == hooks


@pytest.mark.parametrize("length", [0.3, 3.0])
def test_steered_answers_are_those_of_the_plain_definition(loaded, prompts, length) -> None:
    chat, added = ChatFormat(loaded.tokenizer), vectors(loaded, length)

    with steered(loaded, added):
        answers = generate_answers(loaded, prompts, max_new_tokens=7, batch_size=4)

    assert [answer.text for answer in answers] == [
        chat.text(oracle(loaded, prompt, added)) for prompt in prompts
    ]


def test_steering_by_nothing_changes_no_answer_and_steering_hard_changes_some(
    loaded, prompts
) -> None:
    def answers(length: float) -> list[str]:
        with steered(loaded, vectors(loaded, length)):
            found = generate_answers(loaded, prompts, max_new_tokens=7, batch_size=4)
        return [answer.text for answer in found]

    free = generate_answers(loaded, prompts, max_new_tokens=7, batch_size=4)

    assert answers(0.0) == [answer.text for answer in free]
    assert answers(5.0) != answers(0.0)


def test_the_head_that_prompts_share_is_not_steered(loaded, prompts) -> None:
    def head() -> list[Tensor]:
        decoder = GreedyDecoder(loaded, prompts[2][:9], frozenset({1}))
        return [layer.keys for layer in decoder._cache.layers]

    free = head()
    with steered(loaded, vectors(loaded, 3.0)):
        during = head()

    assert all(torch.equal(*pair) for pair in zip(free, during, strict=True))


def test_a_model_whose_blocks_lie_in_no_list_is_refused(loaded) -> None:
    class Unlisted(torch.nn.Module):
        config = loaded.model.config

    odd = LoadedModel(model=Unlisted(), tokenizer=loaded.tokenizer, device=loaded.device)

    with pytest.raises(StudyError, match="Unlisted keeps its 2 layers in no list"):
        depth_of(odd)
