"""The penalty over an adapter: each anchor is held once, and no bit is another than before."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safebasin.directions.projectors import Anchor, DenseAnchor, FactoredAnchor, NoAnchor
from safebasin.directions.reader import DirectionReader
from safebasin.store.writers import write_json, write_safetensors
from safebasin.tuning import penalty_sum
from safebasin.tuning.objectives.asft import Asft
from safebasin.tuning.objectives.objective import LoraPair
from safebasin.tuning.penalty import anchored_penalty
from safebasin.tuning.penalty_sum import AnchoredPair, PenaltySum
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Held(TorchDispatchMode):
    """Counts the bytes of all tensors that came out of an operation and are still held."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: dict[int, Any] = {}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._take(each.untyped_storage())
        return made

    def _take(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return

        def let_go(_: Any) -> None:
            del self._seen[key]
            self.now -= size

        self._seen[key] = weakref.ref(storage, let_go)
        self.now += size
        self.peak = max(self.peak, self.now)


def pair_of(name: str, shape: tuple[int, int], seed: int, rank: int = 2) -> LoraPair:
    rng = torch.Generator().manual_seed(seed)
    return LoraPair(
        name=name,
        a=torch.randn(rank, shape[1], generator=rng).requires_grad_(),
        b=torch.randn(shape[0], rank, generator=rng).requires_grad_(),
        scale=2.0,
    )


def written(folder: Path, directions: dict[str, Tensor], zero: str = "refuse") -> DirectionReader:
    folder.mkdir()
    write_safetensors(folder / "direction.safetensors", directions)
    write_json(folder / "direction.json", {"zero": zero, "zero_matrices": []})
    return DirectionReader(folder)


LAYER = {
    "mlp.down_proj": (48, 96),
    "mlp.gate_proj": (96, 48),
    "mlp.up_proj": (96, 48),
    "self_attn.k_proj": (16, 48),
    "self_attn.o_proj": (48, 48),
    "self_attn.q_proj": (48, 48),
    "self_attn.v_proj": (16, 48),
}
"""All seven kinds of matrices, with grouped keys and values."""


@pytest.mark.parametrize("largest", [None, 3 * 48 * 96], ids=["one stack", "several"])
@pytest.mark.parametrize(
    ("projector", "rank"), [("reference", None), ("reference_scaled", None), ("spectral", 3)]
)
def test_all_kinds_of_matrices_take_the_memory_of_their_anchors_once(
    tmp_path, monkeypatch, projector, rank, largest
):
    monkeypatch.setattr(penalty_sum, "_LARGEST_BATCH", largest or 1 << 26)
    rng = torch.Generator().manual_seed(0)
    shapes = {f"l.{at:02d}.{name}": shape for at in range(12) for name, shape in LAYER.items()}
    reader = written(
        tmp_path / "d", {name: torch.randn(*shape, generator=rng) for name, shape in shapes.items()}
    )
    pairs = [pair_of(name, shape, 1) for name, shape in shapes.items()]
    objective = Asft(weight=1.0, projector=projector, rank=rank)
    with Held() as held:
        objective.bind(pairs, reader)
        kept = held.now
    anchors = 4 * sum(
        d_out * (rank if rank else min(d_out, d_in)) for d_out, d_in in shapes.values()
    )
    one_matrix = 8 * 96 * 48  # in fp64
    assert anchors <= kept <= anchors + 2**12
    assert held.peak <= anchors + 3 * one_matrix


# As it was before each anchor was held once: all of them made, then stacked.
def sums_of_before(
    members: Sequence[AnchoredPair], weight: float, scaled: bool
) -> tuple[Tensor, list[Tensor]]:
    gradients: dict[str, tuple[Tensor, Tensor]] = {}
    sums = []
    for group in groups_of_before(members):
        anchor = group[0].anchor
        if not isinstance(anchor, NoAnchor):
            stacked = torch.stack([member.anchor.parts()[0] for member in group])
            anchor = (
                DenseAnchor(stacked) if isinstance(anchor, DenseAnchor) else FactoredAnchor(stacked)
            )
        scales = [member.pair.scale**2 if scaled else 1.0 for member in group]
        weights = torch.tensor(scales, dtype=torch.float32) * weight
        found = anchored_penalty(
            torch.stack([member.pair.a.detach() for member in group]).float(),
            torch.stack([member.pair.b.detach() for member in group]).float(),
            anchor,
        )
        each = weights[:, None, None]
        grad_a, grad_b = found.grad_a * each, found.grad_b * each
        for index, member in enumerate(group):
            gradients[member.pair.name] = grad_a[index], grad_b[index]
        squares = grad_a.double().square().sum() + grad_b.double().square().sum()
        sums.append(torch.stack([(found.value * weights).double().sum(), squares]))
    return torch.stack(sums).sum(0), [
        gradient for member in members for gradient in gradients[member.pair.name]
    ]


def groups_of_before(members: Sequence[AnchoredPair]) -> Iterator[list[AnchoredPair]]:
    alike: dict[object, list[AnchoredPair]] = {}
    for member in members:
        parts = tuple(part.shape for part in member.anchor.parts())
        key = (type(member.anchor), parts, member.pair.a.shape, member.pair.b.shape)
        alike.setdefault(key, []).append(member)
    for group in alike.values():
        entries = max(1, sum(part.numel() for part in group[0].anchor.parts()))
        most = max(1, penalty_sum._LARGEST_BATCH // entries)
        for start in range(0, len(group), most):
            yield group[start : start + most]


def anchor_of(form: str, pair: LoraPair, seed: int) -> Anchor:
    rng = torch.Generator().manual_seed(seed)
    rows = len(pair.b)
    if form == "none":
        return NoAnchor()
    if form == "dense":
        d = torch.randn(rows, rows, generator=rng)
        return DenseAnchor(d @ d.mT / d.norm())
    return FactoredAnchor(torch.randn(rows, 1 + seed % 2, generator=rng))


SIZES = st.sampled_from([(8, 8), (12, 8), (8, 20), (33, 5)])
FORMS = st.sampled_from(["dense", "factored", "none", "left free"])


@contextmanager
def batches_of(entries: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(penalty_sum, "_LARGEST_BATCH", entries)
        yield


@given(
    st.lists(st.tuples(SIZES, FORMS, st.integers(1, 3)), min_size=1, max_size=14),
    st.sampled_from([1, 130, 400, 1 << 26]),
    st.booleans(),
)
def test_figures_and_gradients_are_those_of_before_to_the_bit(drawn, largest, scaled):
    pairs = [pair_of(f"m{at}", shape, at, rank) for at, (shape, _, rank) in enumerate(drawn)]
    members = [
        AnchoredPair(pair=pair, anchor=anchor_of(form, pair, at))
        for at, (pair, (_, form, _)) in enumerate(zip(pairs, drawn, strict=True))
        if form != "left free"
    ]
    with batches_of(largest):
        found = PenaltySum(iter(members), pairs, 0.7, scaled).add_gradients()
        if not members:
            assert found == {"penalty": 0.0, "penalty_gradient_norm": 0.0}
            return
        (penalty, squares), gradients = sums_of_before(members, 0.7, scaled)
    assert found["penalty"].equal(penalty)
    assert found["penalty_gradient_norm"].equal(squares.sqrt())
    for factor, gradient in zip(
        [factor for member in members for factor in (member.pair.a, member.pair.b)],
        gradients,
        strict=True,
    ):
        assert factor.grad.equal(gradient)
