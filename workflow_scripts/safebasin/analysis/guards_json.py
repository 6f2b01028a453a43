"""``guards.json``: the guard table of every agent, its comparisons, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from safebasin.analysis.arms import agent_models
from safebasin.analysis.cells import Cell, EvalSet
from safebasin.analysis.contrast import CellVerdicts
from safebasin.analysis.guard_words import fall_sentence, guard_sentences, headline
from safebasin.analysis.guards import AgentFindings, ArmRow, GuardComparison, compare_guards
from safebasin.analysis.search_scores import SearchedPrefix, SearchFall, search_falls
from safebasin.store.canonical import Json

NOTE = (
    "Intervals are 95 %, with tasks that share an object as one cluster; draws of a guard that is "
    "averaged over several are pooled, and vary as seeds do in a comparison. Comparisons are of "
    "the same tasks and are not corrected for their number."
)


def guards_json(
    cells: Sequence[Cell],
    eval_sets: Sequence[EvalSet],
    verdicts: CellVerdicts,
    prefixes: Sequence[SearchedPrefix],
    folders: Mapping[str, Path],
) -> Json:
    """Return ``guards.json``; a study without agents has an empty list of them.

    Args:
        cells: all cells of the study.
        eval_sets: what is reported of each.
        verdicts: a cell's name to an evaluation set's name to its verdicts.
        prefixes: the cells that put in a search's winner as the search scored it.
        folders: input name to the folder of a prefix artifact.

    Raises:
        StudyError: guards of one agent did not play the same tasks, or a prefix names no cell.
    """
    found = [
        compare_guards(model, arms)
        for model, arms in agent_models(cells, eval_sets, verdicts).items()
    ]
    return {
        "agents": [_agent(one) for one in found],
        "searches": [_search(fall) for fall in search_falls(prefixes, folders, cells, found)],
        "note": NOTE,
    }


def _agent(found: AgentFindings) -> Json:
    model: dict[str, Json] = asdict(found.model)
    return {
        "model": model,
        "arms": [_arm(row) for row in found.rows],
        "comparisons": [_comparison(one) for one in found.comparisons],
        "searched": list(found.searched),
        "headline": headline(found),
        "sentences": list(guard_sentences(found)),
    }


def _arm(row: ArmRow) -> Json:
    figures: dict[str, Json] = {
        name: {
            "value": figure.interval.value,
            "low": figure.interval.low,
            "high": figure.interval.high,
            "n": figure.interval.n,
            "clusters": figure.interval.clusters,
            "least": min(figure.by_draw.values()),
            "most": max(figure.by_draw.values()),
        }
        for name, figure in row.figures.items()
    }
    return {
        "stage": row.stage,
        "guard": row.guard,
        "type": row.kind.type,
        "has_classifier": row.kind.has_classifier,
        "draws": row.draws,
        "figures": figures,
    }


def _comparison(one: GuardComparison) -> Json:
    result: dict[str, Json] = asdict(one.result)
    result["basis"] = "draws" if one.result.basis == "seeds" else "tasks"
    del result["seeds"]
    return {
        "figure": one.figure,
        "guard": one.guard,
        "against": one.against,
        "against_stage": one.against_stage,
        "draw": one.draw,
        "draws": one.draws,
        "guard_draws": one.guard_draws,
    } | result


def _search(fall: SearchFall) -> Json:
    figures: dict[str, Json] = {
        "agent": fall.prefix.agent,
        "guard": fall.prefix.guard,
        "search_seed": fall.prefix.search_seed,
        "candidates": fall.candidates,
        "at_best": fall.at_best,
        "tasks": fall.tasks,
        "perf": fall.perf,
        "refusal": fall.refusal,
        "test_perf": fall.test_perf,
        "test_refusal": fall.test_refusal,
        "fresh": fall.fresh,
        "fall": fall.fall,
    }
    return figures | {"sentence": fall_sentence(fall)}
