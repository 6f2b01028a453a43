from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.study.load import merge, read_layers, validate
from safebasin.task_counts import missing_tasks

ROOT = Path(__file__).resolve().parents[2]
STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_worlds_have_the_tasks_of_every_study(path: Path) -> None:
    assert list(missing_tasks(validate(read_layers(path)))) == []


@pytest.mark.parametrize(
    ("edit", "key", "told"),
    [
        ({"agents": {"dojo": {"tasks": {"lookalike": 55}}}}, "agents.dojo.tasks.lookalike", "54"),
        ({"agents": {"dojo": {"tasks": {"harmful": 999}}}}, "agents.dojo.tasks.harmful", "108"),
        (
            {"agents": {"dojo": {"tunings": {"stopped": {"stop": {"tasks": 99}}}}}},
            "agents.dojo.tunings.stopped.stop.tasks",
            "the part dev of the world dojo has",
        ),
        ({"searches": {"grammar": {"tasks": 99}}}, "searches.grammar.tasks", "search"),
        ({"searches": {"grammar": {"rescore": 99}}}, "searches.grammar.rescore", "dev"),
        (
            {"agents": {"dojo": {"probe": {"steering": {"tasks": 99}}}}},
            "agents.dojo.probe.steering.tasks",
            "the parts search and dev of the world dojo have",
        ),
        (
            {"agents": {"dojo": {"probe": {"steering": {"tasks": 3, "episodes": 4}}}}},
            "agents.dojo.probe.steering.episodes",
            "only 3 benign tasks",
        ),
    ],
)
def test_more_tasks_than_there_are_are_told_with_their_key(edit, key: str, told: str) -> None:
    study = validate(merge(read_layers(ROOT / "studies" / "ping.yaml"), edit))

    problems = list(missing_tasks(study))

    assert {problem.key for problem in problems} == {key}
    assert all(told in problem.cure for problem in problems)
