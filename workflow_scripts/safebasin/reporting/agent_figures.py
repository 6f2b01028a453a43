"""Figures on agents: the pool of a prefix search, and refusals over training steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from safebasin.reporting.agents import family_of, guard_label, model_of
from safebasin.reporting.canvas import INK, add_legend, panels_of, svg_of
from safebasin.reporting.findings import Pool, Record, number, records, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CANDIDATE, _WINNER, _CONTROL, _NEUTRAL = "#2f7ec2", "#c64b4b", "#80868f", "#2a9d9a"
_LINES = {"RR": "-", "SR": "--"}
_SHADES = ("#c64b4b", "#2f7ec2", "#8468c4", "#2a9d9a")

Point = tuple[float, float]


def pool_figure(pools: Sequence[Pool]) -> str:
    """Return perf against refusal of every prefix that was scored, one panel for each search."""
    figure, panels = panels_of(len(pools), 4.3, 3.9)
    for panel, pool in zip(panels, pools, strict=True):
        _pool(panel, pool)
        panel.set_title(pool.name if len(pools) > 1 else "", fontsize=10, loc="left")
        panel.set_xlabel("perf: benign search tasks acted on, %")
        panel.set_xlim(-6, 106)
        panel.set_ylim(-6, 106)
    panels[0].set_ylabel("refusal: harmful search tasks refused, %")
    add_legend(figure, panels[0])
    return svg_of(figure)


def _pool(panel: Axes, pool: Pool) -> None:
    candidates = [row for row in pool.rows if text(row, "role") == "candidate"]
    counts = Counter(point for row in candidates if (point := _point(row)) is not None)
    front = pareto_front(list(counts))
    panel.plot(
        [x * 100 for x, _ in front],
        [y * 100 for _, y in front],
        color=_CANDIDATE,
        linewidth=1,
        alpha=0.6,
        drawstyle="steps-post",
        label="Pareto front",
    )
    for place, ((x, y), count) in enumerate(sorted(counts.items())):
        panel.plot(
            [x * 100],
            [y * 100],
            marker="o",
            markersize=4 + 3 * count**0.5,
            color=_CANDIDATE,
            alpha=0.55,
            linestyle="none",
            label="prefix (size: how many coincide)" if place == 0 else None,
        )
        if count > 1:
            _note(panel, (x, y), f"{count}", (-3, -3), _CANDIDATE)
    _controls(panel, [row for row in pool.rows if text(row, "role") == "control"])
    winner = next(
        (row for row in candidates if number(row, "index") == number(pool.winner, "index")), None
    )
    point = _point(winner) if winner else None
    if point is not None:
        _mark(panel, point, "*", _WINNER, "winner")


def _controls(panel: Axes, controls: Sequence[Record]) -> None:
    """Mark the controls: neutral comments by how many coincide, the others by name."""
    neutral = [row for row in controls if text(row, "name").startswith("neutral")]
    for place, row in enumerate(row for row in controls if row not in neutral):
        point = _point(row)
        if point is not None:
            _mark(panel, point, "s", _CONTROL, "control" if place == 0 else None)
            _note(panel, point, text(row, "name"), (7, 5 - 9 * (place % 3)), _CONTROL)
    counts = Counter(point for row in neutral if (point := _point(row)) is not None)
    for place, (point, count) in enumerate(sorted(counts.items())):
        _mark(panel, point, "D", _NEUTRAL, "neutral comment" if place == 0 else None)
        if count > 1:
            _note(panel, point, f"{count}", (-11, -3), _NEUTRAL)


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in one figure without losing in the other."""
    front: list[Point] = []
    for point in sorted(set(points), reverse=True):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front[::-1]


def _point(row: Record) -> Point | None:
    perf, refusal = number(row, "perf"), number(row, "refusal")
    return None if perf is None or refusal is None else (perf, refusal)


def _mark(panel: Axes, point: Point, shape: str, colour: str, label: str | None) -> None:
    panel.plot(
        [point[0] * 100],
        [point[1] * 100],
        marker=shape,
        markersize=11 if shape == "*" else 6,
        markerfacecolor=colour if shape == "*" else "none",
        markeredgecolor=colour,
        linestyle="none",
        zorder=4,
        label=label,
    )


def _note(panel: Axes, point: Point, words: str, offset: tuple[float, float], colour: str) -> None:
    panel.annotate(
        words,
        (point[0] * 100, point[1] * 100),
        offset,
        textcoords="offset points",
        fontsize=7,
        color=INK if colour == _CANDIDATE else colour,
    )


def stepped(agents: Sequence[Record]) -> dict[tuple[str, ...], list[Record]]:
    """Return the agents to draw a curve over steps through: two steps or more of one family."""
    found: dict[tuple[str, ...], list[Record]] = {}
    for agent in agents:
        if number(model_of(agent), "steps") is not None:
            found.setdefault(family_of(agent), []).append(agent)
    return {
        family: members
        for family, members in found.items()
        if len({number(model_of(one), "steps") for one in members}) > 1
    }


def steps_figure(agents: Sequence[Record]) -> str:
    """Return RR and SR over the agent's training steps, with and without the searched prefix."""
    families = stepped(agents)
    figure, panels = panels_of(len(families), 4.8, 3.6)
    for panel, (family, members) in zip(panels, families.items(), strict=True):
        _curves(panel, members)
        _, agent, method, seed = family
        title = f"{agent}, {method}, seed {seed}" if len(families) > 1 else ""
        panel.set_title(title, fontsize=10, loc="left")
        panel.set_xlabel("optimizer steps of the agent stage")
        panel.set_ylim(-4, 104)
    panels[0].set_ylabel("share of tasks, %")
    add_legend(figure, panels[0])
    return svg_of(figure)


def _curves(panel: Axes, members: Sequence[Record]) -> None:
    searched = dict.fromkeys(
        guard_label(arm)
        for one in members
        if isinstance(names := one.get("searched"), list)
        for arm in records(one, "arms")
        if text(arm, "guard") in names
    )
    for shade, guard in zip(_SHADES, ("no guard", *searched), strict=False):
        for figure, style in _LINES.items():
            points = _over_steps(members, guard, figure)
            if not points:
                continue
            xs = [x for x, _ in points]
            ys = [(number(one, "value") or 0.0) * 100 for _, one in points]
            below = [
                y - (number(one, "low") or 0.0) * 100
                for y, (_, one) in zip(ys, points, strict=True)
            ]
            above = [
                (number(one, "high") or 0.0) * 100 - y
                for y, (_, one) in zip(ys, points, strict=True)
            ]
            panel.errorbar(
                xs, ys, yerr=[_positive(below), _positive(above)], color=shade, linestyle=style,
                marker="o", markersize=4, linewidth=1.3, elinewidth=0.7, alpha=0.85,
                label=f"{figure}, {guard}",
            )  # fmt: skip


def _positive(lengths: Sequence[float]) -> list[float]:
    return [max(0.0, length) for length in lengths]


def _over_steps(
    members: Sequence[Record], guard: str, figure: str
) -> list[tuple[float, Mapping[str, object]]]:
    """Return (steps, figure) of the guard; the aligned model stands at step 0."""
    points: dict[float, Mapping[str, object]] = {}
    for agent in members:
        model = model_of(agent)
        for arm in records(agent, "arms"):
            figures = arm.get("figures")
            found = figures.get(figure) if isinstance(figures, dict) else None
            if guard_label(arm) == guard and isinstance(found, Mapping):
                own = text(arm, "stage") == text(model, "stage")
                points[(number(model, "steps") or 0.0) if own else 0.0] = found
    return sorted(points.items(), key=lambda pair: pair[0])
