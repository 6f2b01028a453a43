"""What types cannot say: every name refers to something, every method has its control."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.check_agents import check_agents
from safebasin.study.checkpoints import MixturePart
from safebasin.study.config import Block, EvalSet, Split, Study
from safebasin.study.methods import Asft, Ridge, SafeLora
from safebasin.study.problems import Problem, known

JUDGES = ("phrases", "label")


def check_references(study: Study) -> list[Problem]:
    """Return every problem of a study whose types are right."""
    return [
        *_check_models(study),
        *_check_rows(study),
        *_check_methods(study),
        *_check_evaluation(study),
        *_check_choices(study),
        *check_agents(study),
        *(
            problem
            for index, block in enumerate(study.grid)
            for problem in _check_block(study, block, f"grid.{index}")
        ),
    ]


def _check_models(study: Study) -> Iterator[Problem]:
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
        yield from _check_lineage(study, name)
    for name, pair in study.pairs.items():
        yield from known(f"pairs.{name}.aligned", pair.aligned, study.checkpoints)
        yield from known(f"pairs.{name}.base", pair.base, study.checkpoints)
        if pair.base == pair.aligned:
            cure = "aligned and base are the same checkpoint: there is no direction"
            yield Problem(key=f"pairs.{name}.base", value=pair.base, cure=cure)
    for name, adopted in study.adapters.items():
        yield from known(f"adapters.{name}.source", adopted.source, study.sources)
        yield from known(f"adapters.{name}.pair", adopted.pair, study.pairs)
        yield from known(f"adapters.{name}.task", adopted.task, study.tasks)


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


def _check_rows(study: Study) -> Iterator[Problem]:
    for name, corpus in study.corpora.items():
        yield from known(f"corpora.{name}.source", corpus.source, study.sources)
        if corpus.source is None and corpus.reader.needs_source:
            cure = f"a reader of type {corpus.reader.type} needs a source to read"
            yield Problem(key=f"corpora.{name}.source", value=None, cure=cure)
    for name, split in study.splits.items():
        yield from _check_split(study, name, split)
    for name, task in study.tasks.items():
        yield from _check_rows_of(study, task.split, task.part, task.corpus, f"tasks.{name}")
    if poison := study.poison:
        yield from _check_rows_of(study, poison.split, poison.part, poison.corpus, "poison")
    yield from _check_poison(study)


def _check_poison(study: Study) -> Iterator[Problem]:
    overrides = {f"tasks.{name}.poison": task.poison for name, task in study.tasks.items()}
    for key, override in overrides.items():
        if override and study.poison is None:
            yield Problem(key=key, value=None, cure="the study has no `poison` to change")
    shuffled = study.training is not None and study.training.order == "shuffled"
    for key, told in ({"poison": study.poison} | overrides).items():
        if shuffled and told and told.place == "first":
            cure = "shuffling undoes it: say `training.order: file`, or leave it out"
            yield Problem(key=f"{key}.place", value="first", cure=cure)


def _check_split(study: Study, name: str, split: Split) -> Iterator[Problem]:
    for corpus in split.corpora:
        yield from known(f"splits.{name}.corpora", corpus, study.corpora)
    for part, shares in split.parts.items():
        for corpus in shares:
            yield from known(f"splits.{name}.parts.{part}", corpus, split.corpora)


def _check_part(study: Study, part: MixturePart, key: str) -> Iterator[Problem]:
    yield from _check_rows_of(study, part.split, part.part, part.corpus, key)
    split = study.splits.get(part.split)
    share = split.parts.get(part.part, {}).get(part.corpus or "") if split else None
    if isinstance(share, int) and part.rows > share:
        cure = f"the split {part.split} holds only {share} such rows"
        yield Problem(key=f"{key}.rows", value=part.rows, cure=cure)


def _check_rows_of(
    study: Study, split_name: str, part: str, corpus: str | None, key: str
) -> Iterator[Problem]:
    yield from known(f"{key}.split", split_name, study.splits)
    split = study.splits.get(split_name)
    if split is None:
        return
    yield from known(f"{key}.part", part, split.parts)
    yield from known(f"{key}.corpus", corpus, split.parts.get(part, {}))  # type: ignore[call-overload]


def _check_methods(study: Study) -> Iterator[Problem]:
    for name, method in study.methods.items():
        key = f"methods.{name}"
        if isinstance(method, Asft) and (method.projector == "spectral") != bool(method.rank):
            cure = "rank is needed by the projector spectral, and by no other"
            yield Problem(key=f"{key}.rank", value=method.rank, cure=cure)
        if isinstance(method, SafeLora):
            yield from known(f"{key}.of", method.of, study.methods)
            if isinstance(study.methods.get(method.of), SafeLora):
                cure = "name a method that trains an adapter"
                yield Problem(key=f"{key}.of", value=method.of, cure=cure)
            if (method.threshold is None) == (method.matrices is None):
                cure = "give exactly one of threshold and matrices"
                yield Problem(key=f"{key}.threshold", value=method.threshold, cure=cure)


def _check_evaluation(study: Study) -> Iterator[Problem]:
    for name, judge in study.judges.items():
        key = f"judges.{name}"
        if ".py:" not in judge.type:
            yield from known(f"{key}.type", judge.type, JUDGES)
        if (judge.type == "label") != (judge.labels is not None):
            cure = "labels are needed by a judge of type label, and by no other"
            yield Problem(key=f"{key}.labels", value=judge.labels, cure=cure)
        yield from known(f"{key}.calibration", judge.calibration, study.corpora)
    for name, prompts in study.prompts.items():
        key = f"prompts.{name}"
        yield from known(f"{key}.judge", prompts.judge, study.judges)
        yield from known(f"{key}.task", prompts.task, study.tasks)
        for part in prompts.parts:
            yield from _check_rows_of(study, prompts.split, part, None, key)
        for corpus in prompts.corpora or ():
            split = study.splits.get(prompts.split)
            yield from known(f"{key}.corpora", corpus, split.corpora if split else ())
    for name, eval_set in study.eval_sets.items():
        yield from _check_eval_set(study, name, eval_set)


def _check_eval_set(study: Study, name: str, eval_set: EvalSet) -> Iterator[Problem]:
    key = f"eval_sets.{name}"
    yield from known(f"{key}.prompts", eval_set.prompts, study.prompts)
    prompts = study.prompts.get(eval_set.prompts)
    if prompts is None:
        return
    yield from known(f"{key}.part", eval_set.part, prompts.parts)
    split = study.splits.get(prompts.split)
    corpora = prompts.corpora or (split.corpora if split else ())
    for corpus in eval_set.corpora or ():
        yield from known(f"{key}.corpora", corpus, corpora)


def _check_choices(study: Study) -> Iterator[Problem]:
    if choice := study.choice:
        for name in (*choice.refusal, choice.accuracy):
            yield from known("choice", name, study.eval_sets)
            chosen = study.eval_sets.get(name)
            if chosen and chosen.part != "dev":
                cure = f"choices are made on the part dev; {name!r} is of the part {chosen.part}"
                yield Problem(key="choice", value=name, cure=cure)
    if contrast := study.contrast:
        for role, name in (("treatment", contrast.treatment), ("control", contrast.control)):
            yield from known(f"contrast.{role}", name, study.methods)
        for name in contrast.eval_sets:
            yield from known("contrast.eval_sets", name, study.eval_sets)
        if study.choice is None:
            cure = "a contrast is taken at the setting that `choice` picks; say how"
            yield Problem(key="choice", value=None, cure=cure)


def _check_block(study: Study, block: Block, key: str) -> Iterator[Problem]:
    for name in block.pairs:
        yield from known(f"{key}.pairs", name, study.pairs)
    for name in block.tasks:
        yield from known(f"{key}.tasks", name, study.tasks)
    for name in block.methods:
        yield from known(f"{key}.methods", name, study.methods)
    if study.poison is None and any(block.harmful_fractions):
        cure = "harmful rows are mixed in, but the study has no `poison`"
        yield Problem(key=f"{key}.harmful_fractions", value=block.harmful_fractions, cure=cure)
    yield from _check_directions(study, block, key)
    yield from _check_sizes(study, block, key)
    if study.controls:
        yield from _check_controls(study, block, key)


def _check_directions(study: Study, block: Block, key: str) -> Iterator[Problem]:
    for method_name in block.methods:
        method = study.methods.get(method_name)
        for pair_name in block.pairs:
            pair = study.pairs.get(pair_name)
            if method and pair and method.needs_direction and pair.base is None:
                cure = f"it needs the alignment direction, and the pair {pair_name} has no base"
                yield Problem(key=f"{key}.methods", value=method_name, cure=cure)


def _check_sizes(study: Study, block: Block, key: str) -> Iterator[Problem]:
    for task_name in block.tasks:
        task = study.tasks.get(task_name)
        split = study.splits.get(task.split) if task else None
        share = split.parts.get(task.part, {}).get(task.corpus or "") if task and split else None
        poison = study.poison_of(task_name) if task else None
        for samples in block.samples:
            harmful = round(samples * min(block.harmful_fractions))
            benign = samples if poison and poison.counts == "besides" else samples - harmful
            if isinstance(share, int) and benign > share:
                cure = f"the task {task_name} has only {share} rows in the part {task.part}"  # type: ignore[union-attr]
                yield Problem(key=f"{key}.samples", value=samples, cure=cure)


def _check_controls(study: Study, block: Block, key: str) -> Iterator[Problem]:
    """An asft without its ridge cannot be told from shrinkage."""
    methods = [study.methods[name] for name in block.methods if name in study.methods]
    controlled = {
        (strength, method.scaled, method.training)
        for method in methods
        if isinstance(method, Ridge)
        for strength in method.strengths()
    }
    for name in block.methods:
        method = study.methods.get(name)
        if not isinstance(method, Asft):
            continue
        missing = [
            strength
            for strength in method.strengths()
            if (strength, method.scaled, method.training) not in controlled
        ]
        if missing:
            told = ", ".join(f"{strength:g}" for strength in missing if strength is not None)
            cure = (
                f"add a ridge at λ = {told} with the same training, or say `controls: false`: "
                "without it the anchor cannot be told from plain shrinkage"
            )
            yield Problem(key=f"{key}.methods", value=name, cure=cure)
