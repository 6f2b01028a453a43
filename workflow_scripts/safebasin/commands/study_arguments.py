"""The arguments by which a command is told its study and its store."""

from __future__ import annotations

import argparse
from pathlib import Path

from safebasin.workflow import Workflow, open_workflow


def add_study(parser: argparse.ArgumentParser, *, compare_folders: bool = False) -> None:
    """Add ``--config`` and ``--store``.

    Args:
        parser: of the command.
        compare_folders: whether the command refuses folders that changed since they were locked.
    """
    parser.set_defaults(compare_folders=compare_folders)
    parser.add_argument(
        "--config",
        type=Path,
        nargs="+",
        default=[],
        help="the study's YAML layers, later ones win (default: config.yaml)",
    )
    add_store(parser)


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add ``--store``."""
    parser.add_argument("--store", type=Path, help="the store (default: $SAFEBASIN_STORE or store)")


def workflow_of(options: argparse.Namespace) -> Workflow:
    """Return the planned study."""
    return open_workflow(
        options.config, store=options.store, compare_folders=options.compare_folders
    )
