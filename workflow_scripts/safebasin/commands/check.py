"""Check a study: every problem at once, each with its key, its value and its cure."""

from __future__ import annotations

import argparse
from collections import Counter

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.errors import StudyError
from safebasin.preflight.architectures import check_targets_at_hand
from safebasin.preflight.finding import Site
from safebasin.study.unused import unused

EXAMPLE = "safebasin check --configfile studies/smoke.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser, compare_folders=True)


def run(options: argparse.Namespace) -> int:
    """Print how many jobs the study has, and what it declares for none; a wrong study raises.

    Raises:
        StudyError: targets are no layers of a model whose config lies on this machine.
    """
    workflow = workflow_of(options)
    if wrong := check_targets_at_hand(Site(workflow=workflow)):
        raise StudyError("\n".join(each.what for each in wrong))
    missing = set(workflow.missing())
    jobs = Counter(node.rule for node in workflow.graph)
    print(f"{workflow.study.study}: {len(workflow.graph)} artifacts, {len(missing)} to make")
    for rule, count in jobs.items():
        left = sum(node.digest in missing for node in workflow.graph.of_rule(rule))
        print(f"  {rule:<20} {count:>6}, {left} to make")
    for node in workflow.graph:
        if node.unlocked:
            where = f"{node.origin['hub']}, {node.origin['branch']}"
            print(f"  {node.name} is not locked yet, so nothing runs: {where} (`safebasin lock`)")
    if idle := unused(workflow.study):
        print("declared, but nothing uses it:")
    for section, names in idle.items():
        print(f"  {section}{': ' if names else ''}{', '.join(names)}")
    return 0
