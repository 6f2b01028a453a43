"""Ask for everything that can be known before the first job, and list what is wrong.

Lock entries, gates and tokens, revisions, disk space, pairs, architectures, targets, chat
templates, GPU memory, the sandbox. Nothing is written; small files (config.json) are read from the
hub where need be.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.machine import GIGABYTE, GPU_GB, gigabytes
from safebasin.preflight.checks import find_all
from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.gpus import Gpus, gpus_here
from safebasin.preflight.machine import gpus_asked

EXAMPLE = "safebasin preflight --configfile studies/asft-llama2-7b.yaml --gpu-gb 80"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser, compare_folders=True)
    parser.add_argument(
        "--gpu-gb",
        metavar="GB",
        help="memory of one GPU where the study will run, as `gpu_gb` of the profile "
        f"(default: of those visible here, else {GPU_GB:g})",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Print every problem with its cure; exit code 1 where there is one."""
    workflow = workflow_of(options)
    site = Site(workflow=workflow, gpus=_gpus(options.gpu_gb or options.settings.get("gpu_gb")))
    findings = find_all(site)
    if options.json:
        print(json.dumps([asdict(each) for each in findings], indent=1))
    else:
        _print(findings, site)
    return 1 if findings else 0


def _gpus(told: str | None) -> Gpus:
    if told is None:
        return gpus_here() or Gpus()
    return Gpus(bytes_each=GIGABYTE * gigabytes(told, "--gpu-gb"))


def _print(findings: list[Finding], site: Site) -> None:
    study, jobs = site.workflow.study.study, len(site.left())
    asked = gpus_asked(site)
    if asked:
        print(f"GPU memory: {site.gpus}")
    for node, count in asked:
        if count > 1:
            print(f"  {node.rule} asks for {count} GPUs a job")
    if not findings:
        print(f"{study}: nothing stands in the way of its {jobs} jobs")
        return
    print(f"{study}: {len(findings)} in the way of its {jobs} jobs")
    for each in findings:
        print(f"  {each.check}: {each.what}\n    cure: {each.cure}")
