"""How far a model's generation in bf16 is from the same weights in fp32.

The bf16 model generates as a job does: prompts padded on the left, read in pieces, decoded with a
cache. Each text that it made is then read once by the fp32 model, row by row, without padding or
cache, with PyTorch's plain attention. What is compared are the logits at each new token; the tokens
are compared where the fp32 logits leave no doubt.

What rounding may do: bf16 keeps 8 bits, so a number is off by u = 2^-9 of itself at the root mean
square or less (a half unit at most, 2^-8, spread evenly), and a logit is the end of a chain of
``roundings`` of them, whose errors are independent: u sqrt(roundings) of the logits' own size. Of
many logits the worst is some times that: ``WORST``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safebasin.models.decode import GreedyDecoder
from safebasin.models.hidden_states import prompt_states
from safebasin.models.load import LoadedModel
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

UNIT = 2.0**-9
A_LAYER, BESIDE = 12, 3
"""Roundings in a row: norm, queries, keys, turns, scores, values, sum, projection, norm, gate,
product, projection; and of the embedding, the last norm, and the logit."""
MEAN, WORST = 2.0, 12.0
"""Times that which all may be off at the root mean square, and the worst of millions: a normal
error's worst is 5.5, and a sharp attention hands some errors on larger than they came. Measured on
tiny models on a CPU: 1.0 to 1.4, and 7.3. Attention that misses one token of many: 12 and 110."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was found."""

    worst: float
    """The largest difference of a logit, in what is allowed: right up to 1."""
    mean: float
    """The root mean square of the differences, in u sqrt(roundings)."""
    tokens: int
    """New tokens."""
    decided: int
    """Those whose fp32 logits are further apart than rounding can bring them."""
    wrong: int
    """Decided tokens that the bf16 model did not choose."""

    @property
    def is_right(self) -> bool:
        """Whether all is within what rounding does, and something was tried."""
        return self.worst <= 1 and self.mean <= MEAN and self.wrong == 0 and self.decided > 0


def make_attention_matter(model: PreTrainedModel, seed: int) -> None:
    """Draw the weights so that each part of the model moves the logits, and attention is sharp.

    As transformers draws them, attention is nearly a mean over all tokens and adds next to
    nothing: wrong or right, the logits would be the same.
    """
    generator = torch.Generator(next(model.parameters()).device).manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim < 2:
                continue
            size = 1.0 if "embed" in name else weight.shape[1] ** -0.5
            weight.normal_(0.0, 3 * size if "q_proj" in name else size, generator=generator)


def compare_generation(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    *,
    head: Sequence[int],
    new_tokens: int,
) -> Agreement:
    """Compare a bf16 model's greedy text with what its weights give in fp32.

    Args:
        loaded: The model.
        prompts: Of several lengths, so that the shorter ones are padded.
        head: What is computed once for all; it may be empty.
        new_tokens: Tokens that each prompt is gone on with.
    """
    decoder = GreedyDecoder(loaded, head, frozenset())
    with _logits_of(loaded.model) as seen:
        said = decoder.decode(prompts, new_tokens)
    low = _by_row(seen, len(prompts))  # (rows, new tokens, vocabulary)
    exact = _in_fp32(loaded.model)
    found = [
        _compare_row(exact, loaded, [*prompt, *one.tokens], row)
        for prompt, one, row in zip(prompts, said, low, strict=True)
    ]
    worst, squares, decided, wrong = (list(each) for each in zip(*found, strict=True))
    return Agreement(
        worst=max(worst),
        mean=math.sqrt(sum(squares) / len(squares)),
        tokens=len(prompts) * new_tokens,
        decided=sum(decided),
        wrong=sum(wrong),
    )


def compare_states(
    loaded: LoadedModel, prompts: Sequence[Sequence[int]], layers: Sequence[int]
) -> float:
    """Return the largest difference of a hidden state, in what rounding is allowed."""
    ours = prompt_states(loaded, prompts, layers, batch_size=len(prompts)).final
    exact = LoadedModel(
        model=_in_fp32(loaded.model), tokenizer=loaded.tokenizer, device=loaded.device
    )
    with sdpa_kernel(SDPBackend.MATH):
        theirs = prompt_states(exact, prompts, layers, batch_size=1).final
    size = theirs.square().mean(-1, keepdim=True).sqrt()
    return float(((ours - theirs).abs() / (size * WORST * _rounding(loaded.model))).max())


def _rounding(model: Any) -> float:
    """Return the root mean square of rounding's relative error in a logit."""
    return UNIT * math.sqrt(A_LAYER * int(model.config.num_hidden_layers) + BESIDE)


def _in_fp32(model: Any) -> Any:
    """Return a copy with the same weights; bf16 numbers are fp32 numbers too."""
    return deepcopy(model).float().eval()


def _compare_row(
    exact: Any, loaded: LoadedModel, text: Sequence[int], low: Tensor
) -> tuple[float, float, int, int]:
    """Return worst and mean square difference, and the tokens decided and wrong, of one row."""
    tokens = torch.tensor([list(text[:-1])], device=loaded.device)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        high = exact(input_ids=tokens, use_cache=False, logits_to_keep=len(low)).logits[0].float()
    rounding = _rounding(loaded.model) * high.square().mean(-1, keepdim=True).sqrt()
    off = (low.float() - high) / rounding
    best = high.topk(2, dim=-1)
    decided = best.values[:, 0] - best.values[:, 1] > 2 * WORST * rounding[:, 0]
    other = low.float().argmax(-1) != best.indices[:, 0]
    return (
        float(off.abs().max()) / WORST,
        float(off.square().mean()),
        int(decided.sum()),
        int((decided & other).sum()),
    )


@contextmanager
def _logits_of(model: Any) -> Iterator[list[Tensor]]:
    """Keep the last logits of each pass."""
    seen: list[Tensor] = []

    def keep(module: Any, given: Any, output: Any) -> None:
        del module, given
        seen.append(output.logits[:, -1].clone())

    hook = model.register_forward_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()


def _by_row(seen: Sequence[Tensor], rows: int) -> Tensor:
    """Return (rows, passes, vocabulary): the prompts are read some at a time, then all go on."""
    read = 0
    for pieces in range(len(seen)):
        read += len(seen[pieces])
        if read == rows:
            return torch.stack([torch.cat(list(seen[: pieces + 1])), *seen[pieces + 1 :]], dim=1)
    raise AssertionError(f"{read} rows were read, not {rows}")
