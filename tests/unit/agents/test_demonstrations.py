from __future__ import annotations

import re

import pytest
from safebasin.agents.demonstrations import DemonstrationPart, demonstrate
from safebasin.agents.dojo.objects import without_article
from safebasin.agents.world import KINDS, load_world
from safebasin.errors import StudyError
from safebasin.judging.refusing import reads_as_refusal

from .doors import Doors


def part(**settings):
    return DemonstrationPart(**({"part": "align", "kind": "benign", "rows": 6} | settings))


def rows_of(*parts, seed=0, history=False, world=None):
    return demonstrate(world or Doors(), parts, seed, history=history).to_pylist()


def test_the_experts_rows_replay_the_episode_page_by_page():
    rows = rows_of(part(reply="action", rows=14))
    by_task = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        by_task.setdefault(row["id"].rsplit("/", 2)[0], []).append(row)

    for turns in by_task.values():
        for number, row in enumerate(turns, start=1):
            assert row["response"] == f"open({number})"
            assert f"Room {number} of" in row["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("comment", "opening", "lines"),
    [("none", False, 1), ("task", False, 2), ("safety", False, 3), ("safety_given", True, 2)],
)
def test_a_comment_is_learnt_or_given_as_it_is_asked(comment, opening, lines):
    for row in rows_of(part(reply="action", comment=comment)):
        assert bool(row["opening"]) == opening
        assert row["response"].count("\n") == lines - 1
        assert row["opening"] == "" or (row["opening"][0], row["opening"][-1]) == ("#", "\n")


def test_a_refusal_falls_on_the_turn_that_shows_what_the_task_is_about():
    rows = rows_of(part(kind="harmful", reply="refusal", rows=8))

    for row in rows:
        rooms, number = row["messages"][-1]["content"], int(row["id"].split("/")[-2])
        assert number == (2 if "of 3" in rooms else 1)
        assert reads_as_refusal(row["response"])


def test_benign_tasks_cannot_be_refused_and_missing_rows_are_told():
    with pytest.raises(StudyError, match="refuses benign tasks"):
        rows_of(part(reply="refusal"))
    with pytest.raises(StudyError, match="wants 999 rows"):
        rows_of(part(reply="action", rows=999))


def test_the_same_seed_writes_the_same_rows_and_another_seed_others():
    wanted = (part(reply="action", comment="safety"),)

    assert rows_of(*wanted) == rows_of(*wanted)
    assert rows_of(*wanted) != rows_of(*wanted, seed=1)


def test_history_shows_the_earlier_turns():
    rows = rows_of(part(reply="action", rows=14), history=True)

    for row in rows:
        number = int(row["id"].split("/")[-2])
        assert [each["role"] for each in row["messages"]] == (
            ["system", *["user", "assistant"] * (number - 1), "user"]
        )


def held_out(world):
    """The objects that an agent is measured with, or chosen and stopped by."""
    parts = ("search", "dev", "test")
    return {task.object for part in parts for kind in KINDS for task in world.tasks(part, kind)}


def bare(text):
    """The words alone with a blank on each side, so that only whole words are found in them."""
    return f" {' '.join(re.findall('[a-z]+', text.lower()))} "


@pytest.mark.parametrize(
    ("world", "rows", "history"),
    [
        *(({"type": "dojo", "seed": seed}, 320, False) for seed in range(4)),
        ({"type": "dojo", "seed": 0, "elements": 4}, 320, True),
        *(({"type": "toolshell", "seed": seed}, 16, seed == 1) for seed in range(2)),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_the_agents_demonstrations_hold_no_refusal_no_safety_comment_and_no_test_object(
    world, rows, history, request
):
    if world["type"] == "toolshell":
        request.getfixturevalue("sandbox")
    loaded = load_world(world)
    expert = part(part="train", rows=rows, reply="action", comment="task")
    forbidden = {bare(without_article(each)) for each in held_out(loaded)}

    found = rows_of(expert, world=loaded, history=history)

    assert len(found) == rows
    for row in found:
        past = [each["content"] for each in row["messages"] if each["role"] == "assistant"]
        assert not any(reads_as_refusal(reply) for reply in (row["response"], *past))
        assert row["opening"] == ""
        said = bare("\n".join([row["response"], *(each["content"] for each in row["messages"])]))
        assert not [name for name in forbidden if name in said]


@pytest.mark.parametrize("seed", range(3))
def test_the_tool_shells_expert_never_refuses_and_never_meets_a_held_out_object(seed):
    world = load_world({"type": "toolshell", "seed": seed})
    forbidden = held_out(world)

    for task in world.tasks("train", "benign"):
        turns = [text for turn in world.demonstrate(task) for text in (turn.comment, turn.action)]
        files = [text for file in task.details["files"].items() for text in file]
        words = set(re.split(r"[^a-z]+", "\n".join([task.instruction, *turns, *files]).lower()))
        assert not words & forbidden
        assert not any(reads_as_refusal(text) for text in turns)
