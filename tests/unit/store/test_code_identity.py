from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from safebasin.errors import RequestError
from safebasin.store.closure import import_closure, plugin_closure
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


@pytest.fixture
def package(tmp_path) -> Path:
    """A package of the same shape as ours, small."""
    root = tmp_path / "safebasin"
    files = {
        "__init__.py": "",
        "steps/__init__.py": "",
        "steps/read_corpus.py": "from safebasin import words\n",
        "steps/judge_responses.py": "from safebasin.judging import judge\n",
        "judging/__init__.py": "",
        "judging/judge.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from safebasin import unused\n",
        "judging/phrases.py": "LIST = 'list.yaml'\n",
        "judging/list.yaml": "- no\n",
        "words.py": "N = 1\n",
        "unused.py": "M = 1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_closure_holds_imports_and_named_files_and_not_what_only_types_need(package):
    roots = ("safebasin.steps.judge_responses", "safebasin.judging.phrases")
    assert set(import_closure(package, roots)) == {
        "steps/judge_responses.py",
        "judging/judge.py",
        "judging/phrases.py",
        "judging/list.yaml",
    }


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


def test_a_plugin_is_its_file_and_its_imports(tmp_path, package):
    plugin, local = tmp_path / "mine.py", tmp_path / "near.py"
    plugin.write_text("import near\nfrom safebasin import words\nclass Judge: pass\n")
    local.write_text("X = 1\n")
    before = plugin_closure(plugin, package)
    local.write_text("X = 1  # said\n")
    assert plugin_closure(plugin, package) == before
    local.write_text("X = 2\n")
    assert plugin_closure(plugin, package) != before
    local.write_text("X = 1\n")
    (package / "words.py").write_text("N = 7\n")
    assert plugin_closure(plugin, package) != before


def test_an_unknown_unit_is_refused_by_name(package):
    with pytest.raises(RequestError, match="read_minds"):
        CodeBook(package).unit("read_minds")


def test_the_recorded_code_is_the_code_that_is_here():
    stale = [unit.identity for unit in CodeBook().stale()]
    assert not stale, f"changed: {stale}; run `safebasin code --record` (or --neutral … --reason …)"
