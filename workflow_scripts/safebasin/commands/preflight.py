"""Ask for everything that can be known before the first job, and list what is wrong.

Lock entries, gates and tokens, revisions, disk space, pairs, chat templates, GPU memory, the
sandbox. Nothing is written; small files (config.json) are read from the hub where need be.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.preflight.checks import find_all
from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.machine import visible_gpu_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Print every problem with its cure; exit code 1 where there is one."""
    workflow = workflow_of(options)
    site = Site(workflow=workflow, gpu_bytes=visible_gpu_bytes())
    findings = find_all(site)
    if options.json:
        print(json.dumps([asdict(each) for each in findings], indent=1))
    else:
        _print(findings, workflow.study.study, len(site.left()), site.gpu_bytes is None)
    return 1 if findings else 0


def _print(findings: list[Finding], study: str, jobs: int, no_gpu: bool) -> None:
    if no_gpu:
        print("no GPU is visible here: memory was not compared")
    if not findings:
        print(f"{study}: nothing stands in the way of its {jobs} jobs")
        return
    print(f"{study}: {len(findings)} in the way of its {jobs} jobs")
    for each in findings:
        print(f"  {each.check}: {each.what}\n    cure: {each.cure}")
