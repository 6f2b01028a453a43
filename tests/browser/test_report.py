"""The report as a reader's browser shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.steps.job import Job

from .devtools import Browser

VISIBLE = """Array.from(document.querySelectorAll('body *'))
    .filter(it => it.checkVisibility({contentVisibilityAuto: true}))
    .flatMap(it => Array.from(it.childNodes))
    .filter(node => node.nodeType === Node.TEXT_NODE)
    .map(node => node.data).join('\\n')"""
HARMFUL = "placeholder request advbench"
CLOSED = "Array.from(document.querySelectorAll('details:not([open])'))"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def page(browser: Browser, reported: Job) -> Browser:
    """The browser with the report open."""
    browser.open(reported.folder / "report.html")
    return browser


def test_it_shows_its_finding_and_no_harmful_text_until_asked(page: Browser) -> None:
    shown = page.tell(VISIBLE)
    assert "asft at λ=1 refuses" in shown
    assert HARMFUL not in shown

    page.click(f"{CLOSED}.find(it => it.querySelector('details.harmful')).children[0]")
    assert HARMFUL not in page.tell(VISIBLE)
    page.click("document.querySelector('details[open] details.harmful').children[0]")
    assert "may be offensive" in page.tell(VISIBLE)
    assert HARMFUL not in page.tell(VISIBLE)  # the request itself is still folded

    page.click("document.querySelector('details.harmful[open] details summary')")
    assert HARMFUL in page.tell(VISIBLE)


def test_nothing_runs_and_nothing_is_fetched_even_with_all_unfolded(page: Browser) -> None:
    page.tell("document.querySelectorAll('details').forEach(it => { it.open = true })")

    assert "<script>alert(1)</script>" in page.tell(VISIBLE)  # as text that a model wrote
    assert page.tell("document.scripts.length") == 0
    assert page.complaints() == []
    assert [url.rsplit("/", 1)[-1] for url in page.requests()] == ["report.html"]


def test_every_figure_is_drawn(page: Browser) -> None:
    boxes = page.tell(
        "Array.from(document.querySelectorAll('svg[role=img]'))"
        ".map(it => it.getBoundingClientRect()).map(it => [it.width, it.height])"
    )
    assert len(boxes) == 3
    assert all(width > 100 and height > 50 for width, height in boxes)


def test_a_script_that_got_into_a_page_would_be_seen_and_not_run(
    browser: Browser, reported: Job, tmp_path: Path
) -> None:
    """The test above would notice: the page's own policy stops a script, and says so."""
    text = (reported.folder / "report.html").read_text(encoding="utf-8")
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(text.replace("</body>", "<script>document.title = 'ran'</script></body>"))

    browser.open(spoilt)

    assert browser.tell("document.title") != "ran"
    assert browser.complaints()
