"""Take ``gpu.py`` to a machine that has a card and no network.

    python benchmarks/on_a_card.py wheels                       here, where there is a network
    python3 benchmarks/on_a_card.py run --out FOLDER [--parts 1,2,3,4,5]       there

The first downloads what such a machine lacks beside torch, as wheels for its Python, in the
versions and with the hashes of ``envs/cuda.lock``, to ``.whl/``: take that folder along with a copy
of the repository. The second installs them beside the machine's own packages, in a folder of their
own, and runs ``gpu.py`` with all other options. What else is needed is there: ``THERE``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "envs" / "cuda.lock"
CARRIED = (
    "accelerate", "annotated-types", "anyio", "click", "filelock", "gguf", "hf-xet", "httpcore2",
    "httpx2", "huggingface-hub", "hypothesis", "idna", "peft", "pydantic", "pydantic-core", "regex",
    "safetensors", "tokenizers", "transformers", "truststore", "typer", "typing-extensions",
    "typing-inspection",
)  # fmt: skip
THERE = (
    "annotated-doc", "certifi", "fsspec", "h11", "jinja2", "numpy", "packaging", "psutil",
    "pyarrow", "pytest", "pyyaml", "requests", "rich", "shellingham", "sortedcontainers", "torch",
    "tqdm",
)  # fmt: skip
"""What comes with torch on a machine that people train on; in whatever version, it will do."""
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux1")
LARGEST = 64 * 2**20
"""Bytes that may be asked of whoever carries them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; ``run`` becomes ``gpu.py``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("wheels", "run"))
    parser.add_argument("--wheels", type=Path, default=ROOT / ".whl", help="the folder of wheels")
    parser.add_argument(
        "--site",
        type=Path,
        default=Path(tempfile.gettempdir()) / "site",
        help="where they go there",
    )
    options, others = parser.parse_known_args(arguments)
    if options.what == "run":
        install(options.wheels, options.site)
        os.execve(sys.executable, command(others), environment(options.site))
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    else:
        download(options.wheels)
    return 0


def pinned(names: Iterable[str], lock: str) -> list[str]:
    """Return the lock's entry of each package, hashes included.

    Raises:
        SystemExit: the lock has none, or two.
    """
    entries = re.split(r"\n(?=\S)", lock.strip())
    found = []
    for name in names:
        own = [entry for entry in entries if entry.startswith(f"{name}==")]
        if len(own) != 1:
            raise SystemExit(f"{LOCK.name} has {len(own)} entries of {name}, and one is needed")
        found += own
    return found


def download(folder: Path) -> None:
    """Put the wheels in the folder, in the place of those that are there.

    Raises:
        SystemExit: a wheel is not to be had, or they are too large together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as fresh:
        asked = Path(fresh) / "carried.txt"
        asked.write_text("\n".join(pinned(CARRIED, LOCK.read_text(encoding="utf-8"))) + "\n")
        platforms = [part for each in PLATFORMS for part in ("--platform", f"{each}_x86_64")]
        pip(
            "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
            "--implementation", "cp", "--python-version", PYTHON, *platforms,
            "--dest", fresh, "--requirement", str(asked),
        )  # fmt: skip
        wheels = sorted(Path(fresh).glob("*.whl"))
        size = sum(wheel.stat().st_size for wheel in wheels)
        if size > LARGEST:
            raise SystemExit(
                f"the wheels take {size >> 20} MiB, and {LARGEST >> 20} may be carried"
            )
        for old in folder.glob("*.whl"):  # of two versions none would be installed
            old.unlink()
        for wheel in wheels:
            shutil.move(wheel, folder / wheel.name)
    print(f"{len(wheels)} wheels, {size / 2**20:.1f} MiB, in {folder}")


def install(wheels: Path, site: Path) -> None:
    """Install the wheels in a folder of their own, unless they are there.

    Raises:
        SystemExit: there are none, or pip cannot.
    """
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise SystemExit(f"{wheels} holds no wheels: `on_a_card.py wheels` makes them")
    done = site / "installed.txt"
    names = "".join(f"{wheel.name}\n" for wheel in found)
    if done.exists() and done.read_text(encoding="utf-8") == names:
        return
    pip(
        "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir",
        "--upgrade", "--target", str(site), *map(str, found),
    )  # fmt: skip
    done.write_text(names, encoding="utf-8")


def command(others: Sequence[str]) -> list[str]:
    """Return how ``gpu.py`` is called."""
    return [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), *others]


def environment(site: Path) -> dict[str, str]:
    """Return the environment in which our packages come before the machine's."""
    paths = (site, ROOT / "workflow_scripts", ROOT / "benchmarks")
    fixed = {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **fixed, "PYTHONPATH": os.pathsep.join(map(str, paths))}


def pip(*arguments: str) -> None:
    """Run pip.

    Raises:
        SystemExit: it failed, and has said why.
    """
    if code := subprocess.run([sys.executable, "-m", "pip", *arguments], check=False).returncode:
        raise SystemExit(code)


if __name__ == "__main__":
    sys.exit(main())
