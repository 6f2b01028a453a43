"""A few answers as the models gave them: folded away, escaped, harmful ones behind a warning."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.reporting.escape import SafeHtml, element, join
from safebasin.reporting.findings import Record, Sample, text, written

_EACH = 3
"""Answers shown of each sort."""


def sample_section(samples: Sequence[Sample], unread: int = 0) -> SafeHtml | None:
    """Return the section with sample answers; None where no responses were given.

    Args:
        samples: the responses of which a few are shown.
        unread: how many more there are of which none is shown.
    """
    blocks = [
        _folded(sample.name, join(_blocks(sample))) for sample in samples if len(sample.rows) > 0
    ]
    if not blocks:
        return None
    left = f" Those of {more_runs(unread)} in the store only." if unread else ""
    return element(
        "section",
        element("h2", "Sample answers", id="samples"),
        element("p", f"The first rows of each set, as the models wrote them.{left}"),
        *blocks,
    )


def more_runs(count: int) -> str:
    """Return how many runs there are beside those that are shown, with the verb."""
    return "one more run are" if count == 1 else f"{count} more runs are"


def _blocks(sample: Sample) -> list[SafeHtml]:
    benign = [row for row in sample.rows if not row.get("harmful")]
    harmful = [row for row in sample.rows if row.get("harmful")]
    blocks = []
    for corpus in dict.fromkeys(text(row, "corpus") for row in benign):
        rows = [row for row in benign if text(row, "corpus") == corpus][:_EACH]
        blocks.append(_folded(corpus, join(_exchange(row, hidden=False) for row in rows)))
    for corpus in dict.fromkeys(text(row, "corpus") for row in harmful):
        rows = [row for row in harmful if text(row, "corpus") == corpus][:_EACH]
        warning = element(
            "p",
            "Answers to requests for harmful things. They may be offensive or wrong. "
            "The requests themselves stay folded until you open each.",
            class_="warning",
        )
        title = f"{corpus} (harmful requests)"
        shown = join([warning, *(_exchange(row, hidden=True) for row in rows)])
        blocks.append(_folded(title, shown, class_="harmful"))
    return blocks


def _exchange(row: Record, *, hidden: bool) -> SafeHtml:
    prompt = element("blockquote", _prompt(row), class_="prompt")
    if hidden:
        prompt = element("details", element("summary", "show the request"), prompt)
    answer = element("blockquote", written(row, "response"), class_="answer")
    stop = "cut at the token limit" if text(row, "stop_reason") == "length" else "ended by itself"
    return element("div", prompt, answer, element("small", stop), class_="exchange")


def _prompt(row: Record) -> str:
    messages = row.get("messages")
    if not isinstance(messages, list):
        return ""
    spoken = [one for one in messages if isinstance(one, dict) and one.get("role") == "user"]
    return text(spoken[-1], "content") if spoken else ""


def _folded(title: str, content: SafeHtml, class_: str | None = None) -> SafeHtml:
    return element("details", element("summary", title), content, class_=class_)
