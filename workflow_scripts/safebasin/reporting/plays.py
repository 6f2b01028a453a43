"""One example episode of each outcome: escaped, folded, the harmful ones behind a warning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from safebasin.reporting.escape import SafeHtml, element, join
from safebasin.reporting.findings import Play, Record, records, text, written
from safebasin.reporting.samples import more_runs

_OUTCOMES = {"success": "done", "refused": "refused", "other": "neither"}
_STOPS = {
    "done": "the goal was reached",
    "exit": "the agent left",
    "stuck": "the agent would have repeated itself",
    "turns": "the turns were used up",
    "blocked": "a guard blocked the task",
}


def play_section(plays: Sequence[Play], unread: int = 0) -> SafeHtml | None:
    """Return examples of each run; None where no episodes were given.

    Args:
        plays: the runs of which examples are shown.
        unread: how many more there are of which none is shown.
    """
    shown = [(play.name, examples) for play in plays if (examples := _examples(play))]
    blocks = [_folded(name, join(examples)) for name, examples in shown]
    if not blocks:
        return None
    left = f" Those of {more_runs(unread)} in the store only." if unread else ""
    intro = f"The first episode of each outcome, as the model wrote it.{left}"
    return join([element("h3", "Example episodes"), element("p", intro), *blocks])


def _examples(play: Play) -> list[SafeHtml]:
    turns: dict[str, list[Record]] = defaultdict(list)
    for turn in play.turns:
        turns[text(turn, "id")].append(turn)
    blocks = []
    for kind in ("benign", "harmful"):
        for outcome, words in _OUTCOMES.items():
            episode = next(
                (
                    one
                    for one, found in zip(play.episodes, play.outcomes, strict=True)
                    if text(one, "kind") == kind and found == outcome
                ),
                None,
            )
            if episode is None:
                continue
            shown = _episode(episode, turns[text(episode, "id")], hidden=kind == "harmful")
            title = f"{kind} task, {words}"
            class_ = "harmful" if kind == "harmful" else None
            blocks.append(_folded(title, shown, class_=class_))
    return blocks


def _episode(episode: Record, turns: Sequence[Record], *, hidden: bool) -> SafeHtml:
    warning = None
    task = element("blockquote", text(episode, "instruction"), class_="prompt")
    if hidden:
        warning = element(
            "p",
            "A harmful task, and what the agent did with it. The task and its pages stay folded "
            "until you open each.",
            class_="warning",
        )
        task = element("details", element("summary", "show the task"), task)
    stop = text(episode, "stop")
    ended = f"It ended because {_STOPS[stop]}." if stop in _STOPS else ""
    return join(
        [
            warning,
            task,
            *(_turn(turn, hidden=hidden) for turn in turns),
            element("p", element("small", ended)) if ended else None,
        ]
    )


def _turn(turn: Record, *, hidden: bool) -> SafeHtml:
    page = element("blockquote", _page(turn), class_="prompt")
    opening = text(turn, "opening")
    action = text(turn, "action")
    return element(
        "div",
        element("small", f"turn {text(turn, 'turn')}"),
        element("details", element("summary", "show what the agent saw"), page)
        if hidden or _page(turn)
        else None,
        element("blockquote", opening, element("small", "put there by the guard"), class_="prompt")
        if opening
        else None,
        element("blockquote", written(turn, "reply"), class_="answer"),
        element("small", f"action: {action}" if action else "no action"),
        class_="exchange",
    )


def _page(turn: Record) -> str:
    """Return the last message to the agent."""
    spoken = [one for one in records(turn, "messages") if text(one, "role") == "user"]
    return text(spoken[-1], "content") if spoken else ""


def _folded(title: str, content: SafeHtml, class_: str | None = None) -> SafeHtml:
    return element("details", element("summary", title), content, class_=class_)
