"""The tables beside the main one: contrast, choices, activity, judge, provenance."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.analysis.p_value import p_text
from safebasin.reporting.escape import SafeHtml, element, join
from safebasin.reporting.findings import Record, Training, number, records, text
from safebasin.reporting.labels import LABEL, with_label
from safebasin.reporting.models import condition_text, method_text
from safebasin.reporting.table import heading, table


def contrast_table(contrast: Record, *, chosen: bool) -> SafeHtml | None:
    """Return the primary contrast, its parts and the other settings, one a row.

    Args:
        contrast: what was asked and found.
        chosen: whether development rows chose a setting.
    """
    primary = contrast.get("primary")
    if not isinstance(primary, dict):
        return None
    listed: list[tuple[str, Record]] = [("primary", primary)]
    listed += [("part", one) for one in records(contrast, "parts")]
    settled = text(primary, "setting")  # of which the first row tells
    others = [one for one in records(contrast, "settings") if text(one, "setting") != settled]
    listed += [("setting", one) for one in others]
    asked = contrast.get("asked")
    arms = [
        text(asked, arm) if isinstance(asked, dict) else arm for arm in ("treatment", "control")
    ]
    figures = (
        *(f"{arm}, %" for arm in arms),
        "difference, points",
        f"{arms[0]} alone / {arms[1]} alone",
        "McNemar p",
        "could have been seen",
        "pairs (groups)",
    )
    head = [
        heading("comparison"),
        *(heading(label, numeric=True) for label in figures),
        heading("finding"),
    ]
    sets = primary.get("eval_sets")
    whole = "all sets" if isinstance(sets, list) and len(sets) > 1 else "as named beforehand"
    label = f"{'chosen setting, ' if chosen else ''}{whole}"
    rows = [_contrast_row(role, one, label) for role, one in listed]
    rest = "the others are secondary and not corrected for their number"
    first = f"The first row was named before the runs; {rest}." if len(rows) > 1 else ""
    return table(
        " ".join(part for part in ("The paired contrast.", first, _equivalence(primary)) if part),
        [head],
        rows,
    )


def _equivalence(primary: Record) -> str:
    """Return what "equivalent" means at the level of the contrast."""
    level = number(primary, "level")
    if level is None:
        return "“Equivalent” is two one-sided tests at the margin."
    tested = 1 - 2 * (1 - level)
    return (
        f"“Equivalent” is two one-sided tests at the margin: a {tested * 100:g} % interval within "
        f"it, where the small type shows the wider {level * 100:g} % one."
    )


def _contrast_row(role: str, one: Record, primary: str) -> SafeHtml:
    def points(key: str, form: str = ".1f") -> str:
        value = number(one, key)
        return "–" if value is None else f"{value * 100:{form}}".replace("-", "−")

    label = primary if role == "primary" else text(one, "label")
    discordant = f"{number(one, 'only_treatment'):g} / {number(one, 'only_control'):g}"
    return element(
        "tr",
        element("th", label, *_small(text(one, "setting")), scope="row"),
        element("td", points("treatment"), class_="number"),
        element("td", points("control"), class_="number"),
        element(
            "td",
            points("difference", "+.1f"),
            element("small", f"{points('low', '+.1f')} to {points('high', '+.1f')}"),
            class_="number",
        ),
        element("td", discordant, class_="number"),
        element("td", p_text(number(one, "mcnemar_p") or 0.0), class_="number"),
        element("td", points("smallest_detectable"), class_="number"),
        element("td", f"{number(one, 'n'):g} ({number(one, 'clusters'):g})", class_="number"),
        element("td", text(one, "finding")),
        class_="chosen" if role == "primary" else None,
    )


def _small(words: str) -> list[SafeHtml]:
    return [element("small", words)] if words else []


def choice_table(choices: Record) -> SafeHtml | None:
    """Return the development scores of every setting, the chosen one marked."""
    rows = []
    for choice in records(choices, "choices"):
        methods = choice.get("methods")
        name = " and ".join(str(one) for one in methods) if isinstance(methods, list) else ""
        chosen = number(choice, "chosen")
        for score in records(choice, "scores"):
            strength = number(score, "strength")
            tag = element("span", "chosen", class_="tag") if strength == chosen else None
            rows.append(
                element(
                    "tr",
                    element("th", name, scope="row"),
                    element("td", f"{strength:g} ", tag),
                    element("td", f"{number(score, 'score'):.4f}", class_="number"),
                    class_="chosen" if tag else None,
                )
            )
    head = [heading("method"), heading("setting"), heading("score", numeric=True)]
    return table("Scores on the development rows.", [head], rows) if rows else None


def activity_table(trainings: Sequence[Training]) -> SafeHtml | None:
    """Return what each method did: the proof that it was on, and what it cost."""
    columns = (
        ("covered_matrices", "matrices covered"),
        ("expected_matrices", "of"),
        ("penalty_first", "penalty, first step"),
        ("penalty_last", "last step"),
        ("gradient_share_mean", "share of gradient"),
        ("steps", "steps"),
        ("tokens", "tokens"),
        ("forward_passes", "forward passes"),
        ("backward_passes", "backward passes"),
    )
    shown = [one for one in trainings if one.activity]
    used = [
        pair for pair in columns if any(number(one.activity, pair[0]) is not None for one in shown)
    ]
    rows = [
        element(
            "tr",
            element("th", one.name, scope="row"),
            *(element("td", _plain(one.activity, key), class_="number") for key, _ in used),
        )
        for one in shown
    ]
    head = [heading("adapter"), *(heading(label, numeric=True) for _, label in used)]
    caption = "What each method did. A step fails when its method covers less than it should."
    return table(caption, [head], rows) if rows and used else None


def confusion_table(calibration: Sequence[Record], judge: str = "") -> SafeHtml | None:
    """Return the judge's verdicts against human labels; ``judge`` is what the study calls it."""
    counts = {
        (text(row, "human"), text(row, "verdict")): int(number(row, "n") or 0)
        for row in calibration
        if text(row, "measure") == "count"
    }
    if not counts:
        return None
    verdicts = sorted({verdict for _, verdict in counts})
    rows = [
        element(
            "tr",
            element("th", human, scope="row"),
            *(element("td", str(counts.get((human, v), 0)), class_="number") for v in verdicts),
        )
        for human in sorted({human for human, _ in counts}, reverse=True)
    ]
    judged = [heading(f"judge: {verdict}", numeric=True) for verdict in verdicts]
    head = [heading("a person says"), *judged]
    called = f"The judge {judge}" if judge else "The judge"
    return table(f"{called} against human labels, in answers.", [head], rows)


def provenance_table(rows: Sequence[Record]) -> SafeHtml:
    """Return the digests behind each model and seed."""
    cells: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for row in rows:
        agent = "agent " if text(row, "stage") == "agent" else ""
        name = agent + (method_text(row) or with_label(text(row, "stage"), text(row, LABEL)))
        seed = text(row, "seed")
        key = (f"{name} {text(row, 'setting')}".strip(), seed, condition_text(row))
        digests = cells.setdefault(key, {"checkpoint": [], "adapter": [], "verdicts": []})
        for column, found in digests.items():
            if row.get(column) and text(row, column) not in found:
                found.append(text(row, column))
    body = [
        element(
            "tr",
            element("th", name, *_small(condition), scope="row"),
            element("td", seed or "–"),
            *(element("td", _codes(found)) for found in digests.values()),
        )
        for (name, seed, condition), digests in cells.items()
    ]
    labels = ("model", "seed", "checkpoint", "adapter", "verdicts and measures")
    caption = "The artifacts behind each row, by digest; the store has them by kind and digest."
    return table(caption, [[heading(label) for label in labels]], body)


def _codes(digests: Sequence[str]) -> SafeHtml:
    return join((element("code", digest) for digest in digests), " ") if digests else join(["–"])


def _plain(record: Record, key: str) -> str:
    value = number(record, key)
    if value is None:
        return "–"
    return f"{value:,.0f}" if value.is_integer() else f"{value:.3g}"
