"""What the rules ask of the plan: receipts by role, specs, names, resources."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from snakemake.common import overwrite_function_params

from safebasin import sizing
from safebasin.commands.results import LINKED
from safebasin.commands.unlock import hold_running
from safebasin.disk_faults import disk_faults_told
from safebasin.errors import DamagedInput, StudyError
from safebasin.machine import Machine, machine_of
from safebasin.reporting.captions import CAPTIONS
from safebasin.spec_text import (
    lay_long_specs,
    lay_long_texts,
    origin_text,
    pack_spec,
    pack_text,
    wanted_text,
)
from safebasin.step_environment import prepare_jobs
from safebasin.store.receipts import lay_receipts, receipt_path
from safebasin.study.graph import Node
from safebasin.study.wanted import wanted_of
from safebasin.workflow import Workflow, open_workflow
from safebasin.working_folder import from_here, refuse_folder

Answer = TypeVar("Answer")
Function = TypeVar("Function", bound=Callable[..., Any])
_SHOWN = 8


class Binding:
    """A planned study, as the rules see it. Nothing here decides anything."""

    def __init__(self, workflow: Workflow, configs: Sequence[Path], machine: Machine) -> None:
        """Bind to ``workflow``, which was loaded from ``configs``, to run on ``machine``."""
        self.workflow = workflow
        self.machine = machine
        self.study = workflow.study.study
        self._configs = [str(path) for path in configs]
        self._nodes = workflow.graph.nodes
        self._directions: dict[str, list[str]] = {}
        for node in workflow.graph.of_rule("extract_direction"):
            aligned = node.spec.inputs["aligned"]
            self._directions.setdefault(aligned, []).append(self._receipt(node.digest))
        self._wanted = wanted_of(workflow.graph)
        self._running: int | None = None
        self._refused: list[str] = []

    def begin(self) -> None:
        """Lay the receipts of what the store holds; only the main process does this."""
        self._running = hold_running(Path.cwd())
        wanted = [(node.kind, node.digest) for node in self.workflow.graph]
        self._refused = lay_receipts(self.workflow.store, wanted, Path.cwd())
        if self._refused:
            print(f"not to be used as they are:\n{self._refused_told()}", file=sys.stderr)
        lay_long_specs((node.spec for node in self.workflow.graph), Path.cwd())
        fetched = self.workflow.graph.of_rule("fetch_source")
        lay_long_texts((origin_text(node.origin) for node in fetched), Path.cwd())
        lay_long_texts(map(wanted_text, self._wanted.values()), Path.cwd())
        if unlocked := self.unlocked():
            print(
                f"not locked yet, so this study only plans (`safebasin lock` changes that): "
                f"{', '.join(unlocked)}",
                file=sys.stderr,
            )

    def unlocked(self) -> list[str]:
        """Return the names of the sources that nobody has locked yet."""
        return [node.name for node in self.workflow.graph if node.unlocked]

    def refuse_unlocked(self) -> None:
        """Refuse to run a study whose sources nobody has locked; planning it is fine.

        Raises:
            StudyError: at least one source is not locked; all are named.
        """
        if names := self.unlocked():
            raise StudyError(
                f"the study plans and dry-runs, but {len(names)} of its sources are not locked: "
                f"{', '.join(names)}. `safebasin lock --configfile {shlex.join(self._configs)}` "
                "asks the hub for their commits and hashes"
            )

    def refuse_damaged(self) -> None:
        """Refuse to run on artifacts that are not as they were written, or made of other bytes.

        Raises:
            DamagedInput: at least one is; the first are named.
        """
        if self._refused:
            raise DamagedInput(
                f"{len(self._refused)} of the study's artifacts in {self.workflow.store.root} are "
                f"not to be used as they are:\n{self._refused_told()}"
            )

    def _refused_told(self) -> str:
        """Return a line for each of the first artifacts that are refused."""
        lines = [f"  {each}" for each in self._refused[:_SHOWN]]
        more = len(self._refused) - len(lines)
        return "\n".join([*lines, f"  and {more} more"] if more else lines)

    @property
    def python(self) -> Callable[[Any], str]:
        """What gives the interpreter that runs Snakemake; it runs the steps too.

        ``-P``: a module that happens to lie in the working directory is none of a step's.
        """
        return _told(f"{shlex.quote(sys.executable)} -P")

    @property
    def store(self) -> Callable[[Any], str]:
        """What gives the store, as an argument of a step."""
        return _told(shlex.quote(str(self.workflow.store.root.absolute())))

    @property
    def device(self) -> str:
        """Where models run, as an argument of a step."""
        return self.machine.device

    @property
    def config_arguments(self) -> Callable[[Any], str]:
        """What gives the study's layers, as an argument of ``safebasin results``."""
        layers = [str(Path(path).absolute()) for path in self._configs]  # none begins with a dash
        return _told(f"--configfile {shlex.join(layers)}")

    @property
    def report(self) -> str:
        """The receipt of the report."""
        return self._receipt(str(self.workflow.graph.target))

    @property
    def linked(self) -> str:
        """The mark that ``results/`` shows this very report."""
        return f"results/{self.study}/{LINKED}/{self.workflow.graph.target}.json"

    @property
    def captions(self) -> dict[str, str]:
        """The caption of every figure, for Snakemake's own report."""
        return {name: caption.text for name, caption in CAPTIONS.items()}

    @property
    def figure_labels(self) -> Callable[[Any], dict[str, str]]:
        """What gives the labels of ``{figure}`` in Snakemake's own report."""

        def labels(wildcards: Any) -> dict[str, str]:
            return {"study": self.study, "shows": CAPTIONS[wildcards.figure].shows}

        return _signed(labels)

    def name_of(self, stem: str) -> str:
        """Return the readable name of what the job makes whose log has this stem."""
        node = self._nodes.get(stem)
        return node.name if node else f"results/{stem}"

    def adapters(self) -> list[str]:
        """Return the receipts of the adapters that results link to."""
        return [self._receipt(digest) for digest in self.workflow.graph.links.values()]

    def made_by(self, rule: str) -> str:
        """Return the constraint on ``{digest}``: the artifacts that ``rule`` makes."""
        return "|".join(node.digest for node in self.workflow.graph.of_rule(rule)) or "none"

    def parent(self, role: str) -> Callable[[Any], str | list[str]]:
        """Return the input function for ``role``: its receipt, or none where it is absent."""

        def receipts(wildcards: Any) -> str | list[str]:
            digest = self._nodes[wildcards.digest].spec.inputs.get(role)
            return self._receipt(digest) if digest else []

        return _signed(receipts)

    def parents(self, role: str) -> Callable[[Any], list[str]]:
        """Return the input function for a role that may occur often, as ``role.name``."""

        def receipts(wildcards: Any) -> list[str]:
            inputs = self._nodes[wildcards.digest].spec.inputs
            return [
                self._receipt(digest)
                for name, digest in inputs.items()
                if name.startswith(f"{role}.")
            ]

        return _signed(receipts)

    @property
    def directions(self) -> Callable[[Any], list[str]]:
        """What gives the directions that a tuning waits for: of the checkpoint it starts from.

        Extracting compares the shapes of a pair, so that a pair which does not fit is found before
        a GPU is spent on it. The wait is no input: a tuning that is done has none.
        """

        def receipts(wildcards: Any) -> list[str]:
            node = self._nodes[wildcards.digest]
            if self.workflow.store.holds(node.kind, node.digest):
                return []
            return self._directions.get(node.spec.inputs["checkpoint"], [])

        return _signed(receipts)

    @property
    def spec(self) -> Callable[[Any], str]:
        """What gives the spec as one argument."""
        return self._asked(lambda node: pack_spec(node.spec))

    @property
    def origin(self) -> Callable[[Any], str]:
        """What gives where a source is to be had, as JSON."""
        return self._asked(lambda node: pack_text(origin_text(node.origin)))

    @property
    def wanted(self) -> Callable[[Any], str]:
        """What gives what the evaluation will take of the rows, as JSON."""
        return self._asked(lambda node: pack_text(wanted_text(self._wanted.get(node.digest, []))))

    @property
    def name(self) -> Callable[[Any], str]:
        """What gives the readable name of the artifact."""
        return self._asked(lambda node: node.name)

    @property
    def gpus(self) -> Callable[[Any], int]:
        """What gives the GPUs to ask for: as many as the model needs on this machine."""
        return self._asked(lambda node: sizing.gpus(node, self.machine.gpu_bytes))

    @property
    def memory(self) -> Callable[..., int]:
        """What gives the MiB to ask for; each further attempt asks for more."""

        def mebibytes(wildcards: Any, attempt: int = 1) -> int:
            return sizing.memory(self._nodes[wildcards.digest], attempt)

        return _signed(mebibytes)

    @property
    def runtime(self) -> Callable[..., int]:
        """What gives the minutes to ask for; each further attempt asks for more."""

        def minutes(wildcards: Any, attempt: int = 1) -> int:
            return sizing.minutes(self._nodes[wildcards.digest], attempt, self.device)

        return _signed(minutes)

    def _asked(self, ask: Callable[[Node], Answer]) -> Callable[[Any], Answer]:
        """Return the function of wildcards that asks the job's node."""

        def answer(wildcards: Any) -> Answer:
            return ask(self._nodes[wildcards.digest])

        return _signed(answer)

    def _receipt(self, digest: str) -> str:
        return receipt_path(self._nodes[digest].kind, digest)


def bind(configs: Sequence[Path], settings: Mapping[str, Any], *, is_main: bool) -> Binding:
    """Open the study of ``configs`` and bind the rules to it.

    Args:
        configs: the layers given with ``--configfile``; none means ``config.yaml``.
        settings: what ``--config`` or the profile says of the machine.
        is_main: whether this is the Snakemake that the user started.

    Raises:
        StudyError: the study has problems, or the machine's settings; all are in the message.
        MachineLacks: the disk is full or closed to this user.
    """
    refuse_folder(str(Path.cwd()))
    machine = machine_of(settings)
    paths = [from_here(path) for path in configs] or [Path("config.yaml")]
    with disk_faults_told(Path()):
        workflow = open_workflow(paths, store=machine.store, compare_folders=is_main)
        binding = Binding(workflow, paths, machine)
        searches = workflow.study.searches.values()
        prepare_jobs(search.generator.params.get("token_variable") for search in searches)
        if is_main:
            binding.begin()
    return binding


def _told(text: str) -> Callable[[Any], str]:
    """Return what gives ``text`` as it is: in a plain string Snakemake takes {…} for a wildcard."""

    def told(wildcards: Any) -> str:
        del wildcards
        return text

    return _signed(told)


def _signed(function: Function) -> Function:
    """Return ``function`` with its parameters worked out beforehand.

    Snakemake asks for those of every input, param and resource function at every job; with 10,000
    jobs that was a sixth of a dry run.
    """
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function
