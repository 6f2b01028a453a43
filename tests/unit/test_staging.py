"""A plug-in runs from a copy of what was hashed; what else it would find is an error that says so."""

from __future__ import annotations

import importlib.util
import marshal
import os
import struct
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from safebasin.errors import StudyError
from safebasin.plugins import COPIES, make_plugin
from safebasin.staging import staged
from safebasin.store.code_identity import PACKAGE
from safebasin.store.plugin_closure import read_plugin

FILES = {
    "words.txt": "no\n",
    "lists/a.txt": "first\n",
    "lists/deep/b.txt": "second\n",
    "lists/.hidden": "h\n",
    "lists/__pycache__/c.pyc": "c\n",
    "near.py": "X = 'near'\n",
    "package/__init__.py": "from .inner import Y\n",
    "package/inner.py": "from pathlib import Path\nY = (Path(__file__).parent / 'y.txt').read_text()\n",
    "package/y.txt": "why\n",
    "package/inner.txt": "inner\n",
    "unused.py": "X = 'unused'\n",
    "text.py": "X = 'text'\n",
    "../beside.txt": "beside\n",
    "../work/here.txt": "here\n",
}
HEAD = "import glob, os\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
FINDS = {
    "a named file": ("(HERE / f'{\"words\"}.txt').read_text()", ["words.txt"], "no\n"),
    "a file by its string": ("open(os.path.join(HERE, 'words.txt')).read()", [], "no\n"),
    "a folder": ("sorted(p.name for p in (HERE / 'lists').rglob('*.txt'))", ["lists"], ["a.txt", "b.txt"]),
    "a folder by glob": ("sorted(Path(n).name for n in glob.glob(f'{HERE}/lists/*'))", ["lists/"], ["a.txt", "deep"]),
    "a hidden file by its name": ("(HERE / 'lists' / '.hidden').read_text()", ["lists/.hidden"], "h\n"),
    "a module as data": ("(HERE / 'text.py').read_text()", ["text.py"], "X = 'text'\n"),
    "nothing that is optional": ("os.path.exists(HERE / 'nowhere.txt')", [], False),
    "an empty working directory": ("len(os.listdir('.'))", [], 0),
    "what functions can do": (
        "[function in able for function in (os.stat, os.lstat, os.access) for able in "
        "(os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids)]",
        [],
        [
            function in able
            for function in (os.stat, os.lstat, os.access)
            for able in (
                os.supports_dir_fd,
                os.supports_fd,
                os.supports_follow_symlinks,
                os.supports_effective_ids,
            )
        ],
    ),
    "a process of its own that starts anew": ("in_processes('spawn', double)", [], [2, 4]),
}  # fmt: skip
LACKS = {
    "pathlib": ("(HERE / 'lists' / f'{\"a\"}.txt').read_text()", "lists/a.txt"),
    "join": ("open(os.path.join(os.path.dirname(__file__), 'lists', 'a' + '.txt'))", "lists/a.txt"),
    "os.open": ("os.open(f'{HERE}/lists/{\"a\"}.txt', os.O_RDONLY)", "lists/a.txt"),
    "glob": ("glob.glob(f'{HERE}/lists/*.txt')", "lists"),
    "Path.glob": ("list(HERE.glob('lis*/*.txt'))", "lists"),
    "listdir": ("os.listdir(HERE)", "lists"),
    "walk": ("list(os.walk(HERE))", "lists"),
    "scandir": ("list(os.scandir(HERE))", "lists"),
    "exists": ("os.path.exists(HERE / 'lists' / 'a.txt')", "lists/a.txt"),
    "is_file": ("(HERE / 'lists' / 'a.txt').is_file()", "lists/a.txt"),
    "access": ("os.access(f'{HERE}/lists/a.txt', os.R_OK)", "lists/a.txt"),
    "islink": ("os.path.islink(HERE / 'lists' / 'a.txt')", "lists/a.txt"),
    "swallowed": ("swallow(lambda: (HERE / 'lists' / 'a.txt').read_text())", "lists/a.txt"),
    "a module as data": ("(HERE / 'text.py').read_text()", "text.py"),
    "an import at run time": ("__builtins__['__im' + 'port__']('unused')", "unused.py"),
    "a library that reads": ("read_with_pandas(HERE / 'lists' / 'a.txt')", "lists/a.txt"),
    "another library that reads": ("read_with_arrow(HERE / 'lists' / 'a.parquet')", "a.parquet"),
    "a database": ("read_with_sqlite(HERE / 'lists' / 'a.txt')", "lists/a.txt"),
    "a resource": ("has_resource('package', 'inner.txt')", "package/inner.txt"),
    "a package's data": ("package_data('package', 'inner.txt')", "package/inner.txt"),
    "the shell's working directory": (
        "os.path.exists(os.path.join(os.environ['PWD'], 'here.txt'))",
        "here.txt",
    ),
    "swallowed in another process": (
        "in_processes('fork', read_it)",
        "lists/a.txt",
    ),
    "swallowed in a thread, with others at work": (
        "in_threads(lambda number: Path('nowhere').exists() if number else read_it(number))",
        "lists/a.txt",
    ),
    "a compiled reader": ("read_with_tokenizers(HERE / 'lists' / 'a.txt')", "No such file"),
    "from above": ("(HERE.parent / 'beside.txt').read_text()", "beside.txt"),
    "from the working directory": ("open('here.txt').read()", "here.txt"),
    "the working directory": ("glob.glob('*.txt')", "here.txt"),
    "what is nowhere": ("(HERE / 'lists' / 'nowhere.txt').read_text()", "which is not there"),
}
SOURCE = """
def swallow(read):
    try:
        return read()
    except Exception:
        return "without"


def read_with_pandas(path):
    import pandas
    return pandas.read_csv(path)


def read_with_arrow(path):
    import pyarrow.parquet
    return pyarrow.parquet.read_table(path)


def read_with_sqlite(path):
    import sqlite3
    return sqlite3.connect(path)


def read_with_tokenizers(path):
    import tokenizers
    return tokenizers.Tokenizer.from_file(str(path))


def double(number):
    return 2 * number


def read_it(number):
    return swallow(lambda: (HERE / 'lists' / 'a.txt').read_text())


def in_threads(function):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, [*range(1, 100), 0, *range(1, 100)]))


def in_processes(kind, function):
    import multiprocessing
    with multiprocessing.get_context(kind).Pool(1) as pool:
        return pool.map_async(function, [1, 2]).get(60)


def has_resource(package, name):
    from importlib import resources
    import package as imported
    return resources.files(imported).joinpath(name).is_file()


def package_data(package, name):
    import pkgutil
    import package as imported
    return pkgutil.get_data(package, name)


class Mine:
    def find(self):
        return {expression}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a plug-in, beside the working directory."""
    folder = tmp_path / "brought"
    folder.mkdir()
    write(folder, FILES)
    monkeypatch.chdir(tmp_path / "work")
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def find(folder: Path, expression: str, named: Sequence[str] = (), head: str = HEAD) -> Any:
    """Return what the plug-in finds in its copy."""
    path = folder / "mine.py"
    path.write_text(head + SOURCE.format(expression=expression))
    return find_at(path, named)


def find_at(path: Path, named: Sequence[str] = ()) -> Any:
    reference = f"{path}:Mine"
    with staged(read_plugin(path, PACKAGE, named), reference, path.parents[1] / "s" / "x.plugin"):
        return make_plugin(reference, {}).find()  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", FINDS)
def test_a_plugin_finds_what_the_study_names(folder, case):
    expression, named, found = FINDS[case]
    (folder.parent / "work" / "here.txt").unlink()
    assert find(folder, expression, named) == found


@pytest.mark.parametrize("case", LACKS)
def test_what_the_study_does_not_name_is_an_error_that_says_how(folder, case):
    expression, told = LACKS[case]
    with pytest.raises(StudyError) as refused:
        find(folder, expression)
    assert told in str(refused.value)
    assert "mine.py:Mine" in str(refused.value)
    assert "`files: [" in str(refused.value)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("import near\nX = near.X", "near"),
        ("from package import Y as X", "why\n"),
        ("import package.inner\nX = package.inner.Y", "why\n"),
    ],
)
def test_modules_and_packages_beside_it_are_imported_from_the_copy(folder, head, found):
    assert find(folder, "X", head=f"{head}\n") == found


def test_an_import_within_a_function_is_found(folder):
    (folder / "mine.py").write_text(
        "class Mine:\n def find(self):\n  import near\n  return near.X, near.__file__\n"
    )
    found, file = find_at(folder / "mine.py")
    assert found == "near"
    assert not Path(file).exists(), "the copy is gone"
    assert not Path(file).is_relative_to(folder)


def test_a_compiled_file_is_never_run(folder):
    """A cache that says it is of the source, by time and size, is what Python would run."""
    source = folder / "near.py"
    stat = source.stat()
    cache = Path(importlib.util.cache_from_source(str(source)))
    cache.parent.mkdir(exist_ok=True)
    header = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(stat.st_mtime), stat.st_size)
    cache.write_bytes(header + marshal.dumps(compile("X = 'stale'", "near.py", "exec")))
    assert find(folder, "near.X", head="import near\n") == "near"


def test_what_runs_is_what_was_hashed_though_the_files_change_meanwhile(folder):
    path = folder / "mine.py"
    path.write_text(HEAD + SOURCE.format(expression="(HERE / 'words.txt').read_text()"))
    plugin = read_plugin(path, PACKAGE)
    write(folder, {"words.txt": "other", "mine.py": "raise ValueError"})
    with staged(plugin, "mine.py:Mine", folder.parent / "x.plugin"):
        assert make_plugin("mine.py:Mine", {}).find() == "no\n"  # type: ignore[attr-defined]


def test_the_copy_holds_the_hashed_files_and_nothing_else_and_leaves_nothing(folder, tmp_path):
    (folder / "mine.py").write_text("import near, package\nclass Mine: pass\n")
    plugin = read_plugin(folder / "mine.py", PACKAGE, ["lists"])
    base, here, path, asks = tmp_path / "x.plugin", Path.cwd(), list(sys.path), os.stat
    write(base, {"copy/left": "by a kill"})
    with staged(plugin, "it", base):
        copy = COPIES["it"].file.parent
        told = subprocess.run(["find", ".", "-type", "f"], cwd=copy, capture_output=True, text=True)
        held = {name.removeprefix("./") for name in told.stdout.split()}
        assert os.listdir() == []  # noqa: PTH208
        assert not (base / "copy" / "left").exists()
    assert held == set(plugin.files)
    assert held == {
        "mine.py", "near.py", "package/__init__.py", "package/inner.py", "package/y.txt",
        "lists/a.txt", "lists/deep/b.txt",
    }  # fmt: skip
    assert not base.exists()
    assert (Path.cwd(), sys.path, os.stat, COPIES) == (here, path, asks, {})


def test_a_module_that_a_library_would_stand_for_is_refused(folder):
    write(folder, {"json.py": "X = 1\n"})
    with pytest.raises(StudyError, match=r"imports json, which lies beside it.*rename the file"):
        find(folder, "json.X", head="import json\n")


def test_an_error_of_the_plugins_own_stays_its_own(folder):
    with pytest.raises(ZeroDivisionError):
        find(folder, "1 / 0")
    with pytest.raises(FileNotFoundError):
        find(folder, "open('/nowhere/at/all')")


def test_an_error_of_the_plugins_own_says_where_in_the_users_file(folder):
    with pytest.raises(ZeroDivisionError) as refused:
        find(folder, "1 / 0")
    told = "".join(traceback.format_exception(refused.value))
    assert "return 1 / 0" in told, "the line of the copy, which is gone"
    line = 1 + (folder / "mine.py").read_text().split("\n").index("        return 1 / 0")
    last = told.strip().split("\n")[-1]
    assert last == (
        f"the plug-in {folder}/mine.py:Mine failed: ZeroDivisionError: division by zero "
        f"({folder}/mine.py, line {line}, in find)"
    )


@pytest.mark.parametrize("ends", ["raise SystemExit(0)", "import sys; sys.exit('no card')"])
def test_a_plugin_does_not_end_the_program(folder, ends):
    (folder / "mine.py").write_text(f"class Mine:\n def find(self):\n  {ends}\n")
    with pytest.raises(
        StudyError, match=r"mine.py:Mine ends the program \(sys.exit: (0|'no card')\)"
    ):
        find_at(folder / "mine.py")


def test_what_a_plugin_writes_may_be_called_as_what_is_there(folder):
    write(folder.parent / "work", {"logs/old.txt": "o"})
    made = "os.makedirs('logs/mine', exist_ok=True) or open('logs/mine/a.txt', 'w').write('x')"
    assert find(folder, made) == 1


def test_a_plugin_that_is_named_by_a_link_or_a_way_around_runs(folder, tmp_path):
    (folder / "mine.py").write_text("import near\nclass Mine:\n def find(self): return near.X\n")
    around = folder / ".." / "work" / ".." / "brought" / "mine.py"
    assert find_at(around) == "near"
    link = tmp_path / "links" / "mine.py"
    write(link.parent, {"near.py": "X = 'beside the link'\n"})
    link.symlink_to(folder / "mine.py")
    assert find_at(link) == "beside the link"
