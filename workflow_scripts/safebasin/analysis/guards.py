"""Guards compared on one agent: each against none, the searched prefix against all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from safebasin.analysis.arms import FIGURES, AgentModel, Arm
from safebasin.analysis.guard_kind import GuardKind
from safebasin.analysis.intervals import Interval, clustered_proportion
from safebasin.analysis.paired import PairedDifference, paired_difference
from safebasin.errors import StudyError

MARGIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigure:
    """One figure of one guard, pooled over its draws."""

    interval: Interval
    """Clustered by object; a task's draws are one cluster."""
    by_draw: Mapping[int, float]
    """The share of each draw, by its number; 0 where the guard has one draw only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRow:
    """One row of the guard table."""

    stage: str
    guard: str
    kind: GuardKind
    draws: int
    figures: Mapping[str, ArmFigure]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardComparison:
    """One guard against another on the same tasks."""

    figure: str
    guard: str
    against: str
    against_stage: str
    draw: int | None
    """The draw of ``against``; None where its draws are pooled, or it has one only."""
    draws: int
    """Draws of ``against`` in it."""
    guard_draws: int
    """Draws of ``guard`` in it."""
    result: PairedDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFindings:
    """What was found of one agent."""

    model: AgentModel
    rows: Sequence[ArmRow]
    comparisons: Sequence[GuardComparison]
    guards: Mapping[str, GuardKind]
    """Its own guards; those of the aligned model it came from are not among them."""

    @property
    def searched(self) -> list[str]:
        """Its guards that open replies with a searched prefix."""
        return [guard for guard, kind in self.guards.items() if kind.is_searched]

    @property
    def unguarded(self) -> str | None:
        """What the study calls the agent without a guard, where that was run."""
        return next((guard for guard, kind in self.guards.items() if kind.is_none), None)

    def compared(
        self, figure: str, guard: str, against: str, stage: str | None = None
    ) -> GuardComparison | None:
        """Return the pooled comparison of the two guards in the figure, where there is one.

        Args:
            figure: a key of ``FIGURES``.
            guard: a guard of the agent.
            against: what it is compared with.
            stage: the stage of the other arm; None for the agent itself.
        """
        wanted = (figure, guard, against, stage or self.model.stage, None)
        for one in self.comparisons:
            if (one.figure, one.guard, one.against, one.against_stage, one.draw) == wanted:
                return one
        return None


def compare_guards(model: AgentModel, arms: Sequence[Arm]) -> AgentFindings:
    """Return the guard table of one agent and the paired comparisons.

    Compared are every guard with none, the unguarded agent with the aligned model, and a searched
    prefix with every other guard, pooled over the draws and with each draw of the other; of two
    that hold a searched prefix, the one that the study names first with the other.

    Raises:
        StudyError: two arms did not play the same tasks.
    """
    own = [arm for arm in arms if arm.stage == model.stage]
    plain = [arm for arm in own if arm.kind.is_none]
    origin = [
        arm for arm in arms if arm.kind.is_none and (arm.stage, model.stage) == ("aligned", "agent")
    ]
    found = [one for arm in plain for before in origin for one in _pooled(arm, before)]
    for arm in own:
        found += [one for none in plain if arm is not none for one in _pooled(arm, none)]
    for arm, other in _searched_first(own):
        found += _pooled(arm, other)
        found += _each_draw(arm, other)
    return AgentFindings(
        model=model,
        rows=[_row(arm) for arm in arms],
        comparisons=found,
        guards={arm.guard: arm.kind for arm in own},
    )


def _searched_first(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """Return each searched prefix with each other guard, no two of them twice."""
    searched = [arm for arm in arms if arm.kind.is_searched]
    others = [arm for arm in arms if not arm.kind.is_searched and not arm.kind.is_none]
    beside = [(arm, other) for arm in searched for other in others]
    return beside + list(combinations(searched, 2))


def _row(arm: Arm) -> ArmRow:
    return ArmRow(
        stage=arm.stage,
        guard=arm.guard,
        kind=arm.kind,
        draws=len(arm.cells),
        figures={
            name: _figure(arm, kind, verdict)
            for name, (kind, verdict) in FIGURES.items()
            if kind in arm.outcomes
        },
    )


def _figure(arm: Arm, kind: str, verdict: str) -> ArmFigure:
    outcomes = arm.outcomes[kind]
    hits = {key: row.verdict == verdict for key, row in outcomes.items()}
    by_draw = {}
    for place, cell in enumerate(arm.cells):
        drawn = [hit for (draw, _), hit in hits.items() if draw == place]
        by_draw[cell.replicate or 0] = sum(drawn) / len(drawn)
    pooled = clustered_proportion(list(hits.values()), [row.group for row in outcomes.values()])
    return ArmFigure(interval=pooled, by_draw=by_draw)


def _pooled(arm: Arm, other: Arm) -> list[GuardComparison]:
    """Return the comparison in every figure that both arms have, over all draws of both."""
    return [
        _compare(arm, other, figure, _draw_pairs(arm, other), None)
        for figure, (kind, _) in FIGURES.items()
        if kind in arm.outcomes and kind in other.outcomes
    ]


def _each_draw(arm: Arm, other: Arm) -> list[GuardComparison]:
    if len(other.cells) < 2:
        return []
    return [
        _compare(arm, other, figure, pairs, cell.replicate)
        for figure, (kind, _) in FIGURES.items()
        if kind in arm.outcomes and kind in other.outcomes
        for place, cell in enumerate(other.cells)
        if (pairs := [pair for pair in _draw_pairs(arm, other) if pair[1] == place])
    ]


def _draw_pairs(arm: Arm, other: Arm) -> list[tuple[int, int]]:
    """Return which draws are compared, by their places: all with all, or those of one search."""
    pairs = list(product(range(len(arm.cells)), range(len(other.cells))))
    if not (arm.kind.is_from_search and other.kind.is_from_search):
        return pairs
    return [
        (ours, theirs)
        for ours, theirs in pairs
        if arm.cells[ours].replicate == other.cells[theirs].replicate
    ]


def _compare(
    arm: Arm, other: Arm, figure: str, pairs: Sequence[tuple[int, int]], draw: int | None
) -> GuardComparison:
    """Compare task by task; a draw enters as a seed does, for it varies as one."""
    kind, verdict = FIGURES[figure]
    treated, control, groups, draws = [], [], [], []
    for place, against in pairs:
        ours = {task: row for (at, task), row in arm.outcomes[kind].items() if at == place}
        theirs = {task: row for (at, task), row in other.outcomes[kind].items() if at == against}
        if set(ours) != set(theirs):
            raise StudyError(
                f"guards {arm.guard!r} and {other.guard!r}: {len(ours)} and {len(theirs)} "
                f"{kind} tasks, not the same ones; give both the same tasks"
            )
        for task in sorted(ours):
            treated.append(ours[task].verdict == verdict)
            control.append(theirs[task].verdict == verdict)
            groups.append(ours[task].group)
            draws.append((place, against))
    return GuardComparison(
        figure=figure,
        guard=arm.guard,
        against=other.guard,
        against_stage=other.stage,
        draw=draw,
        draws=len({theirs for _, theirs in pairs}),
        guard_draws=len({ours for ours, _ in pairs}),
        result=paired_difference(treated, control, groups, draws, margin=MARGIN),
    )
