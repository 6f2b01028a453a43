"""A report says only what is true of its study: kinds of studies, and what each may not say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from safebasin.reporting.badges import badges
from safebasin.reporting.findings import Material, Play, Sample
from safebasin.reporting.page import draw_figures, render_page
from safebasin.reporting.plays import play_section
from safebasin.reporting.samples import sample_section

from ..analysis import guard_study
from . import made_up_frames as made
from .made_up_frames import UNTOUCHED, material, model, tuned

ANCHORED = [*tuned("anchored", setting="λ=1"), *tuned("shrunk", setting="λ=1")]
ALL = [*UNTOUCHED, *tuned("sft", 0.1), *ANCHORED, *tuned("projected", setting="threshold=1")]
ONE, FIVE = {"seeds": (0,)}, {"seeds": (0, 1, 2, 3, 4)}


def agent_rows(seeds: tuple[int, ...] = (0,)) -> list[Any]:
    """Return the rows of an agent on its tasks."""
    return [
        made.metric(f"web: {kind}", name, 0.5, stage="agent", method="full", setting="stopped",
                    task="web", seed=seed, guard=guard, judge="actions")
        for seed in seeds
        for guard in ("none", "ping")
        for kind, name in (("harmful", "ASR"), ("harmful", "RR"), ("benign", "SR"))
    ]  # fmt: skip


def guards(*left_out: str, **told: Any) -> dict[str, Any]:
    """Return ``guards.json`` of an agent without the guards that are named."""
    found = guard_study.study(guard_study.SAFE, **told)
    for agent in found["agents"]:
        agent["arms"] = [arm for arm in agent["arms"] if arm["guard"] not in left_out]
        agent["comparisons"] = [
            one for one in agent["comparisons"] if not {one["guard"], one["against"]} & {*left_out}
        ]
        agent["searched"] = [one for one in agent["searched"] if one not in left_out]
        if "ping" in left_out:
            agent["sentences"], agent["headline"] = agent["sentences"][:1], None
    return found


STUDIES: dict[str, tuple[Material, tuple[str, ...], tuple[str, ...]]] = {
    # study: what is made of it, what its page says, and what it may not say
    "everything": (
        material(
            ALL, contrast=made.contrast("anchored", "shrunk"), choices=made.choices((1.5, 1.2)),
            calibration=made.CALIBRATION, calibrated="phrases", trainings=[made.ADAPTER],
            spectra=[made.DIRECTION], splits=[made.TWO_PARTS],
        ),
        ("as shrunk penalises all of it", "settings chosen on development rows", "finds 90 % of the",
         "How settings were chosen", "Accuracy on task, which a defence may cost", "One adapter, with",
         "The judge phrases against human labels", "For the two methods of the contrast",
         "chosen setting, as named beforehand", "caution 1 seed", "There is one seed"),
        ("all sets", "the others are secondary", "HS, harmful", "near-duplicates as clusters",
         "or over seeds", "5 seeds", "Agents"),
    ),
    "plain fine-tuning alone": (
        material([*UNTOUCHED, *tuned("sft", 0.1)], choices=made.choices(), splits=[made.ONE_PART]),
        ("plain fine-tuning leaves 10.0 % (0 to 20): the intervals do not overlap.", "Accuracy on task:",
         "All rows that are used are of one part"),
        ("a defence may cost", "anchor share of", "settings chosen", "How settings were chosen",
         "missing controls", "penalises", "contrast", "Evidence", "people"),
    ),
    "two plain fine-tunings": (
        material([*UNTOUCHED, *tuned("sft", 0.1), *tuned("gentle", 0.9)]),
        ("plain fine-tuning (sft) leaves 10.0 %", "plain fine-tuning (gentle) leaves 90.0 % (80 to 100): the intervals overlap, so no loss is shown."),
        ("a defence may cost",),
    ),
    "refusals that rise": (
        material([*model("aligned", 0.2), *tuned("sft", 0.9)]),
        ("leaves 90.0 % (80 to 100): the intervals do not overlap, and refusals rose.",),
        ("the intervals overlap",),
    ),
    "asft without ridge": (
        material([*UNTOUCHED, *tuned("anchored", setting="λ=1")]),
        ("caution missing controls: ridge beside anchored λ=1, a random direction beside anchored",),
        ("The anchor share of", "shrunk", "penalises all of it"),
    ),
    "asft with ridge at another strength": (
        material([*UNTOUCHED, *tuned("anchored", setting="λ=1"), *tuned("shrunk", setting="λ=2")]),
        ("ridge beside anchored λ=1",),
        ("The anchor share of",),
    ),
    "asft with ridge in another condition": (
        material([*UNTOUCHED, *tuned("anchored"), *tuned("shrunk", pair="q")]),
        ("ridge beside anchored",),
        ("The anchor share of",),
    ),
    "asft with ridge and a random direction": (
        material([*UNTOUCHED, *ANCHORED, *tuned("random", setting="λ=1")]),
        ("as shrunk penalises all of it",),
        ("missing controls", "The anchor share of random"),
    ),
    "asft with another projector": (
        material([*UNTOUCHED, *tuned("spectral", setting="λ=1"), *tuned("shrunk", setting="λ=1")]),
        ("a random direction beside spectral",),
        ("The anchor share of", "ridge beside"),
    ),
    "asft that frees much of the update": (
        material([*UNTOUCHED, *tuned("anchored", anchor=0.6), *tuned("shrunk")]),
        ("where anchored does not penalise and shrunk does",),
        ("nearly the same penalty here",),
    ),
    "asft of which one setting was not chosen": (
        material([*UNTOUCHED, *tuned("anchored", setting="λ=2", chosen=False), *tuned("shrunk", setting="λ=2"), *ANCHORED]),
        ("The anchor share of anchored λ=1",),
        ("The anchor share of anchored λ=2",),
    ),
    "ridge alone": (
        material([*UNTOUCHED, *tuned("shrunk", setting="λ=1")]),
        ("which a defence may cost",),
        ("missing controls", "The anchor share of", "asft", "AsFT"),
    ),
    "a method of one's own against plain fine-tuning": (
        material([*UNTOUCHED, *tuned("mine"), *tuned("sft")], contrast=made.contrast("mine", "sft")),
        ("mine refuses 50.0 % of the near requests and sft 50.0 %", "as named beforehand"),
        ("The anchor share of", "penalises", "chosen setting", "settings chosen", "missing controls", "the others are"),
    ),
    "a contrast at another level": (
        material([*UNTOUCHED, *ANCHORED], contrast=made.contrast("anchored", "shrunk", level=0.9)),
        ("a 80 % interval within it, where the small type shows the wider 90 % one",),
        ("90 % interval within",),
    ),
    "a contrast of which one setting is left": (
        material([*UNTOUCHED, *ANCHORED], contrast=made.contrast("anchored", "shrunk", settings=("",))),
        ("The paired contrast. “Equivalent”", "as named beforehand"),
        ("the others are secondary",),
    ),
    "a contrast with another setting": (
        material([*UNTOUCHED, *ANCHORED], contrast=made.contrast("anchored", "shrunk", settings=("", "λ=2"))),
        ("The first row was named before the runs; the others are secondary", "λ=2"),
        (),
    ),
    "a choice without a contrast": (
        material([*UNTOUCHED, *ANCHORED], choices=made.choices((1.1, 1.2))),
        ("Every method is scored by itself",),
        ("the two methods of the contrast",),
    ),
    "post-hoc alone": (
        material([*UNTOUCHED, *tuned("projected")]),
        ("zeroed matrices beside projected",),
        ("plain fine-tuning", "The anchor share of", "ridge beside"),
    ),
    "an adopted adapter": (
        material(
            [*UNTOUCHED, *model("adopted", 0.3, method="theirs", anchor=0.1)],
            trainings=[made.ADOPTED], choices=made.choices(),
        ),
        ("theirs",),
        ("one seed", "1 seed", "seed:", "every method was on", "settings chosen", "missing controls", "Evidence",
         "Were the methods on?"),
    ),
    "untouched models alone": (
        material(UNTOUCHED),
        ("They do not show",),
        ("one seed", "1 seed", "a defence may cost", "plain fine-tuning", "‖BA‖", "Evidence"),
    ),
    "a pair without a base": (
        material([*model("aligned", 0.9), *tuned("sft", anchor=None)]),
        ("aligned",),
        ("anchor share", "‖BA‖"),
    ),
    "several seeds": (
        material([*UNTOUCHED, *tuned("sft", **FIVE)]),
        ("5 seeds", "or over seeds where those give the wider one"),
        ("one seed", "1 seed"),
    ),
    "several seeds of some": (
        material([*UNTOUCHED, *tuned("sft", **FIVE), *tuned("mine")]),
        ("caution 1 seed, of some models", "Of mine there is one seed"),
        ("There is one seed",),
    ),
    "a seed of its own for each": (
        material([*UNTOUCHED, *tuned("sft", seeds=(0,)), *tuned("mine", seeds=(1,))]),
        ("There is one seed",),
        (),
    ),
    "several pairs": (
        material([*UNTOUCHED, *ANCHORED, *model("aligned", 0.95, pair="q"),
                  *tuned("anchored", setting="λ=1", pair="q"), *tuned("shrunk", setting="λ=1", pair="q"),
                  *tuned("sft", 0.1), *tuned("sft", 0.1, pair="q")]),
        ("The anchor share of anchored λ=1 (p, sums", "The anchor share of anchored λ=1 (q, sums",
         "plain fine-tuning (q, sums, 100 samples, 20 % harmful) leaves"),
        ("plain fine-tuning (sft",),
    ),
    "no harmful prompts": (
        material([row for row in ALL if row.eval_set != "near"]),
        ("The phrase judge", "benign refused, %"),
        ("1 − RR", "plain fine-tuning leaves", "RR, refused", "Refusals of harmful requests against"),
    ),
    "no benign prompts": (
        material([row for row in ALL if row.eval_set != "chores"]),
        ("1 − RR",),
        ("benign refused",),
    ),
    "no task": (
        material([row for row in ALL if row.eval_set != "task"]),
        ("plain fine-tuning leaves",),
        ("Accuracy on", "FA"),
    ),
    "a judge of one's own": (
        material(
            [*model("aligned", judge="Mine"), *tuned("sft", judge="Mine")],
            calibration=made.CALIBRATION, calibrated="Mine",
        ),
        ("The judge Mine against human labels",),
        ("The phrase judge", "90 % of the refusals"),
    ),
    "two judges, of which another was held against labels": (
        material([*UNTOUCHED, *tuned("sft"), *model("aligned", sets=["harm"])],
                 calibration=made.CALIBRATION, calibrated="Harm"),
        ("The phrase judge", "HS, harmful", "The judge Harm against human labels"),
        ("90 % of the refusals",),
    ),
    "near-duplicates among the prompts": (
        material([*UNTOUCHED, *model("aligned", clusters=30)]),
        ("with near-duplicates as clusters",),
        (),
    ),
    "agents alone": (
        material(agent_rows(), guards=guards()),
        ("There is one agent seed", "Marked: the searched prefix", "random safety sentences beside",
         "averaged over several are pooled", "look-alike"),
        ("Results", "There is one seed:", "settings chosen", "The phrase judge", "anchor share", "FA",
         "neutral comments beside", "What the model sees", "Evidence"),
    ),
    "agents with several seeds": (
        material(agent_rows((0, 1)), guards=guards()), ("Agents",), ("one agent seed", "1 seed"),
    ),
    "agents without a search": (
        material(agent_rows(), guards=guards("ping", "neutral")),
        ("Agents",),
        ("Marked:", "neutral", "random safety", "searched", "missing controls", "pooled"),
    ),
    "a searched prefix without its control": (
        material(agent_rows(), guards=guards("neutral")),
        ("missing controls: neutral comments beside a searched prefix, random safety",),
        ("averaged over several are pooled",),
    ),
    "agents and a probe": (
        material(agent_rows(), guards=guards(), probes=[made.probe()]),
        ("What the model sees and what it does", "in 50 % (40 to 90) over one shuffle",
         "Steering by coefficient 10 takes RR from 10 % (40 to 90) to 50 %"),
        ("1 shuffles",),
    ),
    "a probe that is steered the other way": (
        material(agent_rows(), guards=guards(), probes=[made.probe(-5.0)]),
        ("Steering by coefficient -5 takes RR from 10 % (40 to 90) to 50 %",),
        ("coefficient 0 takes",),
    ),
    "a probe without steering": (
        material(agent_rows(), guards=guards(), probes=[made.probe(rows=["accuracy"])]),
        ("tells harmful tasks from others",),
        ("Steering", "mean logit"),
    ),
    "a probe of which nothing is told": (
        material(agent_rows(), guards=guards(), probes=[made.probe(rows=[])]),
        ("Agents",),
        ("What the model sees",),
    ),
    "a try-out": (
        material(ALL, meaningless=True),
        ("These numbers mean nothing.", "this study tries out the machinery"),
        ("too small", "These figures show", "smoke test"),
    ),
}  # fmt: skip


class Words(HTMLParser):
    """The text of a page, a line for each element's own, and the elements that hold nothing."""

    QUIET = ("style", "svg", "head")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, list[str]]] = []
        self.said: list[str] = []
        self.empty: list[str] = []
        self.last = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        _, inside = self.open.pop()
        quiet = any(name in self.QUIET for name, _ in self.open) or tag in self.QUIET
        if not quiet and not "".join(inside).strip():
            self.empty.append(tag)
        if tag in ("section", "h2", "h3", "h4", "summary") and not quiet:
            if self.last.startswith("h") and (tag == "section" or tag <= self.last):
                self.empty.append(f"{self.last} before {tag}")
            self.last = tag if tag.startswith("h") else ""
        if self.open:
            self.open[-1][1].extend(inside)

    def handle_data(self, data: str) -> None:
        if any(name in self.QUIET for name, _ in self.open):
            if self.open[-1][0] != "style":
                self.open[-1][1].append(data or "x")
            return
        self.said.append(data)
        if self.open:
            self.open[-1][1].append(data)
            if not self.open[-1][0].startswith("h"):
                self.last = ""


def words_of(study: str) -> tuple[Words, str]:
    told = STUDIES[study][0]
    page = Words(render_page(told, draw_figures(told) if study == "everything" else {}))
    return page, "".join(page.said).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("study", STUDIES)
def test_the_page_says_what_is_true_of_the_study_and_nothing_else(study):
    _, said, silent = STUDIES[study]
    _, text = words_of(study)
    assert [words for words in said if words not in text] == []
    assert [words for words in silent if words in text] == []


@pytest.mark.parametrize("study", STUDIES)
def test_nothing_on_the_page_is_empty_and_nothing_is_better(study):
    page, _ = words_of(study)
    assert page.empty == []
    wrong = re.compile(
        r"\b(None|nan|inf|NaN)\b|\[\]|\{\}|\(\)|[^\s]  +[^\s]| [,;.:](?!\d)|\bbetter\b"
    )
    assert [text for text in page.said if wrong.search(text)] == []


@pytest.mark.parametrize("study", STUDIES)
def test_no_badge_is_empty(study):
    shown = badges(STUDIES[study][0])
    assert [one.title for one in shown if not one.title.strip() or not one.detail.strip()] == []
    assert len({one.title for one in shown}) == len(shown)


EPISODE = {"id": "1", "kind": "benign", "instruction": "a task", "stop": "done"}
TURN = {"id": "1", "turn": 1, "opening": "", "reply": "a reply", "action": None, "messages": []}


@pytest.mark.parametrize(
    ("episode", "said"),
    [
        ({}, "It ended because the goal was reached."),
        ({"stop": ""}, None),
        ({"stop": "something new"}, None),
        ({"kind": "lookalike"}, None),
    ],
)
def test_an_episode_is_shown_with_what_is_known_of_it(episode, said):
    play = Play(name="web", episodes=[EPISODE | episode], turns=[TURN], outcomes=["success"])
    page = str(play_section([play]) or "")
    assert ("It ended because" in page) == (said is not None)
    assert said is None or said in page
    assert "<summary>web</summary></details>" not in page
    assert bool(page) == (episode.get("kind") != "lookalike")


def test_an_answer_of_blanks_and_line_ends_is_called_empty():
    sample = Sample(name="s", rows=[{"corpus": "c", "harmful": False, "response": "\n \n"}])
    play = Play(name="p", episodes=[EPISODE], turns=[TURN | {"reply": "\n"}], outcomes=["success"])
    for page in (sample_section([sample], 0), play_section([play])):
        assert ">(empty)</blockquote>" in str(page)


@pytest.mark.parametrize(
    ("left", "words"),
    [(0, None), (1, "Those of one more run are in"), (3, "Those of 3 more runs are in")],
)
def test_what_is_not_shown_is_counted(left, words):
    sample = Sample(name="s", rows=[{"corpus": "c", "harmful": False, "response": "x"}])
    page = str(sample_section([sample], left))
    assert words in page if words else "Those of" not in page
