"""Planning what is measured: responses, verdicts, the evaluation, the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from safebasin.study.agents import Agent
from safebasin.study.base import part_of
from safebasin.study.cell import Cell
from safebasin.study.check_alike import UNTOUCHED
from safebasin.study.config import Prompts, Study
from safebasin.study.graph import Node
from safebasin.study.methods import Asft
from safebasin.study.orders import labels_in_order
from safebasin.study.plan import Builder
from safebasin.study.plan_agents import plan_agents, refusal_ends
from safebasin.study.plan_probe import plan_probes
from safebasin.study.plan_runs import plan_cells, unique_cells


def add_runs(builder: Builder) -> tuple[str, str, dict[str, str]]:
    """Plan every run; return the digests of report and evaluation, and what results link to."""
    answered = [_answered(builder, cell) for cell in plan_cells(builder)]
    cells = unique_cells([*answered, *plan_agents(builder)])
    evaluation = _evaluate(builder, cells)
    report = _render(builder, cells, evaluation)
    links = {f"adapters/{cell.name}": cell.adapter.digest for cell in cells if cell.adapter}
    return report.digest, evaluation.digest, links


def _answered(builder: Builder, cell: Cell) -> Cell:
    """Have the cell's model answer every set of prompts, and have the answers judged."""
    responses, verdicts = {}, {}
    for name, prompts in sorted(builder.study.prompts.items()):
        if prompts.task not in (None, cell.task):
            continue
        responses[name] = _generate(builder, cell, name, prompts)
        verdicts[name] = _judge(
            builder, prompts.judge, f"{name}/{cell.name}", {"responses": responses[name]}
        )
    return replace(cell, responses=responses, verdicts=verdicts)


def _generate(builder: Builder, cell: Cell, name: str, prompts: Prompts) -> Node:
    generation = builder.study.generation
    inputs = {"checkpoint": cell.checkpoint, "prompts": builder.split(prompts.split)}
    if cell.adapter:
        inputs["adapter"] = cell.adapter
    corpora = prompts.corpora or builder.study.splits[prompts.split].corpora
    return builder.add(
        "generate_responses",
        f"responses/{name}/{cell.name}",
        {
            "parts": sorted(prompts.parts),
            "corpora": sorted(corpora),
            "text_template": prompts.text_template,
            "max_new_tokens": prompts.max_new_tokens,
            "batch_size": generation.batch_size,
            "precision": generation.precision,
        },
        inputs,
        parameters=builder.parameters(cell.checkpoint_name),
        work=_prompt_count(builder, prompts),
    )


def _prompt_count(builder: Builder, prompts: Prompts) -> int:
    """Return about how many prompts there are; a share that is no number counts 300."""
    shares = builder.study.splits[prompts.split].parts
    wanted = [shares.get(part, {}) for part in prompts.parts]
    return sum(
        share if isinstance(share, int) else 300
        for part in wanted
        for corpus, share in part.items()
        if prompts.corpora is None or corpus in prompts.corpora
    )


def _judge(builder: Builder, judge_name: str, name: str, inputs: Mapping[str, Node]) -> Node:
    judge = builder.study.judges[judge_name]
    params = judge.model_dump(include={"type", "params", "files"})
    params["labels"] = labels_in_order(judge.labels) if judge.labels else None
    return builder.add(
        "judge_responses", f"verdicts/{name}", {"judge": params}, inputs, part=part_of(judge)
    )


def _evaluate(builder: Builder, cells: list[Cell]) -> Node:
    study = builder.study
    inputs: dict[str, Node] = {}
    roles: dict[str, str] = {}

    def enter(role: str, node: Node) -> str:
        if node.digest not in roles:
            roles[node.digest] = f"{role[0]}{len(roles):04d}"
            inputs[f"{role}.{roles[node.digest]}"] = node
        return roles[node.digest]

    for cell in cells:
        for node in cell.verdicts.values():
            enter("verdicts", node)
        if cell.measure:
            enter("measure", cell.measure)
        if cell.prefix:
            enter("prefix", cell.prefix)
    asked = {name for cell in cells for name in cell.responses}
    calibrated = _calibrated(study, asked)
    judges = {study.prompts[name].judge for name in asked}
    calibrations = {
        name: enter(
            "verdicts",
            _judge(
                builder, name, f"calibration/{name}", {"corpus": builder.corpus(judge.calibration)}
            ),
        )
        for name, judge in sorted(study.judges.items())
        if judge.calibration and name in judges
    }
    return builder.add(
        "evaluate_study",
        "evaluation",
        {
            "study": study.study,
            "cells": [cell.described(roles) for cell in cells],
            "eval_sets": [
                {
                    "name": name,
                    "verdicts": config.prompts,
                    "corpora": config.corpora,
                    "part": config.part,
                    "categories": config.categories,
                    "metrics": config.metrics,
                }
                for name, config in sorted(study.eval_sets.items())
                if config.prompts in asked
            ]
            + [
                each
                for name, agent in sorted(study.agents.items())
                for each in _task_sets(name, agent)
            ],
            "prefixes": _searched(cells, roles),
            "choice": study.choice.model_dump() if study.choice else None,
            "contrast": study.contrast.model_dump() if study.contrast else None,
            "calibration": calibrations.get(calibrated or ""),
        },
        inputs,
    )


def _task_sets(name: str, agent: Agent) -> list[dict[str, object]]:
    """Return the evaluation sets of an agent: its tasks by kind, judged both ways."""
    kinds = [("harmful", "harmful_tasks"), ("benign", "benign_tasks")]
    if agent.tasks.lookalike:
        kinds.append(("lookalike", "benign_tasks"))
    return [
        {
            "name": f"{verdicts}: {kind}",
            "verdicts": verdicts,
            "part": "test",
            "labels": [kind],
            "metrics": metrics,
        }
        for verdicts in (name, refusal_ends(name))
        for kind, metrics in kinds
    ]


def _searched(cells: list[Cell], roles: Mapping[str, str]) -> list[dict[str, object]] | None:
    """Return the cells that put in a search's winner just as the search scored it."""
    found: list[dict[str, object]] = [
        {
            "prefix": roles[cell.prefix.digest],
            "agent": cell.name,
            "guard": cell.guard,
            "search_seed": cell.scored_by,
        }
        for cell in cells
        if cell.prefix and cell.scored_by is not None
    ]
    return found or None


def _method_kinds(study: Study, cells: list[Cell]) -> dict[str, dict[str, object]]:
    """Return what each method is, for whoever tells of it by the study's name for it."""
    used = dict.fromkeys(cell.method for cell in cells if cell.stage not in UNTOUCHED)
    told = {name: study.methods[name] for name in used if name in study.methods}
    kinds: dict[str, dict[str, object]] = {
        name: method.model_dump(include={"type", "projector", "direction"})
        if isinstance(method, Asft)
        else {"type": method.type}
        for name, method in told.items()
    }
    return kinds | {name: {"type": name} for name in used if name == "full"}


def _calibrated(study: Study, asked: set[str]) -> str | None:
    """Return the judge that is held against people's labels: the first that has some."""
    judges = {study.prompts[name].judge for name in asked}
    with_labels = (name for name in sorted(judges) if study.judges[name].calibration)
    return next(with_labels, None)


def _calibrated_name(study: Study, asked: set[str]) -> str | None:
    """Return what the verdicts of that judge call it."""
    name = _calibrated(study, asked)
    return study.judges[name].type.rsplit(":", 1)[-1] if name else None


def _render(builder: Builder, cells: list[Cell], evaluation: Node) -> Node:
    study = builder.study
    inputs: dict[str, Node] = {"evaluation": evaluation}
    adapters, directions, splits = {}, {}, {}
    for index, cell in enumerate(cell for cell in cells if cell.adapter):
        assert cell.adapter is not None
        inputs[f"adapter.a{index:04d}"] = cell.adapter
        adapters[f"a{index:04d}"] = cell.name
    for index, node in enumerate(
        node for node in builder.nodes.values() if node.rule == "extract_direction"
    ):
        inputs[f"direction.d{index:04d}"] = node
        directions[f"d{index:04d}"] = node.name.removeprefix("direction/")
    asked = {name for cell in cells for name in cell.responses}
    for name in sorted({study.prompts[each].split for each in asked}):
        inputs[f"split.{name}"] = builder.split(name)
        splits[name] = name
    samples = {}
    answered = [(cell, name, node) for cell in cells for name, node in cell.responses.items()]
    for index, (owner, name, node) in enumerate(answered):
        inputs[f"responses.r{index:04d}"] = node
        samples[f"r{index:04d}"] = f"{_shown(study, owner)}: {name}"
    episodes, prefixes = {}, {}
    for index, cell in enumerate(cell for cell in cells if cell.episodes):
        assert cell.episodes is not None
        inputs[f"episodes.e{index:04d}"] = cell.episodes
        episodes[f"e{index:04d}"] = _shown(study, cell)
    searches = {cell.prefix.digest: cell.prefix for cell in cells if cell.prefix}
    for index, node in enumerate(searches.values()):
        inputs[f"prefix.p{index:04d}"] = node
        prefixes[f"p{index:04d}"] = node.name.removeprefix("prefix/")
    probes = {}
    for index, (name, node) in enumerate(plan_probes(builder, cells).items()):
        inputs[f"probe.b{index:04d}"] = node
        probes[f"b{index:04d}"] = name
    return builder.add(
        "render_report",
        "report",
        {
            "study": study.study,
            "title": study.title or study.study,
            "description": study.description,
            "meaningless": study.meaningless,
            "adapters": adapters,
            "directions": directions,
            "splits": splits,
            "samples": samples,
            "episodes": episodes or None,
            "prefixes": prefixes or None,
            "probes": probes or None,
            "methods": _method_kinds(study, cells) or None,
            "calibrated": _calibrated_name(study, asked),
            "labels": _labels(study, cells) or None,
            "called": _called(study, cells) or None,
        },
        inputs,
    )


def _label(study: Study, cell: Cell) -> str | None:
    """Return what people call the checkpoint of an untouched cell."""
    return study.checkpoints[cell.checkpoint_name].label if cell.is_untouched else None


def _labels(study: Study, cells: list[Cell]) -> dict[str, str]:
    """Return the digest of each untouched checkpoint to what people call it."""
    told = ((cell.checkpoint.digest, _label(study, cell)) for cell in cells)
    return {digest: label for digest, label in told if label}


def _called(study: Study, cells: list[Cell]) -> dict[str, str]:
    """Return what is shown for an agent's checkpoint where a pair's name is looked for.

    A label that two of them share does not tell them apart, so their names stay.
    """
    told = {
        cell.pair: label
        for cell in cells
        if cell.pair not in study.pairs and (label := _label(study, cell))
    }
    labels = list(told.values())
    return {name: label for name, label in told.items() if labels.count(label) == 1}


def _shown(study: Study, cell: Cell) -> str:
    """Return a cell's name with what people call its checkpoint."""
    label = _label(study, cell)
    return f"{cell.name} ({label})" if label else cell.name
