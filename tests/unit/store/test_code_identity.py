from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from safebasin.errors import RequestError
from safebasin.store.closure import import_closure
from safebasin.store.code_identity import PACKAGE, CodeBook
from safebasin.store.syntax import syntax_digest

SOURCE = '''
"""A module."""
from os import path

LIMIT = 3  # a comment


def double(value: int) -> int:
    """Return twice the value."""
    return value * 2
'''


def digest_of(source: str) -> str:
    return syntax_digest(ast.parse(source))


@pytest.mark.parametrize(
    "edit",
    [
        ("  # a comment", ""),
        ('"""A module."""', '"""Another text."""'),
        ("Return twice the value.", "Give it twice."),
        ("value * 2", "value  *  2"),
        ("\n\n\ndef", "\ndef"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(edit):
    assert edit[0] in SOURCE
    assert digest_of(SOURCE.replace(*edit)) == digest_of(SOURCE)


@pytest.mark.parametrize(
    "edit",
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("* 2", "+ 2"),
        ("double", "twice"),
        ("value: int", "value: float"),
    ],
)
def test_code_counts(edit):
    assert edit[0] in SOURCE
    assert digest_of(SOURCE.replace(*edit)) != digest_of(SOURCE)


def test_a_string_that_is_no_docstring_counts():
    assert digest_of("x = 'one'") != digest_of("x = 'two'")


def test_all_supported_pythons_agree_on_our_sources():
    ours = sorted(PACKAGE.rglob("*.py"))
    script = (
        "import ast, sys; sys.path.insert(0, sys.argv[1])\n"
        "from safebasin.store.syntax import syntax_digest\n"
        "for path in sys.argv[2:]: print(syntax_digest(ast.parse(open(path, encoding='utf-8').read())))"
    )
    wanted = [digest_of(path.read_text(encoding="utf-8")) for path in ours]
    others = [name for name in ("python3.11", "python3.12", "python3.13") if shutil.which(name)]
    for name in others:
        done = subprocess.run(
            [name, "-c", script, str(PACKAGE.parent), *map(str, ours)],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0 and "not found" in done.stderr:
            continue  # a shim without an interpreter behind it
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == wanted, name


def test_a_closure_holds_imports_and_named_files_and_not_what_only_types_need(package):
    roots = ("safebasin.steps.judge_responses", "safebasin.judging.phrases")
    assert set(import_closure(package, roots)) == {
        "steps/judge_responses.py",
        "judging/judge.py",
        "judging/phrases.py",
        "judging/list.yaml",
    }


@pytest.mark.parametrize(
    ("test", "is_followed"),
    [("TYPE_CHECKING", False), ("typing.TYPE_CHECKING", False), ("not TYPE_CHECKING", True)],
)
def test_only_what_the_type_checker_alone_sees_is_left_out(package, test, is_followed):
    (package / "judging/judge.py").write_text(f"if {test}:\n    from safebasin import unused\n")
    closure = import_closure(package, ("safebasin.judging.judge",))
    assert ("unused.py" in closure) == is_followed


def test_an_edit_to_a_word_list_changes_its_judge_alone(package):
    book = CodeBook(package)
    judge, reader = book.identity("judge_responses", "phrases"), book.identity("read_corpus")
    (package / "judging/list.yaml").write_text("- never\n")
    book = CodeBook(package)
    assert book.identity("judge_responses", "phrases") != judge
    assert book.identity("read_corpus") == reader


def entry(package: Path, unit: str, closure: str, revision: int = 3) -> None:
    (package / "code.lock.json").write_text(
        json.dumps({unit: {"revision": revision, "closure": closure, "neutral": []}})
    )


def test_a_recorded_closure_gives_the_revision_and_an_edit_a_digest(package):
    entry(package, "read_corpus", CodeBook(package).unit("read_corpus").closure)
    assert CodeBook(package).identity("read_corpus") == "read_corpus/3"
    (package / "words.py").write_text("N = 1  # a remark\n")
    assert CodeBook(package).identity("read_corpus") == "read_corpus/3"
    (package / "words.py").write_text("N = 2\n")
    assert CodeBook(package).identity("read_corpus").startswith("read_corpus/3+")


def test_an_unknown_unit_is_refused_by_name(package):
    with pytest.raises(RequestError, match="read_minds"):
        CodeBook(package).unit("read_minds")


def test_the_recorded_code_is_the_code_that_is_here():
    stale = [unit.identity for unit in CodeBook().stale()]
    assert not stale, f"changed: {stale}; run `safebasin code --record` (or --neutral … --reason …)"
