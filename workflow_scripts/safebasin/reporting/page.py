"""The report's page: one file that works offline and shows the finding first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safebasin.reporting.agent_figures import pool_figure, stepped, steps_figure
from safebasin.reporting.agent_words import agent_headline, agent_limits, unrepeatable
from safebasin.reporting.agents import agent_blocks, agents_of, unbroken, without_agents
from safebasin.reporting.agents import glossary as agent_glossary
from safebasin.reporting.badges import badges
from safebasin.reporting.canvas import for_page, is_narrow
from safebasin.reporting.captions import CAPTIONS
from safebasin.reporting.choosing import shown_rule, was_chosen
from safebasin.reporting.crossing import crossing_blocks
from safebasin.reporting.escape import (
    Content,
    SafeHtml,
    document,
    drawing,
    element,
    join,
    stylesheet,
)
from safebasin.reporting.figures import curves, spectrum, tradeoff
from safebasin.reporting.findings import Findings, Material, number, text
from safebasin.reporting.glossary import glossary
from safebasin.reporting.labels import pair_words
from safebasin.reporting.main_table import main_table
from safebasin.reporting.models import Model, models_of, reported_sets
from safebasin.reporting.plays import play_section
from safebasin.reporting.probe_figures import PROBE_FIGURES, probe_figures
from safebasin.reporting.probes import probe_blocks
from safebasin.reporting.projected import projected_table
from safebasin.reporting.samples import sample_section
from safebasin.reporting.tables import (
    activity_table,
    choice_table,
    confusion_table,
    contrast_table,
    provenance_table,
)
from safebasin.reporting.words import can_conclude, cannot_conclude, primary_sentence


def draw_figures(material: Material) -> dict[str, str]:
    """Return the figures' SVG by name; one for which there is nothing to show is left out."""
    tuned = without_agents(material.findings)
    models = _headline(models_of(tuned.summary))
    harmful = reported_sets(tuned.rows, "RR")
    tasks = reported_sets(tuned.rows, "FA")
    drawn = {}
    if harmful and tasks:
        drawn["tradeoff"] = tradeoff(models, harmful, tasks[0])
    if any(training.history for training in material.trainings):
        drawn["curves"] = curves(material.trainings)
    if any(one.rows for one in material.spectra):
        drawn["spectrum"] = spectrum(material.spectra)
    if any(pool.rows for pool in material.pools):
        drawn["pool"] = pool_figure(material.pools)
    if stepped(agents_of(material.findings)):
        drawn["agent_steps"] = steps_figure(agents_of(material.findings))
    return drawn | probe_figures(material.probes)


def render_page(material: Material, figures: Mapping[str, str]) -> str:
    """Return the page's HTML."""
    tuned = without_agents(material.findings)
    models = models_of(tuned.summary, material.methods)
    body = element(
        "main",
        _head(material),
        _results(material, tuned, models, figures) if tuned.rows else None,
        _agents(material, figures),
        _conclusions(material, tuned, models),
        _evidence(material, figures),
        sample_section(material.samples, material.unread),
        element("section", element("h2", "Provenance"), provenance_table(material.findings.rows)),
        _foot(material),
    )
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    head = join([element("title", f"{material.title} – Safebasin report"), stylesheet(css)])
    return document(head, body)


def _head(material: Material) -> SafeHtml:
    banner = None
    if material.meaningless:
        banner = element(
            "p",
            element("strong", "These numbers mean nothing."),
            " This study tries out the machinery; nothing follows from its figures.",
            class_="banner",
            role="alert",
        )
    shown = [_badge(one.state, one.title, one.detail) for one in badges(material)]
    sentence = primary_sentence(material.findings.contrast) or agent_headline(material.findings)
    return element(
        "header",
        banner,
        element("p", f"Safebasin study · {material.study}", class_="kicker"),
        element("h1", material.title),
        element("p", material.description, class_="lede") if material.description else None,
        element("p", unbroken(sentence), class_="finding") if sentence else None,
        element("ul", *shown, class_="badges") if shown else None,
    )


def _badge(state: str, title: str, detail: str) -> SafeHtml:
    word = {"good": "ok", "caution": "caution", "bad": "failed", "note": "note"}[state]
    summary = element("summary", element("span", word, class_="state"), " ", title)
    return element("li", element("details", summary, element("p", detail)), class_=state)


def _results(
    material: Material, tuned: Findings, models: Sequence[Model], figures: Mapping[str, str]
) -> SafeHtml:
    return element(
        "section",
        element("h2", "Results"),
        *(element("p", one) for one in pair_words(tuned.rows)),
        main_table(tuned, models),
        _glossary(glossary(tuned.rows)),
        projected_table(material.trainings),
        _figure(figures, "tradeoff"),
        contrast_table(tuned.contrast, chosen=was_chosen(tuned.choices)),
    )


def _glossary(words: Sequence[tuple[str, str]]) -> SafeHtml | None:
    if not words:
        return None
    terms = [part for term, said in words for part in (element("dt", term), element("dd", said))]
    return element("details", element("summary", "What the columns mean"), element("dl", *terms))


def _agents(material: Material, figures: Mapping[str, str]) -> SafeHtml | None:
    """Return the section on agents; None where the study has none."""
    if not agents_of(material.findings):
        return None
    return element(
        "section",
        element("h2", "Agents"),
        _glossary(agent_glossary(material.findings)),
        *(element("p", one, class_="warning") for one in unrepeatable(material.pools)),
        *agent_blocks(material.findings, meaningless=material.meaningless),
        *crossing_blocks(material.findings),
        _figure(figures, "pool"),
        _figure(figures, "agent_steps"),
        *probe_blocks(material.probes, meaningless=material.meaningless),
        *(_figure(figures, name) for name in PROBE_FIGURES),
        play_section(material.plays, material.unread_plays),
    )


def _conclusions(material: Material, tuned: Findings, models: Sequence[Model]) -> SafeHtml:
    can = can_conclude(tuned, models)
    cannot = cannot_conclude(tuned, models, material.calibrated)
    cannot += agent_limits(material.findings)
    if material.meaningless:
        can, cannot = [], ["Anything: this study tries out the machinery.", *cannot]
    return element(
        "section",
        element("h2", "What follows, and what does not"),
        element("h3", "These figures show") if can else None,
        element("ul", *(element("li", unbroken(one)) for one in can)) if can else None,
        element("h3", "They do not show"),
        element("ul", *(element("li", unbroken(one)) for one in cannot)),
    )


def _evidence(material: Material, figures: Mapping[str, str]) -> SafeHtml | None:
    choices = choice_table(material.findings.choices)
    confusion = confusion_table(material.findings.calibration, material.calibrated)
    activity = activity_table(material.trainings)
    rule = element("p", shown_rule(material.findings))
    parts: list[Content] = [
        *((element("h3", "How settings were chosen"), rule, choices) if choices else ()),
        *((element("h3", "Were the methods on?"), activity) if activity else ()),
        *(one for name in ("curves", "spectrum") if (one := _figure(figures, name))),
    ]
    if confusion:
        parts += [element("h3", "How good is the judge?"), _agreement(material), confusion]
    if not parts:
        return None
    return element("section", element("h2", "Evidence"), *parts)


def _agreement(material: Material) -> SafeHtml | None:
    figures = []
    for row in material.findings.calibration:
        value, low, high = (number(row, key) for key in ("value", "low", "high"))
        if value is not None and low is not None and high is not None:
            figures.append(
                f"{text(row, 'measure')} {value * 100:.0f} % "
                f"({low * 100:.0f} to {high * 100:.0f}, n = {number(row, 'n'):g})"
            )
    if not figures:
        return None
    return element(
        "p",
        f"Of the verdict “refused”: {'; '.join(figures)}. Rates above are not corrected with "
        "these: the labelled answers may be worded unlike those of the models here.",
    )


def _figure(figures: Mapping[str, str], name: str) -> SafeHtml | None:
    if name not in figures:
        return None
    caption = CAPTIONS[name].text
    svg = drawing(for_page(figures[name], name, caption))
    return element(
        "figure",
        element("div", svg, class_="scroll"),
        element("figcaption", caption),
        class_="narrow" if is_narrow(figures[name]) else None,
    )


def _headline(models: Sequence[Model]) -> list[Model]:
    """Return the models of the first tuning condition, with the checkpoints they came from."""
    first = next((model for model in models if model.method), None)
    if first is None:
        return list(models)
    return [
        model
        for model in models
        if model.conditions == first.conditions
        or (not model.method and model.pair == first.pair and model.task in ("", first.task))
    ]


def _foot(material: Material) -> SafeHtml:
    return element(
        "footer",
        element("p", "Evaluation ", element("code", material.evaluation), ". Made by Safebasin."),
    )
