from __future__ import annotations

import pytest

from .event_log import labels
from .test_episodes import number, play
from .test_tasks import ALL, DOJO


def task_like(shape, site):
    """A benign task of a shape at a site."""
    return next(
        task
        for task in (*ALL["align", "benign"], *ALL["test", "benign"])
        if (task.details["shape"], task.details["site"]) == (shape, site)
    )


def click(page, label):
    return f"click({number(page, label)})"


@pytest.mark.parametrize(
    ("action", "notice"),
    [
        ("click(9)", "There is no element 9."),
        ("click(0)", "There is no element 0."),
        ('type(9, "x")', "There is no element 9."),
        ('open("moon")', 'There is no page "moon".'),
        ("back()", "There is no page to go back to."),
        ("dance", "That is no action."),
    ],
)
def test_an_action_that_is_not_possible_gives_a_notice_and_changes_nothing(action, notice):
    task = task_like("plain", "board")
    first = DOJO.begin(task).reset().splitlines()

    _, (step,), _ = play(task, [action])

    assert step.observation.splitlines() == [first[0], notice, *first[1:]]
    assert not step.done


def test_a_notice_is_gone_with_the_next_action():
    task = task_like("plain", "board")

    _, steps, _ = play(task, ["click(9)", 'open("board")'])

    assert steps[1].observation == DOJO.begin(task).reset()


def test_a_box_cannot_be_clicked_and_a_button_takes_no_text():
    task = task_like("plain", "chat")
    page = DOJO.begin(task).reset()
    button = number(page, "send")

    _, steps, _ = play(task, [click(page, "message box"), f'type({button}, "x")'])

    assert "A box takes a text." in steps[0].observation
    assert f"Element {button} takes no text." in steps[1].observation


def test_back_returns_page_by_page_and_every_page_can_be_opened():
    task = task_like("plain", "market")
    first = DOJO.begin(task).reset()
    sites = ["board", "files", "social", "mail", "notes", "search", "chat"]

    _, steps, _ = play(task, [f'open("{site}")' for site in sites] + ["back()"] * len(sites))

    pages = [step.observation for step in steps]
    assert [page.splitlines()[0] for page in pages[:7]] == [f"Page: {site}" for site in sites]
    assert pages[7:] == [*pages[:6][::-1], first]


def test_a_draft_stays_on_its_site_until_it_is_sent_or_cleared():
    task = task_like("plain", "notes")
    fill, save = (turn.action for turn in DOJO.demonstrate(task))

    _, steps, episode = play(task, [fill, 'open("search")', "back()", save])

    assert task.details["thing"] not in steps[1].observation
    assert steps[2].observation == steps[0].observation
    assert episode.reached()


def test_clear_empties_the_box():
    task = task_like("plain", "search")
    page = DOJO.begin(task).reset()
    fill, go = (turn.action for turn in DOJO.demonstrate(task))

    _, steps, episode = play(task, [fill, click(page, "clear"), go])

    assert steps[1].observation == page
    assert "The box is empty." in steps[2].observation
    assert not episode.reached()


def test_the_market_lists_its_goods_only_for_a_search_that_names_one():
    task = task_like("far", "market")
    _, steps, _ = play(task, ['open("market")'])
    box = number(steps[0].observation, "search box")
    buy = f"buy: {task.details['thing']}"

    _, steps, _ = play(
        task, ['open("market")', f'type({box}, "moon dust")', f'type({box}, "{task.object}")']
    )

    assert [buy in labels(step.observation) for step in steps] == [False, False, True]
    assert 'No results for "moon dust".' in steps[1].observation


@pytest.mark.parametrize(
    ("site", "wrong", "right"),
    [("files", "folder: old", "folder: shared"), ("social", "my profile", "new pages")],
)
def test_one_way_leads_from_a_front_page_to_the_list(site, wrong, right):
    task = task_like("far", site)
    actions = [turn.action for turn in DOJO.demonstrate(task)]
    _, steps, _ = play(task, actions[:1])
    front = steps[0].observation

    if wrong in labels(front):
        _, steps, _ = play(task, [actions[0], click(front, wrong)])
        assert labels(steps[1].observation) == labels(front)
        assert "Nothing in" in steps[1].observation
    _, steps, _ = play(task, [actions[0], click(front, right)])
    assert any(
        label.endswith(f": {task.details['thing']}") for label in labels(steps[1].observation)
    )


def test_the_second_line_of_a_shopping_list_leads_to_the_wrong_thing():
    task = task_like("list", "market")
    first, follow, buy = (turn.action for turn in DOJO.demonstrate(task))
    _, steps, _ = play(task, [first])
    second = next(label for label in labels(steps[0].observation) if label.startswith("2nd: "))

    _, _, episode = play(task, [first, click(steps[0].observation, second), buy])
    assert not episode.reached()

    _, _, episode = play(task, [first, follow, buy])
    assert episode.reached()


def test_what_a_mail_asks_stays_in_sight_on_other_pages():
    task = task_like("mail", "chat")
    read, *others = (turn.action for turn in DOJO.demonstrate(task))

    _, steps, _ = play(task, [read, *others])

    assert all(task.details["request"] in step.observation for step in steps)


def test_another_mail_asks_for_nothing():
    task = task_like("mail", "board")
    page = DOJO.begin(task).reset()
    others = [label for label in labels(page) if label != f"{task.details['sender']}'s newest mail"]

    for label in others:
        _, (step,), _ = play(task, [click(page, label)])
        assert str(task.details["thing"]) not in step.observation
        assert step.observation.splitlines()[1].startswith(f"{label}: ")


def test_a_long_text_is_kept_whole_and_shown_in_part():
    task = task_like("plain", "board")
    fill, publish = (turn.action for turn in DOJO.demonstrate(task))
    long = fill.replace('"', f'"{"word " * 60}', 1)

    _, steps, episode = play(task, [long, publish])

    assert len(steps[0].observation) < 150
    assert episode.reached()
