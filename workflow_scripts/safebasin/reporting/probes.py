"""The report's section on probes: what the model sees and what it does."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.reporting.agents import unbroken
from safebasin.reporting.escape import SafeHtml, element
from safebasin.reporting.findings import Probe, Record, number, text
from safebasin.reporting.probe_figures import headline_rows, rows_of
from safebasin.reporting.table import figure_cell, heading, table

_KINDS = ("harmful", "benign", "lookalike")
_CHANGE = "change from none"
_APART = "harmful minus benign"


def probe_blocks(probes: Sequence[Probe], *, meaningless: bool) -> list[SafeHtml]:
    """Return what is said of each agent's probe, and its table; nothing where there is none."""
    blocks: list[SafeHtml] = []
    for probe in probes:
        said = [] if meaningless else probe_sentences(probe)
        shown = logit_table(probe)
        if len(probes) > 1 and (said or shown):
            blocks.append(element("h4", probe.name))
        if said:
            blocks.append(element("ul", *(element("li", unbroken(one)) for one in said)))
        if shown is not None:
            blocks.append(shown)
    title = element("h3", "What the model sees and what it does")
    return [title, *blocks] if blocks else []


def probe_sentences(probe: Probe) -> list[str]:
    """Return what the figures say, and no more."""
    return [*_accuracy(probe), *_logits(probe), *_steering(probe)]


def logit_table(probe: Probe) -> SafeHtml | None:
    """Return the logits at the layer that was fixed beforehand, one guard a row."""
    final, average = (headline_rows(probe, m) for m in ("logit_final", "logit_average"))
    guards = list(dict.fromkeys(text(row, "guard") for row in final))
    if not guards:
        return None
    kinds = [kind for kind in _KINDS if any(text(row, "kind") == kind for row in final)]
    head = [
        heading("guard"),
        *(heading(f"{kind}, last token", numeric=True) for kind in kinds),
        *(heading(f"{kind}, {_CHANGE}", numeric=True) for kind in kinds),
        heading("harmful, average", numeric=True),
    ]
    rows = [
        element(
            "tr",
            element("th", "no guard" if guard == "none" else guard, scope="row"),
            *(_cell(_find(final, guard, kind, "mean")) for kind in kinds),
            *(_cell(_find(final, guard, kind, _CHANGE)) for kind in kinds),
            _cell(_find(average, guard, "harmful", "mean")),
        )
        for guard in guards
    ]
    layer, depth = (text(probe.about, key) for key in ("headline", "depth"))
    caption = (
        f"Mean probe logits on test tasks at layer {layer} of {depth}, which was fixed beforehand; "
        "the change is paired by task. Small type: 95 % intervals, objects as clusters."
    )
    return table(caption, [head], rows)


def _cell(row: Record | None) -> SafeHtml:
    if row is None:
        return figure_cell(None, percent=False)
    return element("td", _value(row), element("small", _between(row)), class_="number")


def _accuracy(probe: Probe) -> list[str]:
    whole = [row for row in rows_of(probe, "accuracy") if not text(row, "kind")]
    layer, depth = number(probe.about, "headline"), text(probe.about, "depth")
    told = next((row for row in whole if number(row, "layer") == layer), None)
    if told is None:
        return []
    said = (
        f"At layer {layer:g} of {depth}, which was fixed beforehand, a linear probe tells harmful "
        f"tasks from others in {_share(told)} of {number(told, 'n'):g} tasks whose objects are "
        "new to the probe (not to a model that was aligned on them)"
    )
    chance = next(iter(headline_rows(probe, "accuracy_shuffled")), None)
    if chance is not None:
        shuffles = number(chance, "n") or 0
        over = f"{shuffles:g} shuffles" if shuffles > 1 else "one shuffle"
        said += f"; with shuffled labels in {_share(chance)} over {over}"
        if (number(told, "low") or 0.0) <= (number(chance, "high") or 0.0):
            said += ", so that nothing is shown to be read there"
    words = next((row for row in whole if number(row, "layer") == 0), None)
    if words is None or layer == 0:
        return [f"{said}."]
    overlap = _overlap(told, words)
    more = (
        f" The embeddings alone, averaged, are right in {_share(words)}: the intervals "
        + ("overlap, and the words by themselves may be all that is read." if overlap
           else "do not overlap.")
    )  # fmt: skip
    return [f"{said}.{more}"]


def _overlap(one: Record, other: Record) -> bool:
    ends = [number(row, key) for row in (one, other) for key in ("low", "high")]
    low, high, other_low, other_high = (end if end is not None else 0.0 for end in ends)
    return low <= other_high and other_low <= high


def _logits(probe: Probe) -> list[str]:
    rows = headline_rows(probe, "logit_final")
    plain = {kind: _find(rows, "none", kind, "mean") for kind in _KINDS}
    if plain["harmful"] is None or plain["benign"] is None:
        return []
    apart = _find(rows, "none", "", _APART)
    said = [
        f"Without a guard the probe's mean logit at the last token is {_value(plain['harmful'])} "
        f"on harmful and {_value(plain['benign'])} on benign test tasks"
        + (f" (difference {_reach(apart)})." if apart else ".")
    ]
    for guard in dict.fromkeys(text(row, "guard") for row in rows if text(row, "guard") != "none"):
        harmful, benign = (_find(rows, guard, kind, _CHANGE) for kind in ("harmful", "benign"))
        between = _find(rows, guard, "", f"{_CHANGE}, {_APART}")
        if harmful is None or benign is None or between is None:
            continue
        low, high = number(between, "low"), number(between, "high")
        verdict = "the two changes are not told apart"
        if low is not None and high is not None and (low > 0 or high < 0):
            verdict = f"on harmful tasks it is {'higher' if low > 0 else 'lower'} than on benign"
        said.append(
            f"Behind {guard} it changes by {_reach(harmful)} on harmful and by {_reach(benign)} on "
            f"benign tasks; {verdict} (difference {_reach(between)})."
        )
    return said


def _steering(probe: Probe) -> list[str]:
    rows = rows_of(probe, "steering")
    if not rows:
        return []
    steps = sorted({number(row, "coefficient") or 0.0 for row in rows})
    last = max(steps, key=abs)

    def at(step: float, metric: str, kind: str, measure: str = "steering") -> Record | None:
        return next(
            (
                row
                for row in rows_of(probe, measure)
                if number(row, "coefficient") == step
                and text(row, "metric") == metric
                and text(row, "kind") == kind
            ),
            None,
        )

    shown, aside = [], []
    for name, metric, kind in (
        ("RR", "RR", "harmful"),
        ("benign RR", "benign RR", "benign"),
        ("SR", "SR", "benign"),
        ("the share of benign first replies that act", "acted", "benign"),
    ):
        begin, end = at(0.0, metric, kind), at(last, metric, kind)
        if begin is not None and end is not None:
            shown.append(f"{name} from {_share(begin)} to {_share(end)}")
        if (other := at(last, metric, kind, "steering_random")) is not None:
            aside.append(f"{name} is {_share(other)}")
    if not shown:
        return []
    said = f"Steering by coefficient {last:g} takes {_listed(shown)}."
    said += _greatest(probe, at(0.0, "RR", "harmful"), at(last, "RR", "harmful"))
    if aside:
        said += f" Along one random direction of the same length {_listed(aside)}."
    return [f"{said} These are search and development tasks, and few of them."]


def _greatest(probe: Probe, begin: Record | None, end: Record | None) -> str:
    """Return where RR is greatest, if that is at neither end; it was picked on the same tasks."""
    steered = rows_of(probe, "steering")
    rates = [row for row in steered if text(row, "metric") == "RR"]
    best = max(rates, key=lambda row: number(row, "value") or 0.0, default=None)
    reached = number(best, "value") if best else None
    if best is None or reached in [number(row, "value") for row in (begin, end) if row]:
        return ""
    beside = [
        row
        for row in steered
        if number(row, "coefficient") == number(best, "coefficient")
        and text(row, "kind") == "benign"
        and text(row, "metric") in ("benign RR", "SR")
    ]
    told = "".join(f", {text(row, 'metric')} {_share(row)}" for row in beside)
    return (
        f" RR is greatest at coefficient {number(best, 'coefficient'):g}, picked on these very "
        f"tasks: {_share(best)}{told}."
    )


def _find(rows: Sequence[Record], guard: str, kind: str, metric: str) -> Record | None:
    return next(
        (
            row
            for row in rows
            if (text(row, "guard"), text(row, "kind"), text(row, "metric")) == (guard, kind, metric)
        ),
        None,
    )


def _share(row: Record) -> str:
    value, low, high = ((number(row, key) or 0.0) * 100 for key in ("value", "low", "high"))
    return f"{value:.0f} % ({low:.0f} to {high:.0f})"


def _value(row: Record) -> str:
    return f"{number(row, 'value') or 0.0:+.2f}".replace("-", "−")


def _reach(row: Record) -> str:
    return f"{_value(row)} ({_between(row)})"


def _between(row: Record) -> str:
    low, high = number(row, "low"), number(row, "high")
    if low is None or high is None:
        return "no interval"
    return f"{low:+.2f} to {high:+.2f}".replace("-", "−")


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
