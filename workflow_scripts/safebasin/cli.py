"""The command line: one subcommand per step, and those for people."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from safebasin.disk_faults import disk_faults_told
from safebasin.errors import RequestError, SafebasinError
from safebasin.stopped import Stopped
from safebasin.store.kinds import RULES

COMMANDS = {
    "check": "check a study and say everything that is wrong with it",
    "show": "list the study's artifacts: name, state, size, time",
    "explain": "show where an artifact comes from, and why it would be made again",
    "preflight": "ask for all that can be known before the first job, and list what is wrong",
    "verify": "hash every file of the store again and name what is damaged",
    "redo": "ask for artifacts to be made again, and what follows where bytes change",
    "code": "show which steps' code changed, or record it",
    "lock": "write commits and hashes of a study's sources to sources.lock.yaml",
    "schema": "print the JSON schema of config.yaml",
    "unlock": "clear the lock of a Snakemake that was killed",
    "scratch": "list what unfinished jobs left in the store, or clear it",
    "results": "link the study's results under readable names",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code.

    Exit codes: 0 well, 1 the study is wrong, 2 the request is wrong, 3 input is damaged, 4 the
    machine lacks something, 5 a defence is off, 130 interrupted, 143 asked to stop.
    """
    told = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with disk_faults_told(Path()):
            code = _run_step(told) if told and told[0] in RULES else _run_command(told)
    except SafebasinError as problem:
        print(f"safebasin: {problem}", file=sys.stderr)
        code = problem.exit_code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _run_command(told: list[str]) -> int:
    from safebasin.commands.study_arguments import CommandParser, unknown_argument

    parser = argparse.ArgumentParser(
        prog="safebasin",
        description="Measure what fine-tuning does to a model's safety. "
        "`snakemake --cores 2` runs the study of config.yaml; these commands look at it.",
        epilog=f"Steps, which Snakemake calls: {', '.join(RULES)}.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=CommandParser
    )
    for name, summary in COMMANDS.items():
        module = importlib.import_module(f"safebasin.commands.{name}")
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            epilog=f"example: {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    if not told:
        parser.print_help()
        return 0
    _refuse_unknown(told[0])
    options, left = parser.parse_known_args(told)
    if left:
        raise RequestError(
            unknown_argument(commands.choices[options.command], options.command, left)
        )
    return int(importlib.import_module(f"safebasin.commands.{options.command}").run(options))


def _refuse_unknown(command: str) -> None:
    """Refuse a command that does not exist; the nearest is named, and all others.

    Raises:
        RequestError: there is no such command.
    """
    from safebasin.study.problems import nearest

    if command in COMMANDS or command.startswith("-"):
        return
    near = nearest(command, (*COMMANDS, *RULES))
    hint = f"did you mean {near!r}? " if near else ""
    raise RequestError(
        f"there is no command {command!r}; {hint}the commands are: {', '.join(COMMANDS)}"
    )


def _run_step(told: list[str]) -> int:
    from safebasin.progress import LineProgress
    from safebasin.run_step import Request, run_step
    from safebasin.spec_text import unpack_spec, unpack_text
    from safebasin.store.store import Store, store_folder

    options = _step_parser(told[0]).parse_args(told[1:])
    signal.signal(signal.SIGTERM, _stop)
    request = Request(
        step=told[0],
        spec=unpack_spec(options.spec),
        store=Store(store_folder(options.store)),
        receipt=options.receipt,
        device=options.device,
        gpus=options.gpus,
        origin=_origin(unpack_text(options.origin)),
        wanted=_wanted(unpack_text(options.wanted)),
        progress=LineProgress(),
    )
    run_step(request)
    return 0


def _stop(*_: object) -> NoReturn:
    raise Stopped("asked to stop (SIGTERM); what was kept so far is taken up by the next try")


def _step_parser(step: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"safebasin {step}", description=f"Make one {RULES[step].kind} (Snakemake calls this)."
    )
    parser.add_argument("--spec", required=True, help="the artifact's spec, canonical JSON")
    parser.add_argument("--receipt", type=Path, help="where to leave the receipt")
    parser.add_argument("--store", type=Path, help="the store (default: $SAFEBASIN_STORE or store)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--gpus", type=int, default=0, help="how many GPUs were granted")
    parser.add_argument("--origin", default="{}", help="where a source is to be had, JSON")
    parser.add_argument("--wanted", default="[]", help="what is taken of the rows, JSON")
    return parser


def _wanted(text: str) -> list[dict[str, object]]:
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise RequestError(f"--wanted is not JSON: {problem}") from None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise RequestError(f"--wanted is not a list of objects: {text}")
    return value


def _origin(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise RequestError(f"--origin is not JSON: {problem}") from None
    if not isinstance(value, dict):
        raise RequestError(f"--origin is not an object: {text}")
    return {str(key): str(item) for key, item in value.items()}
