from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from safebasin.errors import StudyError
from safebasin.store.code_identity import CodeBook
from safebasin.store.plugin_closure import plugin_closure
from safebasin.store.plugin_part import plugin_file, plugin_names, plugin_part

FILES = {
    "near.py": "X = 1\n",
    "helpers/__init__.py": "from helpers.first import X\n__all__ = ['X', 'listed']\n",
    "helpers/first.py": "from . import second\nfrom .deep.third import Y\nX = Y\n",
    "helpers/second.py": "WORDS = 'words.txt'\n",
    "helpers/words.txt": "no\n",
    "helpers/deep/__init__.py": "",
    "helpers/deep/third.py": "from ..fourth import Y\n",
    "helpers/fourth.py": "import near\nY = near.X\n",
    "helpers/listed.py": "L = 1\n",
    "helpers/lonely.py": "from .last import M\n",
    "helpers/last.py": "M = 1\n",
    "bare/inner.py": "from .other import B\n",
    "bare/other.py": "B = 1\n",
    "bare/unused.py": "U = 1\n",
}
IMPORTS = (
    "import near",
    "import helpers",
    "import helpers.lonely",
    "import helpers.lonely as mine",
    "from helpers import lonely",
    "from helpers import X",
    "from helpers import *",
    "from helpers.deep import third",
    "from helpers.lonely import M",
    "import bare.inner",
    "from bare import inner",
    "from bare.inner import B",
    "try:\n    from helpers import lonely\nexcept ImportError:\n    import near",
    "class Late:\n    from helpers import lonely",
)
LOADED = """
import json, sys
from pathlib import Path
from safebasin.plugins import load_plugin
load_plugin(sys.argv[1])
folder = Path(sys.argv[1]).parent
files = [Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
print(json.dumps([str(file.relative_to(folder)) for file in files if file.is_relative_to(folder)]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a plug-in with modules and packages beside it."""
    return write(tmp_path / "brought", FILES)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def plugin_with(folder: Path, source: str) -> Path:
    path = folder / "mine.py"
    path.write_text(f"{source}\nclass Judge: pass\n")
    return path


def test_a_plugin_is_its_file_and_its_imports(tmp_path, package):
    plugin, local = plugin_with(tmp_path, "import near\nfrom safebasin import words"), "near.py"
    write(tmp_path, {local: "X = 1\n"})
    before = plugin_closure(plugin, package)
    write(tmp_path, {local: "X = 1  # said\n"})
    assert plugin_closure(plugin, package) == before
    write(tmp_path, {local: "X = 2\n"})
    assert plugin_closure(plugin, package) != before
    write(tmp_path, {local: "X = 1\n"})
    (package / "words.py").write_text("N = 7\n")
    assert plugin_closure(plugin, package) != before


@pytest.mark.parametrize("source", IMPORTS)
def test_every_file_that_python_loads_for_a_plugin_counts(folder, package, source):
    plugin = plugin_with(folder, source)
    told = subprocess.run(
        [sys.executable, "-c", LOADED, f"{plugin}:Judge"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    loaded = json.loads(told)
    assert len(loaded) > 1, "the plug-in and what it imports"
    before = plugin_closure(plugin, package)
    for name in loaded:
        text = (folder / name).read_text()
        (folder / name).write_text(f"{text}EDITED = 1\n")
        assert plugin_closure(plugin, package) != before, f"an edit to {name} is not seen"
        (folder / name).write_text(text)
    assert plugin_closure(plugin, package) == before


@pytest.mark.parametrize(
    ("source", "name", "counts"),
    [
        ("import helpers", "helpers/words.txt", True),
        ("import helpers", "helpers/lonely.py", False),
        ("from bare import inner", "bare/unused.py", False),
    ],
)
def test_files_that_a_module_names_count_and_unused_modules_do_not(
    folder, package, source, name, counts
):
    plugin = plugin_with(folder, source)
    before = plugin_closure(plugin, package)
    (folder / name).write_text("edited = 1\n")
    assert (plugin_closure(plugin, package) != before) == counts


@pytest.mark.parametrize(
    ("named", "file", "counts"),
    [
        ("words/list.txt", "words/list.txt", True),
        ("words/list.txt", "words/other.txt", False),
        ("../list.txt", "../list.txt", False),
        ("list", "list", False),
    ],
)
def test_data_counts_where_it_is_named_from_the_plugins_folder(
    tmp_path, package, named, file, counts
):
    folder = tmp_path / "brought"
    plugin = plugin_with(write(folder, {"words/list.txt": "a"}), f"FILE = {named!r}")
    write(folder, {file: "a"})
    before = plugin_closure(plugin, package)
    write(folder, {file: "b"})
    assert (plugin_closure(plugin, package) != before) == counts


def test_data_counts_for_a_plugin_that_is_named_by_a_way_around(tmp_path, package):
    folder = tmp_path / "brought"
    plugin = plugin_with(write(folder, {"list.txt": "a"}), "FILE = 'list.txt'")
    around = folder / ".." / "brought" / plugin.name
    before = plugin_closure(around, package)
    write(folder, {"list.txt": "b"})
    assert plugin_closure(around, package) != before


def test_a_module_called_like_one_of_ours_counts_beside_it(tmp_path, package):
    plugin = plugin_with(tmp_path, "import words\nfrom safebasin import words as ours")
    write(tmp_path, {"words.py": "N = 1\n"})
    before = plugin_closure(plugin, package)
    write(tmp_path, {"words.py": "N = 2\n"})
    assert plugin_closure(plugin, package) != before


def test_a_linked_plugin_is_followed_where_python_looks(folder, package, tmp_path):
    plugin = tmp_path / "here" / "mine.py"
    write(plugin.parent, {"near.py": "X = 1\n"})
    plugin.symlink_to(plugin_with(folder, "import near"))
    before = plugin_closure(plugin, package)
    write(plugin.parent, {"near.py": "X = 2\n"})
    assert plugin_closure(plugin, package) != before


@pytest.mark.parametrize(
    "source",
    [
        "try:\n import nowhere\nexcept ImportError:\n nowhere = None",
        "try:\n import nowhere.inner as inner\n HAS = True\nexcept Exception:\n HAS = False",
        "try:\n import tomllib\nexcept ModuleNotFoundError:\n import nowhere as tomllib",
        "import sys\nif sys.version_info >= (3, 11):\n import tomllib\nelse:\n import nowhere",
        "from contextlib import suppress\nwith suppress(ImportError):\n from nowhere import X",
        "def show():\n try:\n  from nowhere import X\n except ImportError:\n  return None",
        "try:\n from bare import nowhere\nexcept ImportError:\n nowhere = None",
        "import typing\nif typing.TYPE_CHECKING:\n from nowhere import X",
    ],
)
def test_what_need_not_be_there_may_lack_and_counts_once_it_is_beside(folder, package, source):
    plugin = plugin_with(folder, source)
    before = plugin_closure(plugin, package)
    write(folder, {"nowhere/__init__.py": "X = 1\n", "nowhere/inner.py": "", "bare/nowhere.py": ""})
    assert (plugin_closure(plugin, package) != before) is ("TYPE_CHECKING" not in source)


def test_what_cannot_be_read_is_named(folder, package, monkeypatch):
    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    plugin = plugin_with(folder, "pass")
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(
        StudyError, match=r"mine.py, of a plug-in, cannot be read: Permission denied"
    ):
        plugin_closure(plugin, package)


def test_libraries_are_not_followed(folder, package):
    plugin = plugin_with(folder, "pass")
    for name in ("sys", "json", "xml.dom", "_ctypes", "winreg", "pandas", "pyarrow.parquet"):
        plugin.write_text(f"import {name}\nfrom {name} import something\n")
        assert plugin_closure(plugin, package)


def test_a_folder_called_like_a_library_is_not_taken_for_it(folder, package):
    write(folder, {"pandas/data.py": "D = 1\n"})
    plugin = plugin_with(folder, "from pandas import DataFrame")
    before = plugin_closure(plugin, package)
    write(folder, {"pandas/data.py": "D = 2\n"})
    assert plugin_closure(plugin, package) == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import in_working_folder", "in_working_folder.py"),
        ("from in_working_folder import X", "in_working_folder.py"),
        ("import on_path", "on_path.py"),
        ("import nowhere_to_be_found", "it is not found"),
        ("from bare import missing", "bare.missing: the folder has no such module"),
        ("from . import near", "the file is in no package"),
        ("import compiled", "compiled and cannot be read"),
        ("import broken", "broken.py is not Python"),
        ("import importlib\nimportlib.import_module('near')", "line 2: import_module"),
        ("from importlib import import_module as load", "importlib.import_module"),
        ("__import__('near')", "__import__"),
        ("import sys\nsys.path.append('..')", "line 2: sys.path"),
        ("from sys import path", "sys.path"),
        ("exec(open('near.py').read())", "exec"),
        ("import hidden", "hidden.py, line 1"),
        ("import pydoc", "line 1: pydoc"),
        ("from pydoc import locate", "line 1: pydoc"),
        ("import runpy as r\nr.run_path('near.py')", "run_path"),
    ],
)
def test_code_that_cannot_be_followed_is_refused(
    folder, package, tmp_path, monkeypatch, source, said
):
    working = write(tmp_path / "working", {"in_working_folder.py": "X = 1\n"})
    monkeypatch.chdir(working)
    monkeypatch.syspath_prepend(write(tmp_path / "added", {"on_path.py": "X = 1\n"}))
    write(
        folder,
        {
            f"compiled{EXTENSION_SUFFIXES[0]}": "",
            "broken.py": "def (:\n",
            "hidden.py": "from runpy import run_path\n",
        },
    )
    with pytest.raises(StudyError) as refused:
        plugin_closure(plugin_with(folder, source), package)
    assert said in str(refused.value)


SEES_ITSELF = (
    "TEXT = open(__file__).read()",
    "import inspect\nTEXT = inspect.getsource(inspect)",
    "from inspect import getsource",
    "from importlib import resources",
    "import importlib.resources as data",
    "import sys\nLINE = sys._getframe().f_lineno",
    "TEXT = __doc__",
    "TEXT = globals()['__file__']",
    "import near\nTEXT = near.__file__",
    "import helpers.looks",
)


@pytest.mark.parametrize("source", SEES_ITSELF)
def test_a_comment_counts_where_a_plugin_can_come_to_see_its_own_text(folder, package, source):
    write(folder, {"helpers/looks.py": "from pathlib import Path\nHERE = Path(__file__)\n"})
    before = plugin_closure(plugin_with(folder, source), package)
    assert plugin_closure(plugin_with(folder, f"{source}  # said"), package) != before
    assert plugin_closure(plugin_with(folder, source), package) == before


@pytest.mark.parametrize(
    "source", ["import torch\nX = torch.stack", "STACK = 'stack'", "import near"]
)
def test_a_comment_does_not_count_elsewhere(folder, package, source):
    before = plugin_closure(plugin_with(folder, source), package)
    assert plugin_closure(plugin_with(folder, f"{source}  # said"), package) == before


@pytest.mark.parametrize(
    "edit",
    [
        {"lists/a.txt": "b"},
        {"lists/new.txt": ""},
        {"lists/deep/c.py": "C = 1  # said"},
        {"lists/a.txt": None, "lists/renamed.txt": "a"},
    ],
)
def test_names_and_bytes_of_named_data_count(folder, package, edit):
    write(folder, {"lists/a.txt": "a", "lists/deep/c.py": "C = 1", "other.txt": "o"})
    plugin = plugin_with(folder, "pass")
    before = plugin_closure(plugin, package, ["lists"])
    assert before != plugin_closure(plugin, package)
    write(folder, {"other.txt": "edited", "lists/.hidden": "h", "lists/__pycache__/a.pyc": "c"})
    assert plugin_closure(plugin, package, ["lists"]) == before
    for name, text in edit.items():
        (folder / name).unlink(missing_ok=True)
        if text is not None:
            write(folder, {name: text})
    assert plugin_closure(plugin, package, ["lists"]) != before


def test_the_data_of_a_plugin_are_part_of_its_identity(folder, package):
    book = CodeBook(package, package / "code.lock.json")
    write(folder, {"a,b c.txt": "a", "lists/é&?.txt": "e"})
    plugin = plugin_with(folder, "pass")
    part = plugin_part(f"{plugin}:Judge", ["lists", "a,b c.txt"])
    assert "," not in part
    assert plugin_names(part) == ("a,b c.txt", "lists")
    assert plugin_file(part) == plugin
    assert plugin_part(f"{plugin}:Judge", None) == f"{plugin}:Judge"
    assert set(book.plugin(part).files) == {"mine.py", "a,b c.txt", "lists/é&?.txt"}


@pytest.mark.parametrize(
    "named", ["../near.py", "/etc/hosts", ".", "nowhere", "empty", "broken", "linked"]
)
def test_data_that_are_not_within_the_folder_or_not_there_are_refused(folder, package, named):
    (folder / "empty").mkdir()
    (folder / "linked").mkdir()
    (folder / "broken").symlink_to("nowhere")
    (folder / "linked" / "within").symlink_to(folder / "helpers")
    with pytest.raises(StudyError):
        plugin_closure(plugin_with(folder, "pass"), package, [named])


def test_a_link_to_a_file_is_the_bytes_that_it_leads_to(folder, package, tmp_path):
    write(tmp_path, {"far.txt": "a"})
    (folder / "link.txt").symlink_to(tmp_path / "far.txt")
    plugin = plugin_with(folder, "pass")
    before = plugin_closure(plugin, package, ["link.txt"])
    write(tmp_path, {"far.txt": "b"})
    assert plugin_closure(plugin, package, ["link.txt"]) != before


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("{data}/words.txt", True),
        ("{data}", True),
        ("file://{data}/words.txt", True),
        ("~/words.txt", True),
        ("~", False),
        ("/", False),
        ("//", False),
        ("{data}/nowhere.txt", False),
        ("/etc/hosts", False),
        ("/v1/chat", False),
        ("say {data}", False),
        ("~~~", False),
    ],
)
@pytest.mark.parametrize("form", ["X = {!r}", "X = b{!r}", "X = f'{{None}}' + f{!r}"])
def test_a_literal_path_of_something_that_is_there_is_refused(
    folder, package, tmp_path, monkeypatch, text, refused, form
):
    data = tmp_path / "data"
    write(data, {"words.txt": "no"})
    monkeypatch.setenv("HOME", str(data))
    plugin = plugin_with(folder, form.format(text.format(data=data)))
    if not refused:
        assert plugin_closure(plugin, package)
        return
    with pytest.raises(StudyError, match=r"mine.py, line 1: .* absolute path.*files: \[NAME\]"):
        plugin_closure(plugin, package)
