"""What the Snakefile and the command line share: a study's files, its plan, its store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebasin.agent_options import agent_problems
from safebasin.errors import StudyError
from safebasin.known_rows import row_problems
from safebasin.plugin_files import plugin_problems
from safebasin.sources.fetch import source_key
from safebasin.sources.lock import SourceLock
from safebasin.store.code_identity import CodeBook
from safebasin.store.store import Store, store_folder
from safebasin.study.checkpoints import Source
from safebasin.study.config import Study
from safebasin.study.graph import Graph
from safebasin.study.load import examine_layers
from safebasin.study.plan import Pinned, plan
from safebasin.study.problems import Problem, refuse
from safebasin.task_counts import missing_tasks
from safebasin.template_problems import template_problems

SOURCES_LOCK = Path("sources.lock.yaml")
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

    def missing(self) -> list[str]:
        """Return the digests whose artifacts are not in the store."""
        return [node.digest for node in self.graph if not self.store.holds(node.kind, node.digest)]


def open_workflow(
    files: Sequence[Path] = (),
    overrides: Mapping[str, Any] | None = None,
    *,
    store: Path | None = None,
    lock: Path = SOURCES_LOCK,
) -> Workflow:
    """Load, check and plan a study; nothing is written.

    Raises:
        StudyError: with every problem of the study, every source that is not locked, every plugin
            that is not there, and every world with fewer tasks than are wanted; else with every
            conversation that a chat template of the study's own does not write.
    """
    examined = examine_layers([Path(file) for file in files] or [DEFAULT_CONFIG], overrides)
    pins, unlocked = pin_sources(examined.sources, SourceLock.load(lock), lock)
    found, book = examined.study, CodeBook()
    whole = [ask for ask, told in ASKED.items() if not any(one in examined.faulty for one in told)]
    more = [problem for ask in whole for problem in ask(found)] if found else []
    if found:
        more += plugin_problems(found, book)
    study = examined.sound([*unlocked, *more])
    graph = plan(study, pins, book.identity)
    refuse(template_problems(study, graph), examined.where)
    return Workflow(
        study=study,
        graph=graph,
        store=Store(store_folder(store)),
    )


def origin_of(source: Source) -> dict[str, str]:
    """Return where a source is to be had."""
    if source.pypi:
        return {"pypi": source.pypi, "archive": source.archive}
    if source.folder:
        return {"folder": source.folder}
    hub = source.hub
    assert hub is not None, "checked with the study"
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
