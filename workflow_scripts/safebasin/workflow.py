"""What the Snakefile and the command line share: a study's files, its plan, its store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebasin.agent_options import agent_problems
from safebasin.errors import StudyError
from safebasin.folder_problems import folder_problems, missing_folders
from safebasin.known_rows import row_problems
from safebasin.plugin_files import plugin_problems
from safebasin.sources.fetch import source_key
from safebasin.sources.lock import SourceLock
from safebasin.store.code_identity import CodeBook
from safebasin.store.store import Store, store_folder
from safebasin.study.checkpoints import Source
from safebasin.study.config import Study
from safebasin.study.graph import Graph, Node
from safebasin.study.load import examine_layers
from safebasin.study.plan import Pinned, plan
from safebasin.study.problems import Problem, refuse
from safebasin.task_counts import missing_tasks
from safebasin.template_problems import template_problems

SOURCES_LOCK = Path("sources.lock.yaml")
PRIVATE_LOCK = Path("sources.private.lock.yaml")
"""Beside the lock: the folders whose hashes are nobody else's business."""
DEFAULT_CONFIG = Path("config.yaml")
ASKED: Mapping[Callable[[Study], Iterator[Problem]], tuple[str, ...]] = {
    missing_tasks: (),
    row_problems: ("corpora", "eval_sets", "judges", "prompts", "splits"),
    agent_problems: ("guards", "searches"),
}
"""What is looked for beyond the study's text, with the sections that must be without fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A study, planned, beside the store where its artifacts are."""

    study: Study
    graph: Graph
    store: Store

    def left(self) -> list[Node]:
        """Return the jobs that a run would do: what is missing and leads to the report.

        A source whose checkpoint is made already, say, is not fetched again.
        """
        wanted = {self.graph.target} if self.graph.target else set()
        found: list[Node] = []
        for node in reversed(list(self.graph)):
            if node.digest in wanted and not self.store.holds(node.kind, node.digest):
                found.append(node)
                wanted |= set(node.spec.inputs.values())
        return found[::-1]

    def missing(self) -> list[str]:
        """Return the digests whose artifacts are not in the store."""
        return [node.digest for node in self.graph if not self.store.holds(node.kind, node.digest)]


def open_workflow(
    files: Sequence[Path] = (),
    overrides: Mapping[str, Any] | None = None,
    *,
    store: Path | None = None,
    lock: Path = SOURCES_LOCK,
    compare_folders: bool = False,
) -> Workflow:
    """Load, check and plan a study; nothing is written but which hashes of folders are known.

    Args:
        files: the study's layers; none means ``config.yaml``.
        overrides: what is laid over them.
        store: where the artifacts are.
        lock: the lock of the sources.
        compare_folders: whether local folders must still be as they were locked. A command that
            only shows, or ends a run, does without.

    Raises:
        StudyError: with every problem of the study, every source that is not locked, every folder
            that changed since it was locked, every plugin that is not there, and every world with
            fewer tasks than are wanted; else with every conversation that a chat template of the
            study's own does not write; else with every folder that a job left needs and that is
            not there.
    """
    examined = examine_layers([Path(file) for file in files] or [DEFAULT_CONFIG], overrides)
    known = load_locks(lock)
    pins, unlocked = pin_sources(examined.sources, known, lock)
    if compare_folders:
        unlocked += folder_problems(examined.sources, known)
    found, book = examined.study, CodeBook()
    whole = [ask for ask, told in ASKED.items() if not any(one in examined.faulty for one in told)]
    more = [problem for ask in whole for problem in ask(found)] if found else []
    if found:
        more += plugin_problems(found, book)
    study = examined.sound([*unlocked, *more])
    graph = plan(study, pins, book.identity)
    refuse(template_problems(study, graph), examined.where)
    workflow = Workflow(study=study, graph=graph, store=Store(store_folder(store)))
    if compare_folders:
        refuse(missing_folders(workflow.left()), examined.where)
    return workflow


def load_locks(path: Path = SOURCES_LOCK) -> SourceLock:
    """Return the lock at ``path`` with the private one beside it.

    Raises:
        StudyError: one of them is not as it should be.
    """
    lock = SourceLock.load(path)
    for key, entry in SourceLock.load(path.with_name(PRIVATE_LOCK.name)).entries.items():
        lock = lock.with_entry(key, entry)
    return lock


def origin_of(source: Source) -> dict[str, str]:
    """Return where a source is to be had."""
    if source.pypi:
        return {"pypi": source.pypi, "archive": source.archive}
    if source.folder:
        return {"folder": source.folder}
    if (hub := source.hub) is None:
        raise StudyError("a source names none of pypi, folder and hub")
    origin = {"hub": hub.repo, "kind": hub.kind, "revision": hub.revision, "branch": hub.branch}
    return {**origin, "mirrors": "\n".join(hub.mirrors)} if hub.mirrors else origin


def pin_sources(
    sources: Mapping[str, Source], lock: SourceLock, path: Path = SOURCES_LOCK
) -> tuple[dict[str, Pinned], list[Problem]]:
    """Return what the lock knows of each source; one on a hub may be without an entry.

    The problems are packages and folders that the lock does not know, and files that a source
    asks for and the lock does not have.
    """
    pins, problems = {}, []
    for name, source in sources.items():
        origin = origin_of(source)
        key = source_key(origin)
        entry = lock.entries.get(key)
        if "hub" in origin and entry is None:
            pins[name] = Pinned(origin=origin)
            continue
        try:
            files = lock.select(key, source.files, source.optional)
        except StudyError as problem:
            cure = f"{problem} (`safebasin lock` writes {path})"
            problems.append(Problem(key=f"sources.{name}", value=key, cure=cure))
            continue
        pins[name] = Pinned(
            origin={**origin, "revision": entry.revision} if entry and entry.revision else origin,
            files=tuple(
                (str(file["name"]), str(file["sha256"]), int(file["size"])) for file in files
            ),
        )
    return pins, problems
