"""Render the report of a study: one page that works offline, and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from safebasin.judging.actions import ActionsJudge
from safebasin.reporting import findings
from safebasin.reporting.labels import labelled
from safebasin.reporting.method_kind import MethodKind
from safebasin.reporting.page import draw_figures, render_page
from safebasin.steps.job import Job
from safebasin.store.artifact import Artifact
from safebasin.store.kinds import RULES, rule_of_code
from safebasin.store.lineage import lineage

FILES: tuple[str, ...] = ("report.html", "figures/*.svg")

MOST_SAMPLES = 48
"""Runs of which answers or episodes are shown; a page with thousands of answers is no page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderReportParams:
    """The page's words, and a readable name for each input."""

    study: str
    title: str
    description: str = ""
    meaningless: bool = False
    """Whether the study is a smoke test, whose numbers mean nothing."""
    adapters: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    episodes: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, MethodKind] = field(default_factory=dict)
    """What each method is, by the study's name for it."""
    calibrated: str = ""
    """The judge that was held against people's labels, as verdicts name it."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Digest of a checkpoint to what people call it."""
    called: Mapping[str, str] = field(default_factory=dict)
    """What stands in the column ``pair`` and is the name of a checkpoint, to what is shown."""


def run(job: Job) -> None:
    """Write the page and its figures."""
    params = job.params(RenderReportParams)
    play = findings.read_play(ActionsJudge().judge_episodes)
    material = findings.Material(
        study=params.study,
        title=params.title,
        description=params.description,
        meaningless=params.meaningless,
        evaluation=job.input("evaluation").name,
        findings=labelled(
            findings.read_findings(job.input("evaluation")), params.labels, params.called
        ),
        trainings=findings.read_each(findings.read_training, job.named("adapter"), params.adapters),
        spectra=findings.read_each(
            findings.read_spectrum, job.named("direction"), params.directions
        ),
        splits=findings.read_each(findings.read_split, job.named("split"), params.splits),
        samples=findings.read_each(
            findings.read_sample, job.named("responses"), params.samples, MOST_SAMPLES
        ),
        unread=max(0, len(params.samples) - MOST_SAMPLES),
        pools=findings.read_each(findings.read_pool, job.named("prefix"), params.prefixes),
        plays=findings.read_each(play, job.named("episodes"), params.episodes, MOST_SAMPLES),
        unread_plays=max(0, len(params.episodes) - MOST_SAMPLES),
        probes=findings.read_each(findings.read_probe, job.named("probe"), params.probes),
        methods=params.methods,
        calibrated=params.calibrated,
        runs=_runs(job),
    )
    figures = draw_figures(material)
    (job.folder / "figures").mkdir(exist_ok=True)
    for name, svg in figures.items():
        (job.folder / "figures" / f"{name}.svg").write_text(svg, encoding="utf-8")
    (job.folder / "report.html").write_text(render_page(material, figures), encoding="utf-8")


def _runs(job: Job) -> list[findings.Record]:
    """Return how each artifact behind the report was made, where its ``run.json`` tells.

    Sources are left out: their bytes are checked, whatever fetched them.
    """
    return [
        {"kind": artifact.spec.kind, "runs_model": _runs_model(artifact)} | run
        for artifact in lineage(job.inputs.values())
        if artifact.spec.code is not None and (run := artifact.run()) is not None
    ]


def _runs_model(artifact: Artifact) -> bool:
    rule = RULES.get(rule_of_code(artifact.spec.code))
    return rule is not None and rule.gpu
