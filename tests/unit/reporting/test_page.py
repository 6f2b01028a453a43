import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from safebasin.reporting.badges import badges
from safebasin.reporting.findings import Material, Split, read_findings
from safebasin.steps import render_report
from safebasin.steps.job import Job

from .made_up_study import report_job

VOID = {"meta"}


class Outline(HTMLParser):
    """The page's elements, with a check that each is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.inside_closed_details: list[str] = []
        self.visible = ""
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "details" not in self.open or self.open[-1] == "summary":
            self.visible += data


def page_of(job: Job) -> str:
    return (job.folder / "report.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_has_unique_ids(reported: Job) -> None:
    outline = Outline(page_of(reported))

    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))


def test_the_page_runs_and_loads_nothing(reported: Job) -> None:
    page = page_of(reported)

    assert "script" not in Outline(page).seen
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "default-src 'none'" in page


def test_what_a_model_wrote_is_escaped(reported: Job) -> None:
    page = page_of(reported)

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_harmful_requests_and_answers_are_folded_away(reported: Job) -> None:
    outline = Outline(page_of(reported))

    assert "placeholder request advbench" not in outline.visible
    assert "placeholder request advbench" in page_of(reported)
    nested = re.search(
        r'<details class="harmful">.*?<details><summary>show the request</summary>'
        r'<blockquote class="prompt">placeholder request advbench',
        page_of(reported),
        re.S,
    )
    assert nested


def test_the_contrast_comes_before_the_tables(reported: Job) -> None:
    page = page_of(reported)

    assert page.index('class="finding"') < page.index("<table>")
    assert "asft at λ=1 refuses" in Outline(page).visible


def test_every_figure_is_a_file_and_in_the_page(reported: Job) -> None:
    for name in ("tradeoff", "curves", "spectrum"):
        assert (reported.folder / "figures" / f"{name}.svg").stat().st_size > 1000
    assert page_of(reported).count('<svg role="img" aria-label="') == 3


def test_the_same_inputs_give_the_same_bytes(reported: Job, tmp_path: Path) -> None:
    render_report.run(replace(reported, folder=tmp_path))

    for path in (reported.folder / "report.html", *(reported.folder / "figures").iterdir()):
        assert (tmp_path / path.relative_to(reported.folder)).read_bytes() == path.read_bytes()


def test_a_smoke_study_says_that_its_numbers_mean_nothing(
    evaluated: Job, tmp_path: Path, reported: Job
) -> None:
    job = report_job(tmp_path, evaluated.folder, meaningless=True)
    render_report.run(job)

    assert "These numbers mean nothing." in Outline(page_of(job)).visible
    assert "These numbers mean nothing." not in page_of(reported)


def test_a_low_anchor_share_is_said_in_words(reported: Job) -> None:
    visible = Outline(page_of(reported)).visible

    assert "The anchor share of asft λ=1 is 3.0" in visible
    assert "nearly the same penalty" in visible


def test_one_seed_is_named_as_a_limit(reported: Job) -> None:
    assert "There is one seed" in Outline(page_of(reported)).visible


def test_mixed_versions_are_named_in_all_that_the_figures_come_from(reported: Job) -> None:
    page = page_of(reported)

    assert "artifacts made with mixed versions" in page
    # the checkpoint is no input of the report, only of the adapters
    assert "torch 2.11.0 (1 checkpoint), 2.12.0 (1 adapter), 2.13.0 (7 adapter)" in page


def test_what_a_post_hoc_defence_left_stands_below_the_main_table(reported: Job) -> None:
    outline = Outline(page_of(reported))

    assert "What the post-hoc defence did" in outline.visible
    row = outline.visible[outline.visible.index("post-hoc adapter") :]
    assert "safe_lora 0.5 s059 of 1203.9103.4" in row
    assert "the projection erased nearly the whole adapter" in row


@pytest.mark.parametrize(("pairs", "state"), [(0, "good"), (2, "bad"), ("cannot tell", "note")])
def test_the_leakage_check_shows_its_figures(evaluated: Job, pairs: int | str, state: str) -> None:
    leakage = {
        "similarity": 0.5,
        "between": {"dev/test": {"largest_similarity": 0.49, "near_duplicate_pairs": pairs}},
    }
    material = Material(
        study="s",
        title="t",
        description="",
        meaningless=False,
        evaluation="e",
        findings=read_findings(evaluated.folder),
        splits=[Split(name="x", leakage=leakage)],
    )

    badge = next(one for one in badges(material) if "leakage" in one.title)

    assert badge.state == state
    assert "0.49" in badge.detail


def test_a_report_needs_only_the_evaluation(evaluated: Job, tmp_path: Path) -> None:
    job = Job(
        digest="0" * 16,
        raw_params={"study": "s", "title": "<b>Only</b> $figures$"},
        inputs={"evaluation": evaluated.folder},
        folder=tmp_path,
    )
    render_report.run(job)

    assert "<b>Only</b>" not in page_of(job)
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["tradeoff.svg"]
