"""What types cannot say: every name refers to something, every method has its control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from safebasin.study.check_agents import check_agents, check_demonstrations, check_searches
from safebasin.study.check_alike import check_alike_models, check_alike_runs
from safebasin.study.check_counts import check_poison_counts, check_sizes
from safebasin.study.check_evaluation import (
    check_choice,
    check_contrast,
    check_eval_sets,
    check_judges,
    check_prompts,
)
from safebasin.study.check_extent import check_extent, check_fractions
from safebasin.study.check_grid import (
    check_controls,
    check_directions,
    check_grid_names,
    check_harm,
    check_work,
)
from safebasin.study.check_labels import check_checkpoint_labels, check_labels, check_row_labels
from safebasin.study.check_layers import check_layers
from safebasin.study.check_models import (
    check_adapters,
    check_checkpoints,
    check_ends,
    check_methods,
    check_pairs,
)
from safebasin.study.check_plugins import check_plugins
from safebasin.study.check_rows import check_corpora, check_poison, check_splits, check_tasks
from safebasin.study.check_runs import check_choosing, check_comparing, check_projected
from safebasin.study.check_targets import check_targets
from safebasin.study.config import Study
from safebasin.study.problems import Problem

CHECKS: Mapping[Callable[[Study], Iterator[Problem]], tuple[str, ...]] = {
    check_checkpoints: ("checkpoints", "demonstrations", "sources", "splits"),
    check_pairs: ("checkpoints", "pairs"),
    check_ends: ("pairs",),
    check_targets: ("agents", "checkpoints", "grid", "lora", "pairs"),
    check_layers: ("agents", "checkpoints"),
    check_extent: ("agents", "grid", "guards", "methods"),
    check_fractions: ("grid",),
    check_adapters: ("adapters", "lora", "pairs", "sources", "tasks"),
    check_corpora: ("corpora", "sources"),
    check_splits: ("corpora", "splits"),
    check_tasks: ("poison", "splits", "tasks"),
    check_poison: ("poison", "tasks", "training"),
    check_methods: ("methods",),
    check_plugins: ("guards", "judges", "methods"),
    check_judges: ("corpora", "judges"),
    check_labels: ("judges",),
    check_checkpoint_labels: ("checkpoints",),
    check_row_labels: ("corpora", "eval_sets", "judges", "prompts", "splits"),
    check_prompts: ("judges", "prompts", "splits", "tasks"),
    check_eval_sets: ("eval_sets", "judges", "prompts", "splits"),
    check_choice: ("choice", "contrast", "eval_sets"),
    check_contrast: ("contrast", "eval_sets", "methods"),
    check_demonstrations: ("demonstrations", "worlds"),
    check_searches: ("checkpoints", "searches", "sources"),
    check_agents: (
        *("agents", "checkpoints", "controls", "demonstrations", "guards", "lora", "methods"),
        *("pairs", "searches", "worlds"),
    ),
    check_work: (
        *("adapters", "agents", "eval_sets", "grid", "lora", "pairs", "prompts", "training"),
    ),
    check_grid_names: ("grid", "methods", "pairs", "tasks"),
    check_harm: ("grid", "poison"),
    check_directions: ("grid", "methods", "pairs"),
    check_sizes: ("grid", "poison", "splits", "tasks"),
    check_controls: ("controls", "grid", "methods"),
    check_projected: ("methods",),
    check_poison_counts: ("grid", "poison", "splits", "tasks"),
    check_choosing: ("choice", "eval_sets", "grid", "methods", "prompts"),
    check_comparing: ("contrast", "eval_sets", "grid", "methods", "prompts"),
    check_alike_runs: ("grid", "methods"),
    check_alike_models: ("adapters", "agents", "guards", "prompts"),
}
"""What is looked for, with the sections of the study that it depends on."""


def check_references(study: Study) -> list[Problem]:
    """Return every problem of a study whose types are right."""
    return [problem for check in CHECKS for problem in check(study)]
