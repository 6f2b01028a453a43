"""One list of requirements, two locks and a conda file: they tell the same versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ENVS = Path(__file__).resolve().parents[2] / "envs"
LOCKS = ("cpu.lock", "cuda.lock")


def requirements(*, tests: bool) -> list[Requirement]:
    """Return what ``requirements.in`` asks for: to run, or to test."""
    runtime, _, testing = (ENVS / "requirements.in").read_text().partition("# tests\n")
    lines = (testing if tests else runtime).splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def locked(name: str, python: str = "3.11") -> dict[str, Version]:
    """Return package to version, for a Python on Linux, without the +cpu of a build."""
    here = {
        "python_full_version": f"{python}.9",
        "python_version": python,
        "sys_platform": "linux",
    }
    found = {}
    for line in (ENVS / name).read_text().splitlines():
        if not line or line.startswith((" ", "#", "-")):
            continue
        pin = Requirement(re.sub(r"\s*\\$", "", line))
        if pin.marker is None or pin.marker.evaluate(here):
            (version,) = (each.version for each in pin.specifier)
            assert canonicalize_name(pin.name) not in found, f"{pin.name} is pinned twice"
            found[canonicalize_name(pin.name)] = Version(Version(version).public)
    return found


def conda() -> dict[str, Requirement]:
    """Return package to what ``environment.yaml`` says of it, Python aside."""
    told = yaml.safe_load((ENVS / "environment.yaml").read_text())["dependencies"]
    (by_pip,) = (each["pip"] for each in told if isinstance(each, dict))
    by_conda = [each.replace("=", "==") for each in told if isinstance(each, str)]
    pins = [Requirement(each) for each in [*by_conda, *by_pip]]
    return {canonicalize_name(pin.name): pin for pin in pins if pin.name != "python"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_as_it_is_asked_for(lock):
    pins = locked(lock)
    for asked in [*requirements(tests=False), *requirements(tests=True)]:
        version = pins[canonicalize_name(asked.name)]
        assert version in asked.specifier, f"{lock} has {asked.name} {version}, asked is {asked}"


def test_both_locks_agree_on_every_package_they_share():
    cpu, cuda = (locked(lock) for lock in LOCKS)
    assert {
        name: (cpu[name], cuda[name]) for name in cpu.keys() & cuda if cpu[name] != cuda[name]
    } == {}


@pytest.mark.parametrize("python", ["3.12", "3.13"])
def test_every_python_gets_the_versions_of_the_oldest(python):
    assert locked("cuda.lock", python) == locked("cuda.lock", "3.11")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_a_hash(lock):
    pins = re.split(r"\n(?=\S)", (ENVS / lock).read_text().strip())
    assert [
        pin.split(" ")[0]
        for pin in pins
        if not pin.startswith(("#", "-")) and "--hash=sha256:" not in pin
    ] == []


def test_the_conda_file_holds_the_runtime_requirements_and_no_others():
    asked = {canonicalize_name(each.name): each.extras for each in requirements(tests=False)}
    assert {name: pin.extras for name, pin in conda().items()} == asked


@pytest.mark.parametrize("lock", LOCKS)
def test_the_conda_file_has_the_versions_of_the_locks(lock):
    pins = locked(lock)
    for name, pin in conda().items():
        assert str(pin.specifier) == f"=={pins[name]}", f"{lock} has {name} {pins[name]}"
