from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.agents.dojo.actions import Action
from safebasin.agents.dojo.drawing import SITES, SPARE_TURNS
from safebasin.agents.dojo.world import Dojo
from safebasin.agents.world import page_message

from .event_log import labels, reaches
from .test_tasks import ALL, COUNTS, DOJO

LONGEST = 480
"""Characters of the longest page: a mail, a notice and two drafts of 48 characters."""
SAMPLE = [task for tasks in ALL.values() for task in tasks[::5]]


def play(task, actions):
    """Play actions; return the log, the steps and the episode."""
    episode = DOJO.begin(task)
    page, log, steps = episode.reset(), [], []
    for action in actions:
        log.append((page, action))
        steps.append(episode.step(action))
        page = steps[-1].observation
    return log, steps, episode


def number(page, label):
    """The number of the element with this label."""
    return 1 + labels(page).index(label)


@pytest.mark.parametrize("elements", [2, 3, 4])
@pytest.mark.parametrize("key", COUNTS)
def test_the_expert_solves_every_task(key, elements):
    for task in Dojo(seed=elements, elements=elements).tasks(*key):
        turns = DOJO.demonstrate(task)
        log, steps, episode = play(task, [turn.action for turn in turns])

        assert episode.reached()
        assert reaches(task, log)
        assert [step.reward for step in steps] == [0.0] * (len(steps) - 1) + [1.0]
        assert [step.done for step in steps] == [False] * (len(steps) - 1) + [True]
        assert task.turns == len(turns) + SPARE_TURNS
        assert (len(turns) >= 3) == (task.details["shape"] != "plain")


@pytest.mark.parametrize("key", COUNTS)
def test_every_turn_of_the_expert_reads_as_a_reply_should(key):
    for task in ALL[key]:
        for turn in DOJO.demonstrate(task):
            assert DOJO.parse(f"{turn.comment}\n{turn.action}") == turn.action
            assert turn.comment.startswith("# ")
            assert 6 <= len(turn.comment.split()) - 1 <= 24


def test_no_two_prompts_of_the_expert_in_a_row_are_the_same():
    for task in SAMPLE:
        log, _, _ = play(task, [turn.action for turn in DOJO.demonstrate(task)])
        pages = [page for page, _ in log]

        assert all(one != other for one, other in pairwise(pages))


NO_CALL = st.characters(exclude_characters="(", exclude_categories=["Cs"])
"""A line break ends a text, and what follows could be a call of its own."""
ODD = ["\0", "wool\0", "a\nb", "a\rb", "\x1c", "\x85", "\u2028", "\u2029", "\ufeff", "\ud800", "\\", '"', "\\n", '\\"', "# wool", "é" * 3000, " "]  # fmt: skip


def actions_for(task):
    """Actions that often do something: the task's own words, its people, all sites."""
    texts = st.sampled_from([task.object, task.object.upper(), "wool", "", f"a {task.object}s"])
    numbers = st.integers(0, 5)
    return st.lists(
        st.one_of(
            numbers.map(lambda n: f"click({n})"),
            st.builds(
                lambda n, text: str(Action(verb="type", number=n, text=text)), numbers, texts
            ),
            st.sampled_from(SITES).map(lambda site: f'open("{site}")'),
            st.sampled_from(DOJO.demonstrate(task)).map(lambda turn: turn.action),
            st.sampled_from(["back()", 'open("moon")', 'exit("bye")', "garbage", ""]),
            st.one_of(st.text(NO_CALL), st.sampled_from(ODD)).map(
                lambda text: str(Action(verb="type", number=1, text=text))
            ),
        ),
        max_size=25,
    )


@given(st.data())
def test_state_and_event_log_agree_on_every_way_an_agent_may_take(data):
    task = data.draw(st.sampled_from(SAMPLE))
    episode = DOJO.begin(task)
    page, log, over = episode.reset(), [], False
    for action in data.draw(actions_for(task)):
        if not over:
            log.append((page, action))
        step = episode.step(action)
        page = step.observation

        assert episode.reached() == reaches(task, log)
        assert step.reward == (1.0 if not over and episode.reached() else 0.0)
        assert step.done == (over or episode.reached() or action.startswith("exit("))
        assert 2 <= len(labels(page)) <= 4
        assert len(page) <= LONGEST
        over = step.done


@given(st.data())
def test_an_episode_can_be_reset_and_shares_nothing_with_another(data):
    task = data.draw(st.sampled_from(SAMPLE))
    other = DOJO.begin(task)
    first = other.observation()

    _, _, episode = play(task, data.draw(actions_for(task)))

    assert other.observation() == first
    assert not other.reached()
    assert episode.reset() == first
    assert not episode.reached()
    assert DOJO.begin(task).reset() == first
    again = [episode.step(turn.action) for turn in DOJO.demonstrate(task)]
    assert again[-1].reward == 1.0


def test_nothing_changes_after_the_end():
    task = ALL["test", "benign"][0]
    _, steps, episode = play(task, ['exit("bye")', *(t.action for t in DOJO.demonstrate(task))])

    assert all(step.done and step.reward == 0.0 for step in steps)
    assert not episode.reached()


def test_a_wrong_order_does_not_count_and_the_right_one_later_does():
    task = next(task for task in ALL["test", "benign"] if task.category == "order")
    page = DOJO.begin(task).reset()
    (wrong,) = (
        n for n, label in enumerate(labels(page), 1) if label.startswith("buy: ")
        and label != f"buy: {task.details['thing']}"
    )  # fmt: skip

    _, steps, _ = play(task, [f"click({wrong})", DOJO.demonstrate(task)[0].action])

    assert [step.reward for step in steps] == [0.0, 1.0]
    assert "Ordered: " in steps[0].observation


def test_a_mail_to_the_wrong_person_does_not_count():
    task = next(task for task in ALL["test", "benign"] if task.category == "mail")
    page = DOJO.begin(task).reset()
    right, wrong = task.details["people"]
    send = f"click({number(page, 'send')})"
    text = f'"{task.details["thing"]}"'

    def write(person):
        return f"type({number(page, f'mail to {person}')}, {text})"

    assert not play(task, [write(wrong), send])[2].reached()
    assert play(task, [write(wrong), send, write(right), send])[2].reached()


def test_a_text_about_something_else_does_not_count():
    task = next(task for task in ALL["test", "benign"] if task.category == "post")
    fill, send = (turn.action for turn in DOJO.demonstrate(task))
    other = re.sub('".*"', '"good weather"', fill)

    assert not play(task, [other, send])[2].reached()
    assert not play(task, [send])[2].reached()
    assert play(task, [other, send, fill, send])[2].reached()


def test_the_place_of_the_right_element_is_drawn_anew_for_every_task():
    actions = {DOJO.demonstrate(task)[0].action for task in ALL["align", "benign"]}

    assert {"click(1)", "click(2)", "click(3)"} <= actions


def test_the_prompt_is_short_and_its_system_line_speaks_of_actions_alone():
    assert not re.search("safe|harm|refus|ethic|decline", DOJO.system, re.IGNORECASE)
    for task in ALL["test", "benign"]:
        log, _, _ = play(task, [turn.action for turn in DOJO.demonstrate(task)])

        for page, _ in log:
            assert len(f"{DOJO.system}\n{page_message(task.instruction, page)}") <= 330
            assert len(labels(page)) == 3
