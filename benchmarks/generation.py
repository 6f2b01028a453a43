"""Tokens per second of greedy generation: batches with a shared head against one by one.

    python benchmarks/generation.py

The model is the default study's (`make study`), or that of --checkpoint FOLDER. Times are processor
seconds of one thread, which neighbours on a shared machine disturb less than the clock.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from default_study import ALIGNED, artifact
from machine import write_result
from safebasin.models import generate
from safebasin.models.chat import ChatFormat
from safebasin.models.load import load_model

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

WORDS = ("river", "stone", "garden", "window", "paper", "letter", "market", "winter", "bridge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way of generating."""

    prompts: int
    batch_size: int
    new_tokens: int
    shares_head: bool = True


CASES = (
    Case(prompts=8, batch_size=1, new_tokens=16, shares_head=False),
    Case(prompts=32, batch_size=16, new_tokens=16, shares_head=False),
    Case(prompts=32, batch_size=16, new_tokens=16),
    Case(prompts=32, batch_size=32, new_tokens=16),
    Case(prompts=64, batch_size=64, new_tokens=16),
    Case(prompts=64, batch_size=64, new_tokens=3),
)


def neutral_prompts(chat: ChatFormat, count: int) -> list[tuple[int, ...]]:
    """Return prompts of 4 to 14 random words."""
    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(4, 14))) for _ in range(count)]
    return [chat.prompt([{"role": "user", "content": f"Describe: {text}"}]) for text in texts]


def measure(loaded: LoadedModel, case: Case) -> dict[str, object]:
    """Return speed of one case, after a short warm-up."""
    chat = ChatFormat(loaded.tokenizer)
    prompts = neutral_prompts(chat, case.prompts)
    kept = generate.common_head
    if not case.shares_head:
        generate.common_head = lambda rows: ()
    try:
        generate.generate_answers(loaded, prompts[:1], max_new_tokens=1, batch_size=1)
        cpu, wall = time.process_time(), time.perf_counter()
        answers = generate.generate_answers(
            loaded, prompts, max_new_tokens=case.new_tokens, batch_size=case.batch_size
        )
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        generate.common_head = kept
    made = sum(answer.new_tokens for answer in answers)
    return {
        **asdict(case),
        "prompt_tokens_mean": sum(map(len, prompts)) / len(prompts),
        "cpu_seconds": round(cpu, 2),
        "wall_seconds": round(wall, 2),
        "tokens_per_cpu_second": round(made / cpu, 1),
        "prompts_per_cpu_second": round(len(prompts) / cpu, 2),
    }


def main() -> None:
    """Measure every case and write ``results/generation.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    given = parser.parse_args()
    folder = artifact(ALIGNED, given.checkpoint)
    import torch

    loaded = load_model(folder, device=torch.device("cpu"), precision=given.precision)
    rows = [measure(loaded, case) for case in CASES]
    size_in_millions = round(sum(p.numel() for p in loaded.model.parameters()) / 1e6, 1)
    write_result(
        "generation",
        {"million_parameters": size_in_millions, "precision": given.precision, "cases": rows},
    )


if __name__ == "__main__":
    main()
