"""Whatever somebody writes is planned with its own numbers, or refused in one message."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from safebasin import workflow
from safebasin.errors import StudyError
from safebasin.machine import machine_of
from safebasin.sources.lock import SourceLock
from safebasin.study.graph import Graph
from safebasin.workflow import Workflow, open_workflow

from ...draws import FREE
from .conftest import ROOT
from .odd_studies import (
    ODD,
    PIECES,
    SCALARS,
    at,
    mutated,
    numbers_of,
    retyped,
    rewritten,
    text_of,
    write,
)

SECONDS = 20
MEBIBYTES = 600
"""So much more than before may the process hold after all examples."""


def some(few: int, many: int) -> settings:
    return settings(max_examples=many if FREE else few, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def _at_the_root():
    """Plugins are found from the root, code is hashed once, and nothing grows."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    book = workflow.CodeBook()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(workflow, "CodeBook", lambda: book)
        yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEBIBYTES * 1024


def opened(path: Path) -> Workflow | None:
    """Return the planned study, or None where it is refused in one message, soon."""
    began = time.monotonic()
    try:
        found = open_workflow([path], store=path.parent / "store")
        event("planned")
        return found
    except StudyError as problem:
        told = str(problem)
        assert str(path) in told
        assert len(told) < 50_000
        told.encode()  # a terminal can show it
        return None
    finally:
        assert time.monotonic() - began < SECONDS


def numbers_in(graph: Graph) -> set[float]:
    found: set[float] = set()

    def look(value: Any) -> None:
        if type(value) in (int, float):
            found.add(value)
        elif isinstance(value, dict | list | tuple):
            for each in value.values() if isinstance(value, dict) else value:
                look(each)

    for node in graph:
        look(dict(node.spec.params))
    return found


def stands(study: dict[str, Any], way: tuple[Any, ...], value: Any) -> bool:
    """Say whether the value stands there; some lists are put in order."""
    if isinstance(way[-1], int):
        return value in at(study, way[:-1])
    return bool(at(study, way) == value)


def has_its_numbers(found: Workflow, written: dict[str, Any]) -> None:
    """Every number that is written is the study's, and those that always count are the plan's."""
    study = found.study.model_dump(by_alias=True)
    for way, value in numbers_of(written):
        try:
            assert stands(study, way, value), way
        except (KeyError, IndexError, TypeError):
            pytest.fail(f"{way} is written and not read")
    planned = numbers_in(found.graph)
    for block in found.study.grid:
        assert {*block.seeds} <= planned
        strengths = [found.study.methods[name].strengths() for name in block.methods]
        assert {each for told in strengths for each in told if each is not None} <= planned


@given(mutated())
@some(70, 1200)
def test_a_study_with_slips_is_planned_as_it_is_written_or_refused(tmp_path_factory, study):
    path = write(tmp_path_factory.getbasetemp(), text_of(study))
    if found := opened(path):
        has_its_numbers(found, study)


@given(retyped())
@some(30, 500)
def test_a_file_with_typing_errors_is_planned_or_refused(tmp_path_factory, text):
    opened(write(tmp_path_factory.getbasetemp(), text.encode("utf-8", "surrogatepass")))


@given(rewritten())
@some(30, 300)
def test_a_number_is_read_as_what_everybody_reads_or_refused(tmp_path_factory, told):
    text, way, written = told
    if found := opened(write(tmp_path_factory.getbasetemp(), text.encode())):
        read = found.study.model_dump(by_alias=True)
        assert stands(read, way, SCALARS[written]), (way, written, at(read, way))


LOCK = (ROOT / "sources.lock.yaml").read_text(encoding="utf-8")


@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(PIECES)), min_size=1, max_size=3))
@some(60, 600)
def test_a_lock_with_typing_errors_is_read_or_refused(tmp_path_factory, pieces):
    text = LOCK[:3000].rpartition("pypi:")[0]
    for place, piece in pieces:
        text = text[:place] + piece + text[place + 1 :]
    path = write(tmp_path_factory.getbasetemp(), text.encode("utf-8", "surrogatepass"))
    try:
        entries = SourceLock.load(path).entries
    except StudyError as problem:
        assert "lock this source again" in str(problem)  # noqa: PT017
    else:
        sizes = [file.size for entry in entries.values() for file in entry.files.values()]
        assert all(str(size) in text for size in sizes)


@given(st.sampled_from(["store", "device", "gpu_gb", "seed", "", 1]), st.sampled_from(ODD))
@some(60, 600)
def test_what_a_machine_is_said_to_be_is_taken_or_refused(key, value):
    try:
        machine = machine_of({key: value})
    except StudyError as problem:
        assert str(problem).startswith("--config ")  # noqa: PT017
    else:
        read = getattr(machine, key)
        assert read == (float(value) if key == "gpu_gb" else type(read)(value))
