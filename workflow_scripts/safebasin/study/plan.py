"""From a study to the graph of specs: a pure function of config, pins and code identities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from safebasin.store.canonical import Json
from safebasin.store.kinds import RULES
from safebasin.store.spec import Spec
from safebasin.study.base import part_of
from safebasin.study.checkpoints import Alignment, Checkpoint, MixturePart
from safebasin.study.config import Study
from safebasin.study.graph import Graph, Node
from safebasin.study.problems import needed
from safebasin.study.split_names import drawn_names, rows_in_order
from safebasin.study.training import Lora, Training

RANDOM_DIRECTION_SEED = 0

Codes = Callable[[str, str | None], str]
"""(step, part) to the code identity that enters the spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What is known of a source: its files, or that nobody has locked it yet."""

    origin: Mapping[str, str]
    files: tuple[tuple[str, str, int], ...] = ()
    """(name, SHA-256, bytes)."""

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(size for _, _, size in self.files)


def plan(study: Study, pins: Mapping[str, Pinned], codes: Codes) -> Graph:
    """Return the graph of everything that ``study`` needs.

    Args:
        study: a validated study.
        pins: source name to what the lock knows of it.
        codes: the code identity of a step, with the part that plugs into it.
    """
    from safebasin.study.plan_evaluation import add_runs

    builder = Builder(study=study, pins=pins, codes=codes)
    target, evaluation, links = add_runs(builder)
    return Graph(nodes=builder.nodes, target=target, evaluation=evaluation, links=links)


@dataclass(slots=True, kw_only=True)
class Builder:
    """Adds nodes; asking twice for one thing gives one node."""

    study: Study
    pins: Mapping[str, Pinned]
    codes: Codes
    nodes: dict[str, Node] = field(default_factory=dict)
    _known: dict[tuple[str, ...], Node] = field(default_factory=dict)

    def add(
        self,
        rule: str,
        name: str,
        params: Mapping[str, object],
        inputs: Mapping[str, Node] | None = None,
        *,
        part: str | None = None,
        parameters: int = 0,
        work: int = 0,
    ) -> Node:
        """Add one job and return its node; an equal spec that is there already is returned."""
        spec = Spec(
            kind=RULES[rule].kind,
            code=self.codes(rule, part),
            params=cast("Mapping[str, Json]", _without_nulls(params)),
            inputs={role: node.digest for role, node in (inputs or {}).items()},
        )
        digest = spec.digest
        if digest not in self.nodes:
            self.nodes[digest] = Node(
                rule=rule,
                name=name,
                spec=spec,
                digest=digest,
                parameters=parameters,
                work=work,
            )
        return self.nodes[digest]

    def source(self, name: str) -> Node:
        """Return the node that fetches a source."""
        pinned = self.pins[name]
        params: dict[str, Json] = (
            {
                "files": [
                    {"name": file, "sha256": sha256, "size": size}
                    for file, sha256, size in pinned.files
                ]
            }
            if pinned.files
            else {"unlocked": dict(pinned.origin)}
        )
        spec = Spec(kind="source", params=params)
        node = Node(
            rule="fetch_source",
            name=f"source/{name}",
            spec=spec,
            digest=spec.digest,
            origin=pinned.origin,
            unlocked=not pinned.files,
        )
        return self.nodes.setdefault(spec.digest, node)

    def checkpoint(self, name: str) -> Node:
        """Return the node that makes a checkpoint."""
        if known := self._known.get(("checkpoint", name)):
            return known
        config = self.study.checkpoints[name]
        node = self._align(name) if config.align else self._convert(name, config)
        return self._known.setdefault(("checkpoint", name), node)

    def corpus(self, name: str) -> Node:
        """Return the node that reads a corpus."""
        config = self.study.corpora[name]
        inputs = {"source": self.source(config.source)} if config.source else {}
        return self.add(
            "read_corpus",
            f"corpus/{name}",
            {"reader": config.reader.model_dump(), "harmful": config.harmful},
            inputs,
            part=part_of(config.reader),
        )

    def split(self, name: str) -> Node:
        """Return the node that splits corpora."""
        if known := self._known.get(("split", name)):
            return known
        config = self.study.splits[name]
        node = self.add(
            "split_corpus",
            f"split/{name}",
            {
                "similarity": config.similarity,
                "seed": config.seed,
                "parts": {part: dict(shares) for part, shares in config.parts.items()},
            },
            {f"corpus.{corpus}": self.corpus(corpus) for corpus in config.corpora},
        )
        return self._known.setdefault(("split", name), node)

    def mixture(
        self, name: str, parts: Sequence[MixturePart], seed: int, first: str | None = None
    ) -> Node:
        """Return the node that mixes rows out of splits, those of the source ``first`` first."""
        called = drawn_names(self.study, (part.split for part in parts))
        return self.add(
            "mix_corpora",
            f"mixture/{name}",
            {
                "parts": [part.model_dump() | {"split": called[part.split]} for part in parts],
                "seed": seed,
                "first": first,
            },
            {f"split.{told}": self.split(split) for split, told in called.items()},
        )

    def direction(self, pair_name: str, *, seed: int | None = None) -> Node:
        """Return the node that extracts a pair's direction, or a random one of its spectrum."""
        pair, config = self.study.pairs[pair_name], self.study.direction
        lora = needed(self.study.lora, "lora", f"the direction of the pair {pair_name}")
        base = needed(pair.base, f"pairs.{pair_name}.base", "its direction")
        aligned = self.checkpoint(pair.aligned)
        surrogate = None if seed is None else {"type": "random_spectrum", "seed": seed}
        return self.add(
            "extract_direction",
            f"direction/{pair_name}" + ("" if seed is None else f"/random-s{seed}"),
            {
                "targets": list(lora.targets),
                "top": config.top,
                "dtype": config.dtype,
                "zero": config.zero,
                "surrogate": surrogate,
            },
            {"aligned": aligned, "base": self.checkpoint(base)},
            parameters=self.parameters(pair.aligned),
        )

    def parameters(self, name: str | None) -> int:
        """Return about how many parameters a checkpoint has, for memory requests."""
        config = self.study.checkpoints[name] if name else None
        if config is None:
            return 0
        if config.parameters:
            return config.parameters
        if config.align:
            return self.parameters(config.align.base)
        if config.tiny:
            return 12 * config.tiny.layers * config.tiny.hidden**2
        pinned = self.pins.get(config.source) if config.source else None
        size = pinned.size if pinned else 0
        # 4-bit weights take about 0.7 bytes each with their scales, safetensors mostly 2
        return int(size / 0.7) if config.format == "gguf" else size // 2

    def _convert(self, name: str, config: Checkpoint) -> Node:
        params: dict[str, object] = {"dtype": config.stored_dtype, "file": config.file}
        inputs = {}
        if config.tiny:
            params |= {"format": "tiny_llama", "tiny": config.tiny.model_dump()}
        else:
            params |= {"format": config.format, "chat": config.chat.as_json()}
            params |= {"chat_template_name": config.chat_template_name}
            inputs = {"source": self.source(cast("str", config.source))}
        if config.chat_template is not None:
            params["chat_template"] = config.chat_template
        size = self.parameters(name)
        return self.add("convert_checkpoint", f"checkpoint/{name}", params, inputs, parameters=size)

    def _align(self, name: str) -> Node:
        config = self.study.checkpoints[name].align
        assert config is not None
        rows = self._alignment_rows(name, config)
        return self.add(
            "align_checkpoint",
            f"checkpoint/{name}",
            {
                "training": training_params(config.training, config.training.seed or 0),
                "targets": list(config.targets),
                "layers": config.layers,
            },
            {"base": self.checkpoint(config.base), "mixture": rows},
            parameters=self.parameters(name),
            work=config.training.steps * config.training.batch_size,
        )

    def _alignment_rows(self, name: str, config: Alignment) -> Node:
        if config.demonstrations is None:
            return self.mixture(
                f"align/{name}", rows_in_order(self.study, config.rows), config.seed
            )
        from safebasin.study.plan_agents import demonstrations

        return demonstrations(self, config.demonstrations, config.seed)


def training_params(training: Training, seed: int) -> dict[str, object]:
    """Return a run's params: the micro-batch is always named, order and padding if not usual."""
    return training.model_dump() | {
        "seed": seed,
        "micro_batch": training.micro_batch or training.batch_size,
        "order": None if training.order == "shuffled" else training.order,
        "padding": None if training.padding == "none" else training.padding,
    }


def lora_params(lora: Lora) -> dict[str, object]:
    """Return the params of an adapter."""
    return lora.model_dump() | {"targets": list(lora.targets)}


def _without_nulls(value: object) -> object:
    """Drop keys with null, so that the params a step reads are those that were hashed."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(item) for item in value]
    return value
