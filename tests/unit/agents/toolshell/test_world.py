"""The tasks: their counts, their parts, and their goals against a second reading of them."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from itertools import combinations, pairwise
from typing import cast, get_args

import pytest
from safebasin.agents.toolshell.goals import all_hold
from safebasin.agents.toolshell.state import State
from safebasin.agents.toolshell.world import COUNTS, TURNS, Toolshell
from safebasin.agents.world import Kind, Part, Task, load_world, page_message

from . import oracle

WORLD = Toolshell()
KINDS = cast(tuple[Kind, ...], get_args(Kind))
PARTS = cast(tuple[Part, ...], get_args(Part))


def every(part: Part) -> list[Task]:
    return [task for kind in KINDS for task in WORLD.tasks(part, kind)]


def _people(task: Task) -> set[str]:
    """Return the names that are no part of every task: they have a capital and are no first word."""
    return set(re.findall(r"(?<=[a-z] )[A-Z][a-z]+", task.instruction)) - {"Open", "May"}


def holds(task: Task, state: State) -> bool:
    return all_hold(cast(list[dict[str, object]], task.details["goal"]), state)


def test_the_parts_hold_as_many_tasks_as_they_say() -> None:
    for part in PARTS:
        for kind in KINDS:
            assert len(WORLD.tasks(part, kind)) == COUNTS[part].get(kind, 0)
    assert {kind: len(WORLD.tasks("test", kind)) for kind in KINDS} == {
        **{"benign": 104, "harmful": 104, "lookalike": 52}
    }
    assert {task.kind for task in every("train")} == {"benign"}


def test_no_two_parts_share_an_object_or_a_person() -> None:
    objects = {part: {task.object for task in every(part)} for part in PARTS}
    for one, other in combinations(PARTS, 2):
        assert not objects[one] & objects[other]
        named = " ".join(task.instruction for task in every(other))
        assert not objects[one] & set(re.split(r"[^a-z]+", named))
        people = [{p for t in every(part) for p in _people(t)} for part in (one, other)]
        assert not people[0] & people[1]


def test_no_two_tasks_are_the_same() -> None:
    tasks = [task for part in PARTS for task in every(part)]

    assert len({task.id for task in tasks}) == len(tasks)
    assert len({task.instruction for task in tasks}) == len(tasks)


@pytest.mark.parametrize("kind", KINDS)
def test_the_categories_of_a_test_are_even_and_its_clusters_small(kind: Kind) -> None:
    tasks = WORLD.tasks("test", kind)

    assert len(set(Counter(task.category for task in tasks).values())) == 1
    assert len({task.category for task in tasks}) == 13
    assert max(Counter(task.object for task in tasks).values()) <= 2


def test_the_first_tasks_are_the_same_however_many_are_asked_for() -> None:
    assert WORLD.tasks("test", "harmful", 7) == WORLD.tasks("test", "harmful")[:7]
    assert Toolshell(seed=0).tasks("test", "benign") == WORLD.tasks("test", "benign")
    assert Toolshell(seed=1).tasks("test", "benign") != WORLD.tasks("test", "benign")


def test_a_task_is_plain_json_and_short() -> None:
    for part in PARTS:
        for task in every(part):
            assert json.loads(json.dumps(task.details)) == task.details
            assert len(page_message(task.instruction, "")) < 200
            assert task.turns == TURNS


@pytest.mark.parametrize("part", PARTS)
def test_no_goal_holds_at_the_start_and_each_holds_when_done_as_asked(part: Part) -> None:
    for task in every(part):
        modes = cast(dict[str, int], task.details["modes"])
        assert not holds(task, oracle.state(oracle.start(task), modes=modes)), task
        assert holds(task, oracle.done(task)), task


def test_no_goal_holds_when_another_task_is_done_or_all_is_gone() -> None:
    for kind in KINDS:
        tasks = WORLD.tasks("test", kind)
        for task, other in pairwise(tasks):
            modes = cast(dict[str, int], task.details["modes"])
            own, done = oracle.state(oracle.start(task), modes=modes), oracle.done(other)
            both = State(entries={**done.entries, **own.entries}, mails=done.mails)
            assert not holds(task, both), task
    for kind in ("benign", "lookalike"):
        for task in WORLD.tasks("test", kind):
            assert not holds(task, oracle.state({})), task


def test_look_alikes_do_what_harmful_tasks_do() -> None:
    harmful, alike = WORLD.tasks("test", "harmful", 13), WORLD.tasks("test", "lookalike", 13)

    for one, other in zip(harmful, alike, strict=True):
        assert one.object == other.object
        goals = [cast(list[dict[str, object]], task.details["goal"]) for task in (one, other)]
        assert goals[0][0]["that"] == goals[1][0]["that"]


def test_a_demonstration_is_a_reply_that_parses() -> None:
    for task in every("test"):
        turns = WORLD.demonstrate(task)
        assert 1 <= len(turns) < task.turns
        for turn in turns:
            assert turn.comment.startswith("# ")
            assert "\n" not in turn.comment
            code = WORLD.parse(f"{turn.comment}\n{turn.action}")
            assert code is not None
            assert WORLD.exit_message(code) is None
            compile(code, "demonstration", "exec")


def test_the_system_message_says_nothing_of_safety() -> None:
    words = ("safe", "harm", "refuse", "danger", "ethic", "legal", "permission")

    assert not any(word in WORLD.system.lower() for word in words)


@pytest.mark.parametrize("kind", KINDS)
def test_the_expert_reaches_the_goal_in_the_sandbox(kind: Kind, sandbox: None) -> None:
    world = load_world({"type": "toolshell"})
    whole = bool(os.environ.get("SAFEBASIN_WHOLE_TOOLSHELL"))
    # The first thirteen have each category once.
    for task in world.tasks("test", kind, None if whole else 13):
        with cast(Toolshell, world).begin(task) as episode:
            episode.reset()
            assert not episode.reached()
            steps = []
            for turn in world.demonstrate(task):
                action = world.parse(f"{turn.comment}\n{turn.action}")
                assert action is not None
                steps.append(episode.step(action))
            assert [step.reward for step in steps] == [0.0] * (len(steps) - 1) + [1.0], task
            assert steps[-1].done
            assert episode.reached()
