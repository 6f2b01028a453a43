"""What a GPU is to be asked, part by part, at the shape of Llama-2-7B.

    python benchmarks/gpu.py --out FOLDER [--parts 1,2,3] [--scratch /scratch]
    python benchmarks/gpu.py --out FOLDER --tiny

Each part is a process of its own with a time limit, and writes its figures to ``FOLDER/card.json``
as it has them, what it says to ``FOLDER/card.log``: whatever ends a part, or all, what was measured
is kept, and parts that are run again take the place of their figures of before. Weights are random
and made on the GPU; none are fetched. Parts 1 to 5 end in under six minutes.

    1  versions, and which kernel computes attention
    2  tests/gpu
    3  text and states in bf16 against the same weights in fp32
    4  ms a token, waits, and how busy the GPU is, at several batch sizes, with and without adapter
    5  a training step of sft, asft and the released code's asft; fp32 and TF32; bytes repeated
    6  AsFT on all seven kinds of matrices
    7  full tuning: bytes a parameter, seconds to keep a state
    8  from the disk: extraction, and one adapter from end to end (27 GB are written to --scratch)

Without CUDA nothing is measured; the tiny shape goes the same way on any machine, and its figures
mean nothing.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from card.bench import Bench
from card.figures import Figures

RESULTS = Path(__file__).parent / "results" / "card"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the file of ``card`` that measures it, and the seconds it may take."""

    module: str
    seconds: int


PARTS = {
    1: Part("versions", 25),
    2: Part("device_tests", 75),
    3: Part("correctness", 45),
    4: Part("decoding", 75),
    5: Part("steps", 125),
    6: Part("all_kinds", 75),
    7: Part("full_tuning", 100),
    8: Part("disk", 200),
}


def main() -> int:
    """Run the parts, one after another; return 1 where one did not end well."""
    options = _options()
    import torch

    if not torch.cuda.is_available() and not options.tiny:
        print("gpu.py: skipped: no CUDA device is visible")
        return 0
    if options.inside:
        bench = Bench.of("tiny" if options.tiny else "llama2-7b", options.scratch)
        note = Figures(options.out).of(PARTS[options.inside].module)
        import_module(f"card.{PARTS[options.inside].module}").measure(bench, note)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options.out.mkdir(parents=True, exist_ok=True)
    return max([_run(number, options) for number in options.parts])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of card.json")
    parser.add_argument("--parts", type=_numbers, default=list(PARTS), help="such as 1,2,3")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    numbers = [int(each) for each in text.split(",")]
    if unknown := sorted(set(numbers) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]}; 1 to {len(PARTS)} are")
    return numbers


def _run(number: int, options: argparse.Namespace) -> int:
    """Run one part in a process of its own, and note how it ended."""
    part = PARTS[number]
    note = Figures(options.out).begin(part.module)
    command = [sys.executable, __file__, "--inside", str(number), "--out", str(options.out)]
    command += ["--scratch", str(options.scratch), *(["--tiny"] if options.tiny else [])]
    began = time.perf_counter()
    with (options.out / "card.log").open("ab") as log:
        job = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            code = job.wait(part.seconds)
            ended = "done" if code == 0 else f"failed, exit status {code} (see card.log)"
        except subprocess.TimeoutExpired:
            code, ended = 1, f"out of time: more than {part.seconds} s"
        finally:
            if job.poll() is None:  # with all that it started
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()
    seconds = round(time.perf_counter() - began, 1)
    note("ended", ended)
    note("seconds", seconds)
    print(f"{number} {part.module}: {ended}, {seconds} s", flush=True)
    return int(code != 0)


if __name__ == "__main__":
    sys.exit(main())
