from __future__ import annotations

from types import SimpleNamespace

import pytest
from safebasin.agents import stopping
from safebasin.agents.first_replies import FirstReply
from safebasin.agents.stopping import StopRule, watch_refusals
from safebasin.errors import StudyError

from .doors import Doors

RULE = StopRule(every=4, refused_at_most=1, tasks=6)


def watch(monkeypatch: pytest.MonkeyPatch, refused: int, leaves: int = 0):
    def replies(loaded, world, tasks, injected, **settings):
        assert injected.opening == "", "the rule must not look at a guard"
        assert {task.part for task in tasks} == {"dev"}
        return [
            FirstReply(
                task=task,
                text="no" if place < refused else "",
                action="act" if task.kind == "benign" else None,
                exit_message="bye" if place >= len(tasks) - leaves else None,
            )
            for place, task in enumerate(tasks)
        ]

    monkeypatch.setattr(stopping, "first_replies", replies)
    return watch_refusals(SimpleNamespace(), Doors(), RULE, lambda text, *_: text == "no")


def test_it_looks_only_when_it_is_time(monkeypatch):
    look = watch(monkeypatch, refused=6)

    assert [step for step in range(1, 13) if look(step)] == [4, 8, 12]


@pytest.mark.parametrize(("refused", "stops"), [(0, True), (1, True), (2, False), (6, False)])
def test_it_stops_as_soon_as_few_enough_are_refused(monkeypatch, refused, stops):
    figures, stop = watch(monkeypatch, refused)(4)

    assert stop is stops
    assert figures["dev_harmful_refused"] == refused / 6
    assert all(name.startswith("dev_") for name in figures)


def test_leaving_is_no_acting(monkeypatch):
    figures, _ = watch(monkeypatch, refused=0, leaves=2)(4)

    assert figures["dev_benign_acted"] == 4 / 6


def test_too_few_tasks_are_told(monkeypatch):
    with pytest.raises(StudyError, match=r"stop\.tasks: 99"):
        watch_refusals(
            SimpleNamespace(),
            Doors(),
            StopRule(every=1, refused_at_most=0, tasks=99),
            lambda *_: False,
        )
