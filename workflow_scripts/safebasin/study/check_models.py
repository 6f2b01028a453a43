"""What types cannot say of checkpoints, pairs, methods and adopted adapters."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.agents import FULL
from safebasin.study.check_counts import check_taken_twice, rows_held
from safebasin.study.check_rows import check_rows_of
from safebasin.study.checkpoints import MixturePart
from safebasin.study.config import Study
from safebasin.study.methods import Asft, SafeLora
from safebasin.study.problems import Problem, known


def check_checkpoints(study: Study) -> Iterator[Problem]:
    """Yield what is wrong with where checkpoints come from."""
    for name, checkpoint in study.checkpoints.items():
        key = f"checkpoints.{name}"
        yield from known(f"{key}.source", checkpoint.source, study.sources)
        if checkpoint.align is None:
            continue
        yield from known(f"{key}.align.base", checkpoint.align.base, study.checkpoints)
        if checkpoint.align.training.seed is None:
            cure = "an alignment needs a seed of its own"
            yield Problem(key=f"{key}.align.training.seed", value=None, cure=cure)
        told = f"{key}.align.demonstrations"
        yield from known(told, checkpoint.align.demonstrations, study.demonstrations)
        for index, part in enumerate(checkpoint.align.rows):
            yield from _check_part(study, part, f"{key}.align.rows.{index}")
        taken = [(part.split, part.part, part.corpus) for part in checkpoint.align.rows]
        yield from check_taken_twice(taken, f"{key}.align.rows")
        yield from _check_lineage(study, name)


def _check_lineage(study: Study, name: str) -> Iterator[Problem]:
    seen = [name]
    while (checkpoint := study.checkpoints.get(seen[-1])) and checkpoint.align:
        base = checkpoint.align.base
        if base in seen:
            key = f"checkpoints.{name}.align.base"
            cure = f"it descends from itself: {' -> '.join([*seen, base])}"
            yield Problem(key=key, value=base, cure=cure)
            return
        seen.append(base)


def _check_part(study: Study, part: MixturePart, key: str) -> Iterator[Problem]:
    yield from check_rows_of(study, part.split, part.part, part.corpus, key)
    held = rows_held(study, part.split, part.part, part.corpus)
    if held is not None and part.rows > held:
        cure = f"the split {part.split} holds only {held} such rows"
        yield Problem(key=f"{key}.rows", value=part.rows, cure=cure)


def check_pairs(study: Study) -> Iterator[Problem]:
    """Yield checkpoints of pairs that do not exist."""
    for name, pair in study.pairs.items():
        yield from known(f"pairs.{name}.aligned", pair.aligned, study.checkpoints)
        yield from known(f"pairs.{name}.base", pair.base, study.checkpoints)


def check_ends(study: Study) -> Iterator[Problem]:
    """Yield pairs of one checkpoint with itself."""
    for name, pair in study.pairs.items():
        if pair.base == pair.aligned:
            cure = "aligned and base are the same checkpoint: there is no direction"
            yield Problem(key=f"pairs.{name}.base", value=pair.base, cure=cure)


def check_adapters(study: Study) -> Iterator[Problem]:
    """Yield names under adopted adapters that do not exist."""
    for name, adopted in study.adapters.items():
        yield from known(f"adapters.{name}.source", adopted.source, study.sources)
        yield from known(f"adapters.{name}.pair", adopted.pair, study.pairs)
        yield from known(f"adapters.{name}.task", adopted.task, study.tasks)
        if name in ("base", "aligned"):
            cure = "so the untouched checkpoints are called; give the adapter another name"
            yield Problem(key=f"adapters.{name}", value=name, cure=cure)
        pair = study.pairs.get(adopted.pair)
        if pair and pair.base and study.lora is None:
            cure = (
                f"the adapter {name} is measured along the direction of the pair {adopted.pair}, "
                "in the layers that `lora: {targets: […]}` names; give the adapter's, or take a "
                "pair without a base"
            )
            yield Problem(key="lora", value=None, cure=cure)


def check_methods(study: Study) -> Iterator[Problem]:
    """Yield settings of methods that do not go together."""
    for name, method in study.methods.items():
        key = f"methods.{name}"
        if name == FULL:
            cure = "an agent's tuning takes the word for full fine-tuning; use another name"
            yield Problem(key=key, value=name, cure=cure)
        if isinstance(method, Asft) and (method.projector == "spectral") != bool(method.rank):
            cure = "rank is needed by the projector spectral, and by no other"
            yield Problem(key=f"{key}.rank", value=method.rank, cure=cure)
        if isinstance(method, SafeLora):
            yield from known(f"{key}.of", method.of, study.methods)
            trained = study.methods.get(method.of)
            if isinstance(trained, SafeLora):
                cure = "name a method that trains an adapter"
                yield Problem(key=f"{key}.of", value=method.of, cure=cure)
            elif trained and len(trained.strengths()) > 1:
                cure = f"it has the settings {trained.strengths()}; name a method with a single one"
                yield Problem(key=f"{key}.of", value=method.of, cure=cure)
            if (method.threshold is None) == (method.matrices is None):
                cure = "give exactly one of threshold and matrices"
                yield Problem(key=f"{key}.threshold", value=method.threshold, cure=cure)
