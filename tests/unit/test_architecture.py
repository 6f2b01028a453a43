"""The layout shows the architecture: who may import whom, and how large a file may be."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from safebasin.store.closure import imported_names
from safebasin.store.code_identity import PACKAGE
from safebasin.store.kinds import RULES

ROOT = PACKAGE.parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))
DOMAIN = (
    "sources",
    "corpora",
    "models",
    "directions",
    "tuning",
    "judging",
    "analysis",
    "reporting",
    "agents",
    "guards",
)
HEAVY = ("torch", "transformers", "peft", "accelerate")

# room or module: what none of its modules may import (prefixes; "domain" stands for all of them)
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "errors": ("safebasin",),
    "progress": ("safebasin",),
    "store/canonical": ("safebasin",),
    "store/names": ("safebasin",),
    # What all steps stand on: it knows of no study, no artifact, no model.
    "resume": (
        *(f"safebasin.{room}" for room in ("store", "study", "steps", "cli", "templates")),
        *("domain", "snakemake", "numpy", *HEAVY),
    ),
    "store": ("safebasin.study", "safebasin.steps", "safebasin.cli", "domain", "snakemake"),
    "study": ("safebasin.steps", "safebasin.cli", "domain", "snakemake", "numpy", *HEAVY),
    "study/plan": ("os", "pathlib", "time", "random", "subprocess", "safebasin.store.store"),
    "study/graph": ("os", "pathlib", "time", "random", "subprocess", "safebasin.store.store"),
    # The ground floor: programs from outside, and nothing of ours but errors.
    "templates": (
        *(f"safebasin.{room}" for room in ("store", "study", "steps", "cli", "preflight")),
        *("domain", "snakemake", *HEAVY),
    ),
    "sources": ("safebasin.steps", "safebasin.study", "safebasin.store.store", *HEAVY),
    "corpora": ("safebasin.steps", "safebasin.study", "safebasin.store.store", *HEAVY),
    "models": ("safebasin.steps", "safebasin.study", "safebasin.tuning", "safebasin.judging"),
    "directions": ("safebasin.steps", "safebasin.study", "safebasin.tuning", "transformers"),
    "tuning": ("safebasin.steps", "safebasin.study", "safebasin.judging", "safebasin.reporting"),
    "tuning/objectives": ("safebasin.tuning.loop", "safebasin.steps"),
    "agents": (
        "safebasin.steps",
        "safebasin.study",
        "safebasin.tuning",
        "safebasin.judging",
        "safebasin.guards",
    ),
    "agents/dojo": ("safebasin.models", "pyarrow", *HEAVY),
    "agents/toolshell": ("safebasin.models", "pyarrow", *HEAVY),
    "guards": (
        "safebasin.steps",
        "safebasin.study",
        "safebasin.tuning",
        "safebasin.judging",
        "safebasin.agents",
    ),
    "judging": (
        "safebasin.steps",
        "safebasin.study",
        "safebasin.tuning",
        "safebasin.agents",
        "safebasin.guards",
        *HEAVY,
    ),
    "analysis": ("safebasin.steps", "safebasin.study", "safebasin.tuning", *HEAVY),
    "reporting": (
        "safebasin.steps",
        "safebasin.study",
        "safebasin.models",
        "safebasin.tuning",
        *HEAVY,
    ),
    # It looks at a plan and a machine, and runs nothing: of the models it builds shapes and trials.
    "preflight": (
        "safebasin.steps",
        "safebasin.cli",
        "safebasin.commands",
        *(f"safebasin.{room}" for room in ("tuning", "judging", "guards", "reporting")),
        "snakemake",
        "transformers",
        "peft",
        "accelerate",
    ),
    "stops": ("safebasin.steps", "safebasin.study", "safebasin.tuning"),
    "steps": (
        "safebasin.cli",
        "safebasin.study",
        "safebasin.workflow",
        "safebasin.api",
        "snakemake",
    ),
}
STORE_FOR_DOMAIN = {f"safebasin.store.{name}" for name in ("canonical", "names", "writers")}
LONGEST = 330


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports."""
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from imported_names(tree, name, is_package=path.name == "__init__.py")


def is_within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


@pytest.mark.parametrize("place", FORBIDDEN)
def test_no_arrow_points_where_it_must_not(place):
    barred = [
        each
        for name in FORBIDDEN[place]
        for each in ([f"safebasin.{room}" for room in DOMAIN] if name == "domain" else [name])
    ]
    found = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        if f"{path.relative_to(PACKAGE)}".removesuffix(".py").startswith(place)
        for name in imports_of(path)
        for prefix in barred
        if is_within(name, prefix)
    ]
    assert not found


def test_domain_rooms_know_of_the_store_only_its_canonical_forms():
    found = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] in DOMAIN
        for name in imports_of(path)
        if is_within(name, "safebasin.store")
        and not any(is_within(name, allowed) for allowed in STORE_FOR_DOMAIN)
    ]
    assert not found


def test_only_a_command_looks_before_a_run():
    importers = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        if any(is_within(name, "safebasin.preflight") for name in imports_of(path))
    }
    assert importers == {"preflight", "commands"}


def test_a_step_imports_no_other_step_and_an_objective_no_other_objective():
    for folder, *shared in (("steps", "job", "stop"), ("tuning/objectives", "objective")):
        home = f"safebasin.{folder.replace('/', '.')}"
        for path in (PACKAGE / folder).glob("*.py"):
            others = {
                name.removeprefix(f"{home}.").split(".")[0]
                for name in imports_of(path)
                if is_within(name, home)
            } - {*shared, path.stem, home}
            assert not others, f"{path.name} imports {others}"


def test_a_model_is_loaded_where_it_can_be_spread_over_the_gpus_of_its_job():
    loading = {
        f"{path.relative_to(PACKAGE)}"
        for path in MODULES
        if "AutoModelForCausalLM.from_pretrained" in path.read_text(encoding="utf-8")
    }
    # GGUF is converted, and weights are checked on the meta device: neither is run.
    assert loading == {"models/load.py", "models/gguf.py", "models/weights.py"}


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=str)
def test_a_package_hands_nothing_on(path):
    (statement,) = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(statement, ast.Expr)


def test_no_file_is_too_long():
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in [*MODULES, *(ROOT / "rules").glob("*.smk"), ROOT / "Snakefile"]
    }
    assert not {name: lines for name, lines in sizes.items() if lines > LONGEST}


def test_every_module_can_beimported_names():
    for path in MODULES:
        if path.stem not in ("__main__", "__init__"):
            importlib.import_module(
                ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            )


@pytest.mark.parametrize("rule", RULES)
def test_table_rule_and_step_are_one(rule):
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    block = re.search(rf"^rule {rule}:\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    assert block, f"no rule {rule}"
    assert len(block[1].strip().splitlines()) < 30
    roles = {role.removesuffix("?").removesuffix(".*") for role in RULES[rule].roles}
    assert set(re.findall(r'PLAN\.parents?\("(\w+)"\)', block[1])) == roles
    assert f'"receipts/{RULES[rule].kind}/{{digest}}.json"' in block[1]
    step = importlib.import_module(f"safebasin.steps.{rule}")
    assert callable(step.run)
    assert step.FILES
    assert ("gpu=PLAN.gpus" in block[1]) == RULES[rule].gpu
