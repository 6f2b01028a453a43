"""Figures on probes: accuracy over layers, last-token logits by guard, what steering does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from safebasin.reporting.canvas import INK, add_legend, panels_of, svg_of
from safebasin.reporting.findings import Probe, Record, number, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PROBE_FIGURES = ("probe_accuracy", "probe_logits", "probe_steering")
MOST_PANELS = 4
"""Agents that are drawn; the figures of the others are in their artifacts."""
_HARMFUL, _BENIGN, _LOOKALIKE, _DONE, _CHANCE = (
    "#c64b4b", "#2f7ec2", "#8468c4", "#2a9d9a", "#80868f",
)  # fmt: skip
_KINDS = {"harmful": _HARMFUL, "benign": _BENIGN, "lookalike": _LOOKALIKE}
_STEERED = {"RR": _HARMFUL, "benign RR": _BENIGN, "SR": _DONE}


def probe_figures(probes: Sequence[Probe]) -> dict[str, str]:
    """Return the SVG of each figure by name; one without anything to show is left out."""
    shown = probes[:MOST_PANELS]
    drawn = zip(
        PROBE_FIGURES,
        (accuracy_figure, logit_figure, steering_figure),
        ("accuracy", "logit_final", "steering"),
        strict=True,
    )
    return {
        name: draw(shown)
        for name, draw, measure in drawn
        if any(text(row, "measure") == measure for one in shown for row in one.rows)
    }


def accuracy_figure(probes: Sequence[Probe]) -> str:
    """Return accuracy on held-out objects over the layers, with shuffled labels as a band."""
    figure, panels = panels_of(len(probes), 4.8, 3.2)
    for panel, probe in zip(panels, probes, strict=True):
        rows = [row for row in rows_of(probe, "accuracy") if not text(row, "kind")]
        rows.sort(key=lambda row: number(row, "layer") or 0)
        layers = [number(row, "layer") or 0 for row in rows]
        _line(panel, layers, rows, _HARMFUL, "harmful against other tasks", factor=100)
        chance = sorted(
            rows_of(probe, "accuracy_shuffled"), key=lambda row: number(row, "layer") or 0
        )
        xs = [number(row, "layer") or 0 for row in chance]
        low, high = ([(number(row, key) or 0) * 100 for row in chance] for key in ("low", "high"))
        panel.fill_between(
            xs, low, high, color=_CHANCE, alpha=0.3, linewidth=0, label="shuffled labels"
        )
        headline = number(probe.about, "headline")
        if headline is not None:
            panel.axvline(headline, color=INK, linewidth=0.8, linestyle=":", label="shown layer")
        _title(panel, probe, probes)
        panel.set_xlabel("layer (0: embeddings)")
        panel.set_ylim(-4, 104)
    panels[0].set_ylabel("accuracy on held-out objects, %")
    add_legend(figure, panels[0])
    return svg_of(figure)


def logit_figure(probes: Sequence[Probe]) -> str:
    """Return the mean logit at the last token before the agent speaks, by guard and kind."""
    figure, panels = panels_of(len(probes), 4.8, 3.4)
    for panel, probe in zip(panels, probes, strict=True):
        rows = [row for row in headline_rows(probe, "logit_final") if text(row, "metric") == "mean"]
        guards = list(dict.fromkeys(text(row, "guard") for row in rows))
        for place, (kind, colour) in enumerate(_KINDS.items()):
            ours = [row for row in rows if text(row, "kind") == kind]
            xs = [guards.index(text(row, "guard")) + 0.16 * (place - 1) for row in ours]
            if ours:
                _line(panel, xs, ours, colour, f"{kind} tasks", style="none")
        _title(panel, probe, probes)
        panel.axhline(0, color=INK, linewidth=0.6)
        names = ["no guard" if guard == "none" else guard for guard in guards]
        panel.set_xticks(range(len(guards)), names)
        panel.set_xlim(-0.5, len(guards) - 0.5)
    panels[0].set_ylabel("probe logit at the last token")
    add_legend(figure, panels[0])
    return svg_of(figure)


def steering_figure(probes: Sequence[Probe]) -> str:
    """Return RR, benign RR and SR over the coefficients; dashed along a random direction."""
    shown = [probe for probe in probes if rows_of(probe, "steering")]
    figure, panels = panels_of(len(shown), 4.8, 3.4)
    for panel, probe in zip(panels, shown, strict=True):
        steps = sorted({number(row, "coefficient") or 0.0 for row in rows_of(probe, "steering")})
        for place, (metric, colour) in enumerate(_STEERED.items()):
            aside = 0.08 * (place - 1)  # so that equal shares do not hide each other
            for measure, style in (("steering", "-"), ("steering_random", ":")):
                rows = [row for row in rows_of(probe, measure) if text(row, "metric") == metric]
                rows.sort(key=lambda row: number(row, "coefficient") or 0)
                xs = [steps.index(number(row, "coefficient") or 0.0) + aside for row in rows]
                label = metric if measure == "steering" else f"{metric}, random direction"
                if rows:
                    _line(
                        panel, xs, rows, colour, label,
                        style=style, factor=100, bars=measure == "steering",
                    )  # fmt: skip
        _title(panel, probe, shown)
        panel.set_xlabel("coefficient")
        panel.set_xticks(range(len(steps)), [f"{step:g}" for step in steps])
        panel.set_ylim(-4, 104)
    panels[0].set_ylabel("share of tasks, %")
    add_legend(figure, panels[0])
    return svg_of(figure)


def rows_of(probe: Probe, measure: str) -> list[Record]:
    """Return the rows of one measure."""
    return [row for row in probe.rows if text(row, "measure") == measure]


def headline_rows(probe: Probe, measure: str) -> list[Record]:
    """Return the rows of one measure at the layer that was fixed beforehand."""
    layer = number(probe.about, "headline")
    return [row for row in rows_of(probe, measure) if number(row, "layer") == layer]


def _line(
    panel: Axes,
    xs: Sequence[float],
    rows: Sequence[Record],
    colour: str,
    label: str,
    *,
    style: str = "-",
    factor: float = 1,
    bars: bool = True,
) -> None:
    values = [(number(row, "value") or 0.0) * factor for row in rows]
    lengths = [[_length(row, key, factor) for row in rows] for key in ("low", "high")]
    panel.errorbar(
        xs, values, yerr=lengths if bars else None, color=colour, linestyle=style, marker="o",
        markersize=4, linewidth=1.3, elinewidth=0.7, alpha=0.9 if bars else 0.6, label=label,
    )  # fmt: skip


def _length(row: Record, end: str, factor: float) -> float:
    """Return how far the interval reaches to one side; 0 where there is none."""
    value, reach = number(row, "value"), number(row, end)
    return 0.0 if value is None or reach is None else abs(value - reach) * factor


def _title(panel: Axes, probe: Probe, probes: Sequence[Probe]) -> None:
    panel.set_title(probe.name if len(probes) > 1 else "", fontsize=10, loc="left")
