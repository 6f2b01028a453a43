"""Figures of tuned models: trade-off, training curves, the spectrum of a direction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from safebasin.reporting.canvas import INK, add_legend, panels_of, svg_of
from safebasin.reporting.findings import Record, Spectrum, Training, number, text
from safebasin.reporting.models import Estimate, Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIXED = {
    "asft": "#2f7ec2",
    "ridge": "#d2861a",
    "sft": "#c64b4b",
    "aligned": "#3d9a63",
    "base": "#80868f",
}
_MOST_NAMED = 18
"""Curves that a legend can name; beyond that colour alone tells the method."""
_CYCLE = ("#8468c4", "#2a9d9a", "#b0568f", "#8a7a2e", "#5c7fae", "#a3653c")


def colours(families: Sequence[str]) -> dict[str, str]:
    """Return a colour for each family; the study's usual methods keep theirs."""
    others = sorted(set(families) - set(_FIXED))
    return _FIXED | {name: _CYCLE[index % len(_CYCLE)] for index, name in enumerate(others)}


def tradeoff(models: Sequence[Model], harmful: Sequence[str], task: str) -> str:
    """Return refusals against task accuracy, one panel for each harmful set.

    A method's settings are joined by a line; the chosen one is filled.
    """
    figure, panels = panels_of(len(harmful), 4.3, 3.7)
    shades = colours([model.family for model in models])
    for panel, name in zip(panels, harmful, strict=True):
        by_family: dict[str, list[Model]] = defaultdict(list)
        for model in models:
            if (name, "RR") in model.estimates and (task, "FA") in model.estimates:
                by_family[model.family].append(model)
        for index, (family, members) in enumerate(by_family.items()):
            below = index % 2 == 1  # neighbours' labels part: one above its mark, one below
            _family(panel, members, (task, "FA"), (name, "RR"), shades[family], below)
        panel.set_title(f"{name} test", fontsize=10, loc="left")
        panel.set_xlabel(f"task accuracy on {task}, %")
        panel.set_ylim(-4, 104)
    panels[0].set_ylabel("harmful requests refused, %")
    add_legend(figure, panels[0])
    return svg_of(figure)


def _family(
    panel: Axes,
    members: Sequence[Model],
    across: tuple[str, str],
    up: tuple[str, str],
    colour: str,
    below: bool,
) -> None:
    xs = [model.estimates[across].value * 100 for model in members]
    ys = [model.estimates[up].value * 100 for model in members]
    shape = "o" if members[0].method else "s"
    names = {member.family if member.method else member.name for member in members}
    label = names.pop() if len(names) == 1 else members[0].family
    panel.plot([], [], marker=shape, color=colour, linestyle="none", label=label)
    if len(members) > 1:
        panel.plot(xs, ys, color=colour, linewidth=1, alpha=0.5, zorder=1)
    for model, x, y in zip(members, xs, ys, strict=True):
        wide, tall = _bars(model.estimates[across]), _bars(model.estimates[up])
        panel.errorbar(
            [x], [y], xerr=wide, yerr=tall, fmt="none", ecolor=colour, alpha=0.45, zorder=2
        )
        panel.plot(
            [x],
            [y],
            marker=shape,
            markersize=8 if model.chosen else 6,
            markerfacecolor=colour if model.chosen else "none",
            markeredgecolor=colour,
            linestyle="none",
            zorder=3,
        )
        if model.setting:
            panel.annotate(
                model.setting,
                (x, y),
                (7, -11) if below else (7, 5),
                textcoords="offset points",
                fontsize=7,
                color=colour,
            )


def _bars(one: Estimate) -> list[list[float]] | None:
    """Return how far the interval reaches below and above, in points."""
    if one.low is None or one.high is None:
        return None
    return [[max(0.0, one.value - one.low) * 100], [max(0.0, one.high - one.value) * 100]]


def curves(trainings: Sequence[Training]) -> str:
    """Return cross-entropy and penalty over the steps, each on its own axes."""
    figure, panels = panels_of(2, 4.3, 3.2)
    shown = [one for one in trainings if one.history]
    for index, training in enumerate(shown):
        colour, style = _line(index, training, shown)
        label = training.name if len(shown) <= _MOST_NAMED else None
        for panel, column in zip(panels, ("cross_entropy", "penalty"), strict=True):
            points = _points(training.history, column)
            if points and (column != "penalty" or any(y > 0 for _, y in points)):
                panel.plot(
                    [x for x, _ in points],
                    [y for _, y in points],
                    color=colour,
                    linestyle=style,
                    linewidth=1.2,
                    label=label,
                )
        panels[0].set_title("cross-entropy", fontsize=10, loc="left")
    panels[1].set_title("penalty", fontsize=10, loc="left")
    for panel in panels:
        panel.set_xlabel("step")
    if panels[1].lines:
        panels[1].set_yscale("log")
        panels[1].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panels[1].yaxis.set_minor_formatter(lambda _value, _: "")
    else:
        panels[1].text(0.5, 0.5, "no method here has a penalty", ha="center", color=INK)
    add_legend(figure, panels[0])
    return svg_of(figure)


def _points(history: Sequence[Record], column: str) -> list[tuple[float, float]]:
    """Return (step, value) of the rows that have both."""
    pairs = [(number(row, "step"), number(row, column)) for row in history]
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def _line(index: int, training: Training, all_of_them: Sequence[Training]) -> tuple[str, str]:
    """Return the colour of the method and a line style that tells its settings apart."""
    method = text(training.activity, "method") or training.name.split(" ")[0]
    names = [text(one.activity, "method") or one.name.split(" ")[0] for one in all_of_them]
    earlier = names[:index].count(method)
    return colours(names)[method], ("-", "--", ":", "-.")[earlier % 4]


def spectrum(spectra: Sequence[Spectrum]) -> str:
    """Return the size of d by layer, and the eigenvalues of C, for each direction."""
    figure, panels = panels_of(2 * len(spectra), 4.3, 3.2, columns=2)
    for index, one in enumerate(spectra):
        sizes, values = panels[2 * index], panels[2 * index + 1]
        _sizes(sizes, one.rows)
        _eigenvalues(values, one.rows)
        prefix = f"{one.name}: " if len(spectra) > 1 else ""
        sizes.set_title(f"{prefix}‖d‖ of each matrix", fontsize=10, loc="left")
        values.set_title(f"{prefix}eigenvalues of C = ddᵀ/‖d‖", fontsize=10, loc="left")
    return svg_of(figure)


def _sizes(panel: Axes, rows: Sequence[Record]) -> None:
    by_module: dict[str, dict[float, float]] = defaultdict(dict)
    for row in rows:
        layer, size = number(row, "layer"), number(row, "norm_d")
        if layer is not None and size is not None:
            by_module[_first(row, ("module_type", "module", "module type"))][layer] = size
    shades = [*_FIXED.values(), *_CYCLE]
    for index, (module, sizes) in enumerate(sorted(by_module.items())):
        layers = sorted(sizes)
        panel.plot(
            layers,
            [sizes[layer] for layer in layers],
            marker=".",
            linewidth=1,
            color=shades[index % len(shades)],
            label=module,
        )
    panel.set_xlabel("layer")
    panel.set_ylim(bottom=0)
    if by_module:
        panel.legend(fontsize=7, frameon=False, labelcolor=INK, ncols=2)


def _eigenvalues(panel: Axes, rows: Sequence[Record]) -> None:
    by_matrix: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        value = number(row, "eigenvalue")
        if value is not None:
            by_matrix[text(row, "matrix")].append(value)
    for values in by_matrix.values():
        ordered = sorted(values, reverse=True)
        panel.plot(range(1, len(ordered) + 1), ordered, color=_FIXED["asft"], lw=0.6, alpha=0.3)
    depth = min((len(values) for values in by_matrix.values()), default=0)
    middle = [
        median(sorted(values, reverse=True)[rank] for values in by_matrix.values())
        for rank in range(depth)
    ]
    panel.plot(range(1, depth + 1), middle, color=INK, lw=1.8, label="median matrix")
    panel.axhline(1.0, color=_FIXED["sft"], lw=1, linestyle="--", label="1: a direction set free")
    panel.set_xlabel("rank of the eigenvalue")
    panel.set_ylim(bottom=0)
    if by_matrix:
        panel.legend(fontsize=7, frameon=False, labelcolor=INK)


def _first(row: Mapping[str, object], names: Sequence[str]) -> str:
    return next((text(row, name) for name in names if row.get(name)), "")
