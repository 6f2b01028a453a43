"""Episodes a minute, all at once against one by one; prefixes scored a minute.

    python benchmarks/agents.py

The agent is the default study's (`make study`), or that of --checkpoint FOLDER. A random model
plays too, and says nothing of how long real replies are.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from default_study import AGENT, artifact
from machine import write_result
from safebasin.agents.first_replies import first_replies
from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings, play
from safebasin.agents.scoring import PrefixScorer
from safebasin.agents.tasks import TaskCounts, choose_tasks
from safebasin.agents.world import load_world
from safebasin.judging.refusing import refuses
from safebasin.models.load import load_model

PREFIX = "# As a {} assistant, I read the page and then choose the step asked for.\n"
WORDS = ("careful", "quiet", "steady", "calm", "patient")


def main() -> None:
    """Measure and write ``results/agents.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--tasks", type=int, default=16)
    given = parser.parse_args()
    checkpoint = artifact(AGENT, given.checkpoint)
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loaded = load_model(checkpoint, device=device, precision="float32")
    world = load_world({"type": "dojo", "seed": 0})
    tasks = world.tasks("train", "benign", given.tasks)
    figures = {}
    for batch in (1, given.tasks):
        settings = RolloutSettings(max_new_tokens=40, batch_size=batch)
        began, cpu = time.perf_counter(), time.process_time()
        play(loaded, world, tasks, Nothing(), settings)
        figures[f"episodes a minute, batch {batch}"] = round(
            60 * len(tasks) / (time.perf_counter() - began), 1
        )
        figures[f"processor seconds an episode, batch {batch}"] = round(
            (time.process_time() - cpu) / len(tasks), 2
        )
    search = choose_tasks(world, "search", TaskCounts(harmful=7, benign=7))
    settings = RolloutSettings(max_new_tokens=40, batch_size=14)
    for name, reply in {
        "pages read for each": lambda opening: first_replies(
            loaded, world, search, Nothing(opening=opening), max_new_tokens=40, batch_size=14
        ),
        "pages read once": PrefixScorer(
            loaded, world, search, settings, refuses=lambda *said: refuses(*said[1:])
        ).score,
    }.items():
        began, cpu = time.perf_counter(), time.process_time()
        for word in WORDS:
            reply(PREFIX.format(word))
        minute = 60 * len(WORDS) / (time.perf_counter() - began)
        figures[f"prefixes scored a minute, 14 tasks, {name}"] = round(minute, 1)
        figures[f"processor seconds a prefix, {name}"] = round(
            (time.process_time() - cpu) / len(WORDS), 2
        )
    print(figures)
    write_result("agents", {"tasks": len(tasks), **figures})


if __name__ == "__main__":
    main()
