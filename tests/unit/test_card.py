"""What a GPU is measured with, at a size that any machine has; and how it gets to one."""

from __future__ import annotations

import importlib.metadata as metadata
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement
from safebasin.store.code_identity import PACKAGE

ROOT = PACKAGE.parents[1]
BENCHMARKS = ROOT / "benchmarks"
HELD_AT_ONCE = {
    "versions": ("versions", "as PyTorch comes, decoding, 8 heads of keys", "in a job, reading, 4 heads of keys"),
    "correctness": ("32 heads of keys, head of 0 tokens", "4 heads of keys, head of 7 tokens", "wrong"),
    "decoding": ("no adapter, 2 prompts", "adapter, 4 prompts", "with cuDNN"),
    "steps": ("sft, 8 x 32 by 8", "asft, 8 x 12 by 2", "asft, dense, 8 x 32 by 2", "sft in TF32, 8 x 12 by 2"),
    "all_kinds": ("sft", "asft", "anchors_gib", "peak_while_making_gib"),
    "full_tuning": ("bytes_a_parameter", "a_state"),
    "disk": ("extraction", "adapter", "loading_seconds"),
}  # fmt: skip
"""Some figures of each part; the tests of ``tests/gpu`` are a part too, and are skipped here."""


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def kernels_as_they_were() -> Iterator[None]:
    """Let other tests compute as before: a part chooses kernels, as a job does."""
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)
    torch.backends.cuda.enable_cudnn_sdp(True)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Return what measures a part, once for all tests, and looks that it leaves nothing behind."""
    known: dict[str, dict[str, Any]] = {}

    def of(part: str) -> dict[str, Any]:
        if part not in known:
            known[part], scratch = {}, tmp_path_factory.mktemp(part)
            bench = import_module("card.bench").Bench.of("tiny", scratch)
            import_module(f"card.{part}").measure(bench, known[part].__setitem__)
            assert not list(scratch.iterdir())
        return known[part]

    return of


@pytest.mark.parametrize("part", HELD_AT_ONCE)
def test_every_part_goes_its_way_at_a_small_size_and_leaves_nothing(
    part, measured, kernels_as_they_were
):
    figures = measured(part)
    assert set(HELD_AT_ONCE[part]) <= set(figures)
    json.dumps(figures)


def test_a_step_is_measured_and_repeated_for_every_method_length_and_micro_batch(
    measured, kernels_as_they_were
):
    figures = measured("steps")
    steps = [name for name in figures if " by " in name]
    assert len(steps) == 3 * 2 * 2 + 2 * 2
    assert all(figures[name]["step_seconds_median"] > 0 for name in steps)
    assert figures["sft, same bytes twice"]
    assert figures["asft, same bytes twice"]
    assert figures["sft, 8 x 32 by 8"]["bytes"] != figures["asft, 8 x 32 by 8"]["bytes"]


def test_no_kernel_of_cudnn_is_among_those_that_a_job_chooses(measured, kernels_as_they_were):
    figures = measured("versions")
    assert figures["cudnn may compute attention"] is False
    chosen = [names for name, names in figures.items() if name.startswith("in a job")]
    assert len(chosen) == 9
    assert all(chosen)
    assert not [name for names in chosen for name in names if "cudnn" in name]


def gpu_benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "benchmarks/gpu.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path):
    told = gpu_benchmark("--out", str(tmp_path / "out"))
    assert (told.returncode, told.stdout) == (0, "gpu.py: skipped: no CUDA device is visible\n")
    assert not list(tmp_path.iterdir())


def test_a_part_that_there_is_not_is_refused():
    told = gpu_benchmark("--parts", "1,9")
    assert told.returncode == 2
    assert "there is no part 9; 1 to 8 are" in told.stderr


SCRIPT = """
import subprocess, sys
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
from card.figures import Figures
out = Path(sys.argv[sys.argv.index("--out") + 1])
note = Figures(out).of("steps")
{body}
"""
WAITS = """
child = subprocess.Popen(["sleep", "600"])
note("child", child.pid)
child.wait()
"""


@pytest.fixture
def gpu_py(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], tuple[ModuleType, Any]]:
    """Return what makes gpu.py run such a script as its fifth part, with five seconds for it."""

    def with_part(body: str) -> tuple[ModuleType, Any]:
        gpu = import_module("gpu")
        script = tmp_path / "part.py"
        script.write_text(SCRIPT.format(benchmarks=str(BENCHMARKS), body=body))
        monkeypatch.setattr(gpu, "__file__", str(script))
        monkeypatch.setitem(gpu.PARTS, 5, gpu.Part("steps", 5))
        monkeypatch.setattr(
            sys, "argv", ["gpu.py", "--tiny", "--out", str(tmp_path), "--parts", "5"]
        )
        return gpu, lambda: json.loads((tmp_path / "card.json").read_text())["parts"]["steps"]

    return with_part


def ends(process: int) -> bool:
    """Return whether the process has ended or does so soon; it is ended if not."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([handle], [], [], 20)
    os.close(handle)
    if not ready:
        os.kill(process, signal.SIGKILL)
    return bool(ready)


def test_a_part_out_of_time_ends_with_all_that_it_started_and_its_figures_stay(gpu_py):
    gpu, figures = gpu_py(WAITS)
    assert gpu.main() == 1
    assert figures()["ended"] == "out of time: more than 5 s"
    assert ends(figures()["child"])


def test_a_part_that_fails_is_told_and_its_figures_stay(gpu_py):
    gpu, figures = gpu_py("note('first', 1.5)\nsys.exit(3)")
    assert gpu.main() == 1
    assert figures()["first"] == 1.5
    assert figures()["ended"].startswith("failed, exit status 3")


def test_a_part_that_is_run_again_forgets_its_figures_and_no_other_ones(gpu_py, tmp_path):
    before = {"parts": {"steps": {"old": 1}, "disk": {"kept": 2}}}
    (tmp_path / "card.json").write_text(json.dumps(before))
    gpu, figures = gpu_py("note('new', 3)")
    assert gpu.main() == 0
    assert "old" not in figures()
    assert figures()["new"] == 3
    assert json.loads((tmp_path / "card.json").read_text())["parts"]["disk"] == {"kept": 2}


def test_parts_1_to_5_are_given_less_than_six_minutes():
    gpu = import_module("gpu")
    assert sum(part.seconds for number, part in gpu.PARTS.items() if number <= 5) < 360
    assert {part.module for part in gpu.PARTS.values()} == {*HELD_AT_ONCE, "device_tests"}


# In bf16 against fp32: what is right passes (the part ``correctness`` above), what is wrong does not.


def shifted_heads(query: Any, key: Any, value: Any, mask: Any) -> tuple[Any, ...]:
    """Give every other row the values of its neighbours' heads, while it decodes."""
    if value.dtype == torch.bfloat16 and mask is not None and mask.shape[-2] == 1:
        value = value.clone()
        value[1::2] = value[1::2].roll(1, dims=1)
    return query, key, value, mask


def forgotten_token(query: Any, key: Any, value: Any, mask: Any) -> tuple[Any, ...]:
    """Hide the token before the last."""
    if value.dtype == torch.bfloat16 and mask is not None and mask.shape[-1] > 2:
        mask = mask.clone()
        mask[..., -2] = False if mask.dtype == torch.bool else float("-inf")
    return query, key, value, mask


def seen_padding(query: Any, key: Any, value: Any, mask: Any) -> tuple[Any, ...]:
    """Show the padding to every token."""
    if value.dtype == torch.bfloat16 and mask is not None and mask.shape[-2] == 1:
        mask = torch.ones_like(mask) if mask.dtype == torch.bool else torch.zeros_like(mask)
    return query, key, value, mask


@pytest.mark.parametrize("kv_heads", [32, 8, 4])
@pytest.mark.parametrize("fault", [None, shifted_heads, forgotten_token, seen_padding])
def test_attention_that_is_wrong_is_told_from_rounding(monkeypatch, fault, kv_heads):
    against, shapes = import_module("card.against_fp32"), import_module("random_llama")
    loaded = shapes.build_llama(
        shapes.SHAPES["tiny"], torch.device("cpu"), "bfloat16", kv_heads=kv_heads
    )
    against.make_attention_matter(loaded.model, seed=0)
    right = torch.nn.functional.scaled_dot_product_attention

    def attend(query: Any, key: Any, value: Any, attn_mask: Any = None, **named: Any) -> Any:
        given = (query, key, value, attn_mask)
        query, key, value, attn_mask = fault(*given) if fault else given
        return right(query, key, value, attn_mask=attn_mask, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", attend)
    prompts = [tuple(range(3, 4 + 5 * size)) for size in range(6)]
    found = against.compare_generation(loaded, prompts, head=(), new_tokens=6)
    assert found.is_right == (fault is None), found


def test_one_row_that_is_far_off_is_not_lost_among_many():
    agreement = import_module("card.against_fp32").Agreement
    right = {"worst": 0.6, "mean": 1.1, "tokens": 100, "decided": 40, "wrong": 0}
    assert agreement(**right).is_right
    for changed in ({"worst": 1.1}, {"mean": 2.1}, {"wrong": 1}, {"decided": 0}):
        assert not agreement(**right | changed).is_right


# What travels.


@pytest.fixture
def on_a_card() -> ModuleType:
    return import_module("on_a_card")


def needs_of(names: set[str]) -> set[str]:
    """Return what the packages need, themselves included, on Linux with Python 3.12."""
    here = {"python_version": "3.12", "python_full_version": "3.12.3", "extra": ""}
    waiting, found = set(names), set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        try:
            needed = map(Requirement, metadata.requires(name) or ())
        except metadata.PackageNotFoundError:
            continue
        for each in needed:
            if each.marker is None or each.marker.evaluate(here):
                waiting |= {each.name.lower().replace("_", "-")} - found
    return found


def test_what_travels_lacks_nothing_that_is_not_there(on_a_card):
    lacking = needs_of(set(on_a_card.CARRIED)) - needs_of(set(on_a_card.THERE))
    assert lacking <= set(on_a_card.CARRIED)
    assert "torch" not in on_a_card.CARRIED


@pytest.fixture
def bare(on_a_card: ModuleType, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has nothing but what travels, and what is there."""
    there = needs_of({*on_a_card.CARRIED, *on_a_card.THERE})
    hidden = {
        module
        for module, owners in metadata.packages_distributions().items()
        if not {owner.lower().replace("_", "-") for owner in owners} & there
        and not module.startswith(("_", "safebasin"))
    }
    assert {"snakemake", "xdist"} <= hidden
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Bare(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        if name.split('.')[0] not in {hidden!r}:\n"
        "            return super().find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Bare if each is PathFinder else each for each in sys.meta_path]\n"
    )
    paths = (tmp_path / "bare", PACKAGE.parent, BENCHMARKS)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def test_tests_are_run_and_counted_where_nothing_else_is(bare, tmp_path):
    done = subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--tiny", "--parts", "2", "--out", str(tmp_path)],
        cwd=ROOT,
        env=bare,
        check=False,
    )
    log = (tmp_path / "card.log").read_text()
    assert done.returncode == 0, log
    part = json.loads((tmp_path / "card.json").read_text())["parts"]["device_tests"]
    assert part["ended"] == "done"
    assert part["machine"]["date"]
    assert part["tests"]["skipped"] > 20
    assert part["tests"]["failed"] == part["tests"]["passed"] == 0
    assert "no CUDA device is visible" in log


def test_every_part_can_be_imported_where_nothing_else_is(bare):
    names = [f"card.{path.stem}" for path in sorted((BENCHMARKS / "card").glob("[a-z]*.py"))]
    assert len(names) > len(HELD_AT_ONCE)
    code = "; ".join(f"import {name}" for name in names)
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_travels_is_pinned_with_hashes_by_the_lock_of_gpus(on_a_card):
    found = on_a_card.pinned(on_a_card.CARRIED, on_a_card.LOCK.read_text(encoding="utf-8"))
    assert len(found) == len(on_a_card.CARRIED)
    assert all("--hash=sha256:" in entry for entry in found)
    with pytest.raises(SystemExit, match=r"cuda\.lock has 0 entries of nothing"):
        on_a_card.pinned(["nothing"], "something==1 \\\n    --hash=sha256:0")


def downloaded(monkeypatch: pytest.MonkeyPatch, module: ModuleType, size: int) -> list[list[str]]:
    """Let pip write one wheel of that size; return what it was asked."""
    asked: list[list[str]] = []

    def pip(*arguments: str) -> None:
        asked.append(list(arguments))
        folder = Path(arguments[arguments.index("--dest") + 1])
        with (folder / "peft-2-py3-none-any.whl").open("wb") as file:
            file.truncate(size)

    monkeypatch.setattr(module, "pip", pip)
    return asked


def test_wheels_take_the_place_of_those_of_before(on_a_card, monkeypatch, tmp_path):
    (tmp_path / "peft-1-py3-none-any.whl").touch()
    (tmp_path / "notes.txt").touch()
    (asked,) = [downloaded(monkeypatch, on_a_card, 10)]
    assert on_a_card.main(["wheels", "--wheels", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "notes.txt",
        "peft-2-py3-none-any.whl",
    ]
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:", "3.12"} <= set(asked[0])


def test_more_than_may_be_carried_is_refused_and_the_wheels_of_before_stay(
    on_a_card, monkeypatch, tmp_path
):
    (tmp_path / "peft-1-py3-none-any.whl").touch()
    downloaded(monkeypatch, on_a_card, 65 * 2**20)
    with pytest.raises(SystemExit, match="take 65 MiB, and 64 may be carried"):
        on_a_card.main(["wheels", "--wheels", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["peft-1-py3-none-any.whl"]


def test_a_run_installs_once_and_hands_the_rest_to_the_benchmark(on_a_card, monkeypatch, tmp_path):
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    for folder in (wheels, site):
        folder.mkdir()
    asked: list[Any] = []
    monkeypatch.setattr(on_a_card, "pip", lambda *given: asked.append(given))
    monkeypatch.setattr(on_a_card.os, "execve", lambda *given: asked.append(given))
    arguments = [
        "run",
        "--wheels",
        str(wheels),
        "--site",
        str(site),
        "--out",
        "o",
        "--parts",
        "1,2",
    ]
    with pytest.raises(SystemExit, match=r"holds no wheels: `on_a_card\.py wheels` makes them"):
        on_a_card.main(arguments)
    (wheels / "peft-2-py3-none-any.whl").touch()
    on_a_card.main(arguments)
    on_a_card.main(arguments)
    install, first, second = asked
    assert {"--no-index", "--no-deps", str(wheels / "peft-2-py3-none-any.whl")} <= set(install)
    assert first == second
    program, command, environment = first
    assert command == [program, str(BENCHMARKS / "gpu.py"), "--out", "o", "--parts", "1,2"]
    paths = environment["PYTHONPATH"].split(os.pathsep)
    assert paths == [str(site), str(ROOT / "workflow_scripts"), str(BENCHMARKS)]
