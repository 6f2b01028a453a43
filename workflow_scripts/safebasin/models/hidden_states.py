"""Hidden states of prompts, layer by layer, and what is added to them while a model speaks.

State 0 are the embeddings, state i is what block i adds up to: the residual stream, which is also
what steering changes. (The last state that transformers returns has the final norm on top; ours
has not.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safebasin.errors import StudyError
from safebasin.models.generate import batch_by_length
from safebasin.models.padding import pad_left
from safebasin.progress import SILENT, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptStates:
    """States of n prompts at L layers; fp32, on the CPU."""

    layers: tuple[int, ...]
    pooled: Tensor
    """(L, n, width): the mean over all tokens of the prompt."""
    final: Tensor
    """(L, n, width): at the last token, from which the model speaks."""


def depth_of(loaded: LoadedModel) -> int:
    """Return how many blocks the model has."""
    return len(_blocks(loaded))


def prompt_states(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    layers: Sequence[int],
    *,
    batch_size: int,
    progress: Progress = SILENT,
) -> PromptStates:
    """Return the states of each prompt, in the order of the prompts.

    Args:
        loaded: The model.
        prompts: Tokens of each prompt.
        layers: Hidden states to keep, 0 to the model's depth.
        batch_size: Prompts at once; like lengths share a batch.
        progress: Told of each batch.
    """
    import torch

    width = int(loaded.model.config.hidden_size)
    shape = (len(layers), len(prompts), width)
    pooled, final = torch.zeros(shape), torch.zeros(shape)
    filler = int(loaded.tokenizer.eos_token_id or 0)
    for batch in progress.over(batch_by_length(prompts, batch_size), "reading states, batches"):
        padded = pad_left([prompts[place] for place in batch], 0, filler, loaded.device)
        kept: dict[int, tuple[Tensor, Tensor]] = {}
        with torch.inference_mode(), _watched(loaded, layers, padded.mask, kept):
            loaded.model(
                input_ids=padded.tokens,
                attention_mask=padded.mask,
                position_ids=padded.positions,
                use_cache=False,
                logits_to_keep=1,
            )
        for place, layer in enumerate(layers):
            mean, last = kept[layer]
            pooled[place, batch], final[place, batch] = mean.cpu(), last.cpu()
    return PromptStates(layers=tuple(layers), pooled=pooled, final=final)


@contextmanager
def steered(loaded: LoadedModel, vectors: Mapping[int, Tensor]) -> Iterator[None]:
    """Add a vector to the last position at each layer while the model generates.

    That is the prompt's last token, and then every new token. The head that all prompts of a
    batch share is computed beforehand (``models.decode``) and ends in the middle of a prompt:
    that pass, which alone comes without an attention mask, is left as it is.

    Args:
        loaded: The model; its hooks are gone when the context ends, however it ends.
        vectors: Layer (1 to the depth) to the vector that is added there, (width,).
    """
    steering = {"on": False}

    def look(module: Any, given: Any, named: Mapping[str, Any]) -> None:
        del module, given
        steering["on"] = named.get("attention_mask") is not None

    def add_to_last(vector: Tensor) -> Callable[..., Any]:
        def hook(module: Any, given: Any, output: Any) -> Any:
            del module, given
            if not steering["on"]:
                return output
            states = (output[0] if isinstance(output, tuple) else output).clone()
            states[:, -1] += vector.to(dtype=states.dtype, device=states.device)
            return (states, *output[1:]) if isinstance(output, tuple) else states

        return hook

    blocks = _blocks(loaded)
    with ExitStack() as hooks:
        hooks.enter_context(loaded.model.register_forward_pre_hook(look, with_kwargs=True))
        for layer, vector in vectors.items():
            assert layer > 0, "the embeddings are no block's output"
            block = blocks[layer - 1]
            at_hand = vector.to(next(block.parameters()))  # once, and not at every token
            hooks.enter_context(block.register_forward_hook(add_to_last(at_hand)))
        yield


@contextmanager
def _watched(
    loaded: LoadedModel,
    layers: Sequence[int],
    mask: Tensor,
    kept: dict[int, tuple[Tensor, Tensor]],
) -> Iterator[None]:
    """Put mean and last state of each row, (rows, width) each, into ``kept`` during a pass.

    They are taken as the layers come, so that no layer's full states outlive it.
    """
    counted = mask[..., None].float()  # (rows, width of the batch, 1)

    def keep(layer: int, states: Tensor) -> None:
        exact = states.float()
        weights = counted.to(exact.device)
        kept[layer] = (exact * weights).sum(dim=1) / weights.sum(dim=1), exact[:, -1].clone()

    def before(module: Any, given: tuple[Any, ...]) -> None:
        del module
        keep(0, given[0])

    def after(layer: int) -> Callable[..., None]:
        def hook(module: Any, given: Any, output: Any) -> None:
            del module, given
            keep(layer, output[0] if isinstance(output, tuple) else output)

        return hook

    blocks = _blocks(loaded)
    with ExitStack() as hooks:
        for layer in layers:
            if layer == 0:
                hooks.enter_context(blocks[0].register_forward_pre_hook(before))
            else:
                hooks.enter_context(blocks[layer - 1].register_forward_hook(after(layer)))
        yield


def _blocks(loaded: LoadedModel) -> Any:
    """Return the model's blocks, below an adapter where there is one: the outermost list of as
    many modules as the config says there are layers, whatever a family calls it.

    Raises:
        StudyError: the model has no such list.
    """
    import torch

    model = loaded.model
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    depth = plain.config.num_hidden_layers
    lists = [
        (name.count("."), place, module)
        for place, (name, module) in enumerate(plain.named_modules())
        if isinstance(module, torch.nn.ModuleList) and len(module) == depth
    ]
    if not lists:
        raise StudyError(
            f"{type(plain).__name__} keeps its {depth} layers in no list of modules, so that no "
            "state between them can be read or steered: leave the probe out"
        )
    return min(lists, key=lambda each: each[:2])[2]
