"""The arguments by which a command is told its study and its store."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safebasin.machine import machine_of
from safebasin.study.missing_file import CONFIG_SUFFIXES
from safebasin.study.problems import nearest
from safebasin.workflow import DEFAULT_CONFIG, Workflow, open_workflow

_FILES = ("--configfile", "--configfiles")
_LAYERS = (*_FILES, "--config")
_SETTING = re.compile(r"[\w.-]+=")


def add_study(parser: argparse.ArgumentParser, *, compare_folders: bool = False) -> None:
    """Add the study's layers, and ``--store``.

    Args:
        parser: of the command.
        compare_folders: whether the command refuses folders that changed since they were locked.
    """
    parser.set_defaults(compare_folders=compare_folders)
    add_layers(parser)
    add_store(parser)


def add_layers(parser: argparse.ArgumentParser) -> None:
    """Add ``--configfile``, as Snakemake has it, and ``--config``."""
    parser.add_argument(
        *_FILES,
        dest="config",
        metavar="FILE",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="the study's YAML layers, later ones win (default: config.yaml)",
    )
    parser.add_argument(
        "--config",
        dest="settings",
        metavar="KEY=VALUE",
        nargs="+",
        action=_Config,
        default={},
        help="settings of the machine, as Snakemake's: store=…; a file is a layer here too",
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add ``--store``."""
    parser.add_argument("--store", type=Path, help="the store (default: $SAFEBASIN_STORE or store)")


def layers_of(options: argparse.Namespace) -> list[Path]:
    """Return the files of the study's layers.

    Raises:
        StudyError: ``--config`` says what is no setting of a machine.
    """
    machine_of(options.settings)
    return list(options.config) or [DEFAULT_CONFIG]


def workflow_of(options: argparse.Namespace) -> Workflow:
    """Return the planned study."""
    store = options.store or machine_of(options.settings).store
    return open_workflow(layers_of(options), store=store, compare_folders=options.compare_folders)


class CommandParser(argparse.ArgumentParser):
    """Reads a command's arguments; a name may stand behind the layers too."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse, with names put before the layers where the command takes any."""
        told = list(sys.argv[1:] if args is None else args)
        takes_names = bool(self._get_positional_actions())
        return super().parse_known_args(names_first(told) if takes_names else told, namespace)


def unknown_argument(parser: argparse.ArgumentParser, command: str, left: Sequence[str]) -> str:
    """Return what to say of arguments that a command does not take, by the first of them."""
    first = left[0]
    flags = sorted(flag for flag in parser._option_string_actions if flag.startswith("--"))
    if first.startswith("-"):
        flag = first.partition("=")[0]
        near = nearest(flag, flags)
        hint = f"did you mean {near}?" if near else f"it takes {', '.join(flags)}"
        return f"{command} takes no {flag}; {hint}"
    if _FILES[0] in flags and first.endswith(CONFIG_SUFFIXES):
        return f"{command} takes no {first!r} by itself; the files of a study follow {_FILES[0]}"
    return f"{command} takes no {first!r}; `safebasin {command} --help` shows what it takes"


def names_first(told: Sequence[str]) -> list[str]:
    """Return the arguments with what stands behind a layer, and is none, put first.

    ``--configfile`` takes all that follows, so that ``explain --configfile FILE NAME`` would have
    no name.
    """
    names: list[str] = []
    rest: list[str] = []
    layers = -1  # below 0 outside a list of layers
    for each in told:
        if each.startswith("-"):
            layers = 0 if each in _LAYERS else -1
        elif layers > 0 and not _is_layer(each):
            names.append(each)
            continue
        elif layers >= 0:
            layers += 1
        rest.append(each)
    return [*names, *rest]


def _is_layer(word: str) -> bool:
    return word.endswith(CONFIG_SUFFIXES) or bool(_SETTING.match(word)) or Path(word).is_file()


class _Config(argparse.Action):
    """Takes settings as Snakemake's ``--config`` does, and files as layers."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        for value in values:
            if _SETTING.match(value) and not Path(value).is_file():
                key, _, said = value.partition("=")
                namespace.settings = {**namespace.settings, key: said}
            else:
                namespace.config = [*namespace.config, Path(value)]
