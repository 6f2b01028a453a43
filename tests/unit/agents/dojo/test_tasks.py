from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict

import pytest
from safebasin.agents.dojo.drawing import OPERATIONS
from safebasin.agents.dojo.objects import names
from safebasin.agents.dojo.wordings import instructions, late_instructions
from safebasin.agents.dojo.world import Dojo
from safebasin.agents.world import load_world
from safebasin.errors import StudyError

DOJO = Dojo()
COUNTS = {
    ("align", "harmful"): 216,
    ("align", "benign"): 216,
    ("align", "lookalike"): 60,
    ("train", "benign"): 264,
    ("dev", "harmful"): 14,
    ("dev", "benign"): 14,
    ("dev", "lookalike"): 7,
    ("search", "harmful"): 7,
    ("search", "benign"): 7,
    ("test", "harmful"): 108,
    ("test", "benign"): 108,
    ("test", "lookalike"): 54,
}
ALL = {key: DOJO.tasks(*key) for key in COUNTS}
PRINT = """
import hashlib, json
from dataclasses import asdict
from safebasin.agents.dojo.world import Dojo
dojo = Dojo(seed=3)
tasks = [task for kind in ("harmful", "benign", "lookalike") for task in dojo.tasks("test", kind)]
told = [
    [asdict(task), dojo.begin(task).reset(), [asdict(turn) for turn in dojo.demonstrate(task)]]
    for task in tasks
]
print(hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest())
"""


def digest(hash_seed: str) -> str:
    """What another process makes of the test tasks."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", PRINT]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_every_part_has_its_number_of_tasks():
    assert {key: len(tasks) for key, tasks in ALL.items()} == COUNTS
    for part, kind in (("train", "harmful"), ("train", "lookalike"), ("search", "lookalike")):
        assert not DOJO.tasks(part, kind)


def test_ids_are_unique_and_say_where_a_task_belongs():
    tasks = [task for tasks in ALL.values() for task in tasks]

    assert len({task.id for task in tasks}) == len(tasks)
    assert ALL["test", "harmful"][17].id == "dojo/test/harmful/017"


@pytest.mark.parametrize("key", COUNTS)
def test_tasks_of_an_object_are_at_different_sites(key):
    pairs = [(task.object, task.details["site"]) for task in ALL[key]]

    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("key", COUNTS)
def test_the_first_tasks_cover_many_objects_and_sites(key):
    for count in (1, 5, 7, 8, 10):
        first = DOJO.tasks(*key, count)

        assert first == ALL[key][:count]
        objects = len({task.object for task in ALL[key]})
        assert len({task.object for task in first}) == min(len(first), objects)
        assert len({task.details["site"] for task in first[:8]}) >= min(len(first), 7)


@pytest.mark.parametrize("part", ["align", "dev", "search", "test"])
def test_the_nth_harmful_task_is_the_nth_benign_one_but_for_its_object(part):
    for harmful, benign in zip(ALL[part, "harmful"], ALL[part, "benign"], strict=True):
        assert harmful.category == benign.category
        assert template(harmful) == template(benign)
        for name in ("site", "shape", "start", "salt", "beside", "sender", "people"):
            assert harmful.details[name] == benign.details[name]


def template(task):
    """The instruction without what a template is filled with."""
    text = task.instruction.replace(task.object, "{object}")
    text = text.replace(f"{task.details['sender']}'s", "{sender}'s")
    return text.replace(task.details["people"][0], "{person}")


@pytest.mark.parametrize("key", COUNTS)
def test_an_instruction_less_its_object_is_one_of_the_site_s_templates(key):
    for task in ALL[key]:
        site, shape = task.details["site"], task.details["shape"]
        late = task.category.startswith("late ")

        assert task.category.removeprefix("late ") == OPERATIONS[site]
        assert late == (shape in ("list", "mail"))
        assert template(task) in (late_instructions(shape) if late else instructions(site))


@pytest.mark.parametrize("kind", ["harmful", "benign", "lookalike"])
@pytest.mark.parametrize("part", ["align", "train", "dev", "test"])
def test_one_task_in_six_is_longer_and_some_of_these_are_late(part, kind):
    tasks = ALL.get((part, kind), ())
    shapes = Counter(task.details["shape"] for task in tasks)
    longer = shapes["far"] + shapes["list"] + shapes["mail"]

    assert longer >= len(tasks) // 6
    assert not tasks or shapes["list"] + shapes["mail"] >= longer // 2
    assert not tasks or shapes["list"] + shapes["mail"] > 0


def test_every_operation_is_tested_late_and_the_search_part_has_plain_tasks_alone():
    late = {task.category for task in ALL["test", "harmful"]}

    assert {f"late {operation}" for operation in OPERATIONS.values()} <= late
    assert not [
        task
        for kind in ("harmful", "benign")
        for task in ALL["search", kind]
        if task.details["shape"] != "plain"
    ]


@pytest.mark.parametrize("key", COUNTS)
def test_a_late_object_is_in_no_instruction_and_every_other_one_is(key):
    for task in ALL[key]:
        late = task.category.startswith("late ")

        assert names(task.instruction, task.object) != late
        assert DOJO.revealed_at(task) == (2 if late else 1)


def test_a_task_is_plain_json_and_a_copy_of_it_plays_the_same():
    for task in ALL["test", "lookalike"]:
        copy = type(task)(**json.loads(json.dumps(asdict(task))))

        assert copy == task
        assert DOJO.demonstrate(copy) == DOJO.demonstrate(task)


def test_tasks_are_the_same_in_every_process():
    assert digest("1") == digest("2")


def test_a_seed_changes_the_pages_and_keeps_the_objects():
    others = Dojo(seed=1).tasks("test", "benign")

    assert [task.object for task in others] == [task.object for task in ALL["test", "benign"]]
    assert others != ALL["test", "benign"]


def test_the_world_is_found_by_its_type():
    assert load_world({"type": "dojo", "seed": 1, "elements": 4}).tasks("dev", "benign", 1)


@pytest.mark.parametrize("elements", [1, 5])
def test_a_page_of_too_few_or_too_many_elements_is_refused(elements):
    with pytest.raises(StudyError, match=r"world\.elements"):
        Dojo(elements=elements)
