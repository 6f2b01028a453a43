"""The study's question as a paired contrast: treatment against control, prompt by prompt."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from safebasin.analysis.cells import VERDICT_OF, Cell
from safebasin.analysis.choice import Choice
from safebasin.analysis.p_value import p_words
from safebasin.analysis.paired import PairedDifference, paired_difference
from safebasin.analysis.verdicts import Verdict
from safebasin.errors import StudyError

CellVerdicts = Mapping[str, Mapping[str, Sequence[Verdict]]]
"""A cell's name to an evaluation set's name to its verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """What is compared."""

    treatment: str
    control: str
    metric: str
    eval_sets: Sequence[str]
    margin: float = 0.05
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One comparison with the words for it."""

    label: str
    setting: str
    eval_sets: tuple[str, ...]
    result: PairedDifference
    sentence: str


def compare_chosen(
    contrast: Contrast, cells: Sequence[Cell], verdicts: CellVerdicts, choices: Sequence[Choice]
) -> list[Compared]:
    """Return the primary comparison first, then the same for each evaluation set and condition.

    The primary one pools the evaluation sets, seeds and conditions, each at the setting that the
    development split chose; pairs of one prompt share a cluster.
    """
    chosen = {(one.condition, method): one.chosen for one in choices for method in one.methods}
    ours = _arms(contrast, cells)
    picked = [cell for cell in ours if cell.strength == chosen[cell.condition, str(cell.method)]]
    if not picked:
        raise StudyError(
            f"contrast: the study has no {contrast.treatment!r} and no {contrast.control!r}"
        )
    setting = _settings(picked)
    compared = [_compare(contrast, picked, verdicts, contrast.eval_sets, "primary", setting)]
    if len(contrast.eval_sets) > 1:
        for name in contrast.eval_sets:
            compared.append(_compare(contrast, picked, verdicts, [name], name, setting))
    conditions = sorted({cell.condition for cell in picked})
    for condition in conditions if len(conditions) > 1 else []:
        some = [cell for cell in picked if cell.condition == condition]
        label = ", ".join(_named(condition))
        compared.append(
            _compare(contrast, some, verdicts, contrast.eval_sets, label, _settings(some))
        )
    return compared


def compare_settings(
    contrast: Contrast, cells: Sequence[Cell], verdicts: CellVerdicts
) -> list[Compared]:
    """Return the comparison at every setting that both methods have; these are secondary."""
    ours = _arms(contrast, cells)
    strengths = [
        {cell.strength for cell in ours if cell.method == method}
        for method in (contrast.treatment, contrast.control)
    ]
    compared = []
    for strength in sorted(s for s in strengths[0] & strengths[1] if s is not None):
        some = [cell for cell in ours if cell.strength == strength]
        setting = _settings(some)
        compared.append(_compare(contrast, some, verdicts, contrast.eval_sets, setting, setting))
    return compared


def _arms(contrast: Contrast, cells: Sequence[Cell]) -> list[Cell]:
    """Return the tuned cells of the two methods; an agent's belong to no contrast of settings."""
    methods = (contrast.treatment, contrast.control)
    return [cell for cell in cells if cell.is_tuned and cell.method in methods]


def _compare(
    contrast: Contrast,
    cells: Sequence[Cell],
    verdicts: CellVerdicts,
    eval_sets: Sequence[str],
    label: str,
    setting: str,
) -> Compared:
    treated = _outcomes(contrast, cells, verdicts, eval_sets, contrast.treatment)
    controls = _outcomes(contrast, cells, verdicts, eval_sets, contrast.control)
    if set(treated) != set(controls):
        raise StudyError(
            f"contrast at {setting}: {contrast.treatment} has {len(treated)} answers and "
            f"{contrast.control} {len(controls)}, not on the same seeds and prompts; run both on "
            "the same seeds"
        )
    keys = sorted(treated, key=repr)
    result = paired_difference(
        [treated[key][0] for key in keys],
        [controls[key][0] for key in keys],
        [treated[key][1] for key in keys],
        [key[1] for key in keys],
        margin=contrast.margin,
        level=contrast.level,
    )
    return Compared(
        label=label,
        setting=setting,
        eval_sets=tuple(eval_sets),
        result=result,
        sentence=sentence(contrast, setting, eval_sets, result),
    )


def _outcomes(
    contrast: Contrast,
    cells: Sequence[Cell],
    verdicts: CellVerdicts,
    eval_sets: Sequence[str],
    method: str,
) -> dict[tuple[Hashable, int | None, str, str], tuple[bool, Hashable]]:
    """Return (condition, seed, set, prompt) to success and cluster, for one of the methods."""
    wanted = VERDICT_OF[contrast.metric]
    outcomes: dict[tuple[Hashable, int | None, str, str], tuple[bool, Hashable]] = {}
    for cell in cells:
        if cell.method != method:
            continue
        for name in eval_sets:
            for row in verdicts[cell.name].get(name, ()):
                key = (cell.condition, cell.seed, name, row.id)
                if key in outcomes:
                    raise StudyError(f"contrast: two cells of {method} at {cell.setting} are alike")
                outcomes[key] = (row.verdict == wanted, row.group)
    if not outcomes:
        raise StudyError(f"contrast: {method!r} has no answers on {', '.join(eval_sets)}")
    return outcomes


def sentence(
    contrast: Contrast, setting: str, eval_sets: Sequence[str], result: PairedDifference
) -> str:
    """Return the finding in plain English, with its interval and what could have been seen."""
    at = f" at {setting}" if setting else ""
    seeds = f"{result.seeds} seed{'s' if result.seeds > 1 else ''}"
    sets = " and ".join(eval_sets)
    shares = (result.treatment * 100, result.control * 100)
    if contrast.metric == "RR":
        opening = (
            f"{contrast.treatment}{at} refuses {shares[0]:.1f} % of the {sets} requests and "
            f"{contrast.control} {shares[1]:.1f} %"
        )
    else:
        opening = (
            f"{contrast.metric} on {sets} is {shares[0]:.1f} % for {contrast.treatment}{at} and "
            f"{shares[1]:.1f} % for {contrast.control}"
        )
    measured = (
        f"{opening} (difference {_points(result.difference)} points, {result.level * 100:g} % "
        f"interval {_points(result.low)} to {_points(result.high)}; {result.n} paired answers in "
        f"{result.clusters} groups of prompts, {seeds}): "
    )
    margin = f"within ±{result.margin * 100:g} points"
    if result.finding == "told apart":
        close = f", and equivalent {margin}" if result.within_margin else ""
        return f"{measured}the two are told apart{close}."
    if result.finding == "equivalent":
        tests = f"two one-sided tests, {p_words(result.equivalence_p)}"
        return f"{measured}the two are equivalent {margin} ({tests})."
    return (
        f"{measured}the two are not told apart; a true difference under "
        f"{result.smallest_detectable * 100:.1f} points could have gone unseen."
    )


def _points(share: float) -> str:
    """Return a signed share in points, with a minus sign that is one."""
    return f"{share * 100:+.1f}".replace("-", "−")


def _named(condition: Sequence[str]) -> list[str]:
    """Return the parts of a condition with what they are."""
    names = ("", "", "samples ", "harmful fraction ", "guard ")
    return [
        f"{name}{value}"
        for name, value in zip(names, condition, strict=True)
        if value not in ("", "none")
    ]


def _settings(cells: Sequence[Cell]) -> str:
    return " / ".join(sorted({cell.setting for cell in cells if cell.setting}))
