"""Params that a plug-in's class does not take are found while planning, and nothing of it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from safebasin.errors import StudyError
from safebasin.plugin_signature import class_signature
from safebasin.plugins import make_plugin
from safebasin.store.code_identity import PACKAGE
from safebasin.store.plugin_closure import read_plugin
from safebasin.study.load import merge
from safebasin.study.yaml_reader import read_yaml
from safebasin.workflow import open_workflow

ROOT = Path(__file__).resolve().parents[2]
OBJECTIVE = "from safebasin.tuning.objectives.objective import Objective\n"
DATA = "from dataclasses import KW_ONLY, InitVar, dataclass, field\nfrom typing import ClassVar\n"
TAKES: dict[str, tuple[str, set[str], set[str]]] = {
    "nothing": ("class M: pass", set(), set()),
    "keywords": ("class M:\n def __init__(self, *, a, b: float = 1): pass", {"a", "b"}, {"a"}),
    "positions": ("class M:\n def __init__(self, a, b=1): pass", {"a", "b"}, {"a"}),
    "a dataclass": (
        f"{DATA}@dataclass(frozen=True)\nclass M:\n a: int\n _: KW_ONLY\n b: str = ''\n"
        " c: list = field(default_factory=list)\n d: int = field(init=False, default=0)\n"
        " e: ClassVar[int] = 1\n f: InitVar[int] = 2\n g: int = field(repr=False)\n h = 5",
        {"a", "b", "c", "f", "g"},
        {"a", "g"},
    ),
    "a dataclass of a dataclass": (
        f"{DATA}@dataclass\nclass N:\n a: int\n b: int\n@dataclass\nclass M(N):\n b: int = 1\n c: int = 2",
        {"a", "b", "c"},
        {"a"},
    ),
    "its base's": ("class N:\n def __init__(self, a): pass\nclass M(N): pass", {"a"}, {"a"}),
    "an objective's": (f"{OBJECTIVE}class M(Objective): pass", set(), set()),
    "beside an objective": (
        f"{OBJECTIVE}class M(Objective):\n def __init__(self, w): pass",
        {"w"},
        {"w"},
    ),
    "under another name": ("class N:\n def __init__(self, a): pass\nM = N", {"a"}, {"a"}),
    "beside it": ("from near import N as M", {"near"}, {"near"}),
    "in a package beside it": ("from package.inner import N\nclass M(N): pass", {"deep"}, set()),
    "a constructor of a class within it": (
        "class M:\n class N:\n  def __init__(self, a): pass\n def f(self):\n  def __init__(b): pass",
        set(),
        set(),
    ),
    "a protocol's": ("from typing import Protocol\nclass M(Protocol): pass", set(), set()),
}
CANNOT_TELL = {
    "decorated": "import functools\n@functools.total_ordering\nclass M: pass",
    "decorated constructor": "def d(f): return f\nclass M:\n @d\n def __init__(self, a): pass",
    "metaclass": "class T(type): pass\nclass M(metaclass=T): pass",
    "new": "class M:\n def __new__(cls, a): return object.__new__(cls)",
    "a library's": "from collections import OrderedDict as M",
    "of a library's": "from collections import OrderedDict\nclass M(OrderedDict): pass",
    "one of two": "if True:\n class M: pass\nelse:\n class M:\n  def __init__(self, a): pass",
    "bound again": "class M: pass\nM = print and M",
    "its own way": f"{OBJECTIVE}class M(Objective):\n @classmethod\n def configured(cls, s): return cls()",
    "a constructor that is a value": "class M:\n __init__ = lambda self, a: None",
    "a constructor from outside": "class M: pass\nM.__init__ = lambda self, a: None",
    "a constructor of its base's making": "class N:\n def __init_subclass__(cls): pass\nclass M(N): pass",
    "a star": "from collections import *\nclass M: pass",
    "no constructor of its own": f"{DATA}@dataclass(init=False)\nclass M:\n a: int",
}
BESIDE = {
    "near.py": "class N:\n def __init__(self, near): pass\n",
    "package/__init__.py": "",
    "package/inner.py": "class N:\n def __init__(self, *, deep=1): pass\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in BESIDE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def signature(folder: Path, source: str) -> Any:
    (folder / "mine.py").write_text(f"{source}\n")
    return class_signature(read_plugin(folder / "mine.py", PACKAGE), "M")


@pytest.mark.parametrize("case", TAKES)
def test_what_a_class_takes_is_read_from_its_text(folder, case):
    source, takes, needs = TAKES[case]
    found = signature(folder, source)
    assert (set(found.kinds), found.required, found.takes_any) == (takes, needs, False)


def test_a_class_that_takes_any_is_given_any(folder):
    found = signature(folder, "class M:\n def __init__(self, a, **more): pass")
    assert (set(found.kinds), found.takes_any) == ({"a"}, True)


@pytest.mark.parametrize("case", CANNOT_TELL)
def test_where_the_text_cannot_tell_nothing_is_said(folder, case):
    assert signature(folder, CANNOT_TELL[case]) is None


@pytest.mark.parametrize(
    "source", ["X = 1" + "+1" * 9000, f"X = {'-' * 9000}1", "if 0: pass\n" + "elif 1: pass\n" * 700]
)
def test_what_is_nested_too_deeply_is_told(folder, source):
    with pytest.raises(StudyError, match=r"mine.py is (nested too deeply|not Python)"):
        signature(folder, f"{source}\nclass M: pass")


def test_what_the_text_cannot_tell_the_step_says(folder):
    (folder / "mine.py").write_text(f"{CANNOT_TELL['decorated constructor']}\n")
    with pytest.raises(StudyError, match=r"unexpected keyword argument 'b'.*it takes: a"):
        make_plugin("./mine.py:M", {"a": 1, "b": 1})


def told(changes: dict[str, Any]) -> list[str]:
    """Return the lines that tell what is wrong with the smoke study and the changes."""
    study = merge(read_yaml(ROOT / "studies" / "smoke.yaml"), changes)
    Path("study.yaml").write_text(yaml.safe_dump(study, allow_unicode=True))
    with pytest.raises(StudyError) as caught:
        open_workflow([Path("study.yaml")], store=Path("store"))
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


TYPE = {"type": "./mine.py:M"}
PLACES = {
    "methods.mine": lambda told: {"methods": {"mine": TYPE | told}},
    "judges.mine": lambda told: {"judges": {"mine": TYPE | told}},
    "guards.mine": lambda told: {"guards": {"mine": TYPE | told}},
    "corpora.words.reader": lambda told: {
        "corpora": {"words": {"reader": {**TYPE, "generator": None, "rows": None} | told}}
    },
}
WRONG = {
    "unknown": ({"params": {"wieght": 1, "weight": 1}}, "params.wieght", "did you mean 'weight'?"),
    "missing": ({"params": {}}, "params", "M needs weight too"),
    "a list": ({"params": {"weight": [1, 2]}}, "params.weight", "M takes one float"),
    "no such data": (
        {"params": {"weight": 1}, "files": ["words.txt", "near.py"]},
        "files: 'words.txt'",
        "there is no such file or folder as words.txt",
    ),
    "data elsewhere": (
        {"params": {"weight": 1}, "files": ["../x"]},
        "files",
        "within the plug-in's",
    ),
    "data anywhere": ({"params": {"weight": 1}, "files": ["/etc/hosts"]}, "files", "within the"),
    "all data": ({"params": {"weight": 1}, "files": ["."]}, "files", "within the"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", WRONG)
def test_what_a_plugin_does_not_take_is_found_before_a_job_starts(folder, place, case):
    (folder / "mine.py").write_text(
        "class M:\n def __init__(self, weight: float): raise KeyError\n"
    )
    given, key, cure = WRONG[case]
    (line,) = told(PLACES[place](given))
    assert line.startswith(f"{place}.{key}")
    assert cure in line


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("source", "cure"),
    [
        ("import near2\nclass M: pass", "imports near2: it is not found"),
        ("class M:\n data = '/tmp'", "names a file by its absolute path"),
    ],
)
def test_what_cannot_be_hashed_is_told_with_its_key(folder, place, source, cure):
    (folder / "mine.py").write_text(f"{source}\n")
    (line,) = told(PLACES[place]({}))
    assert line.startswith(f"{place}.type: './mine.py:M'")
    assert cure in line


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"judges": {"phrases": {"params": {"a": 1}}}}, "judges.phrases.params"),
        ({"judges": {"phrases": {"files": ["a"]}}}, "judges.phrases.files"),
        ({"guards": {"ping": {"params": {}}}}, "guards.ping.params"),
        ({"guards": {"mine": {"type": "./near.py:N", "params": {"near": 1}, "text": "x"}}}, "guards.mine.text"),
        (
            {"methods": {"mine": {"type": "./near.py:N", "params": {"near": 1}, "sweep": {"near": [1, 2]}}}},
            "methods.mine.sweep.near",
        ),
        ({"methods": {"mine": {"type": "./near.py:N", "sweep": {"far": [1], "near": [1]}}}}, "methods.mine.sweep"),
        ({"methods": {"mine": {"type": "./near.py:N", "sweep": {"near": []}}}}, "methods.mine.sweep.near"),
        ({"methods": {"mine": {"type": "./near.py:N", "sweep": {"near": [1, 1.0]}}}}, "methods.mine.sweep.near"),
        ({"methods": {"mine": {"type": "./near.py:N", "sweep": {"near": ["a"]}}}}, "methods.mine.sweep.near"),
        ({"methods": {"mine": {"type": "./near.py:N", "sweep": {"near": [True]}}}}, "methods.mine.sweep.near"),
        ({"methods": {"mine": {"type": "./near.py:N", "sweep": {"neer": [1]}}}}, "methods.mine.sweep.neer"),
        ({"methods": {"sft": {"files": ["a"]}}}, "methods.sft.files"),
    ],
)  # fmt: skip
def test_what_would_be_taken_silently_is_refused(folder, changes, key):
    lines = told(changes)
    assert any(line.startswith(key) for line in lines), lines
