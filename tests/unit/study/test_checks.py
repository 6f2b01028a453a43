"""Each check says truly which sections of a study it depends on."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator

import pytest
from safebasin.study.check import CHECKS
from safebasin.study.config import Study


def sections_read(function: Callable[..., object], holder: str = "study") -> Iterator[str]:
    """Yield the fields of the study that the function reads, or what it calls of its module."""
    module = inspect.getmodule(function)
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == holder:
            of_study = getattr(Study, node.attr, None)
            yield from sections_read(of_study, "self") if callable(of_study) else [node.attr]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = getattr(module, node.func.id, None)
            if inspect.isfunction(called) and called is not function:
                yield from sections_read(called)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_check_names_the_sections_that_it_reads(check):
    assert sorted(CHECKS[check]) == sorted(set(sections_read(check)))


def test_every_section_with_names_in_it_is_checked():
    free = {"study", "title", "description", "meaningless", "direction", "generation"}
    checked = {section for sections in CHECKS.values() for section in sections}
    assert checked == set(Study.model_fields) - free
