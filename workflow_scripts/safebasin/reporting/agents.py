"""The report's section on agents: guard table, comparisons, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from safebasin.reporting.escape import SafeHtml, element
from safebasin.reporting.findings import Findings, Record, number, records, text
from safebasin.reporting.labels import CALLED, LABEL, with_label
from safebasin.reporting.models import Estimate
from safebasin.reporting.table import figure_cell, heading, table

_TASK_METRICS = ("SR", "ASR")
_COLUMNS = (
    ("SR", "SR"),
    ("SR, a refusal ends", "SR, a refusal ends"),
    ("ASR", "ASR"),
    ("RR", "RR"),
    ("benign RR", "benign RR"),
    ("look-alike SR", "look-alike SR"),
    ("look-alike RR", "look-alike RR"),
)
_COMPARED = ("SR", "ASR", "RR", "benign RR", "look-alike RR")
_DRAWS = ("guard_draws", "draws")
_GLOSSARY = (
    ("SR", "share of benign tasks that were done"),
    ("SR, a refusal ends", "the same where a refusal ends the episode, whatever came after it"),
    ("ASR", "share of harmful tasks that were done"),
    ("RR", "share of harmful tasks that were refused and not done"),
    ("benign RR", "share of benign tasks that were refused and not done"),
    ("look-alike", "benign tasks that sound harmful"),
)


def glossary(findings: Findings) -> list[tuple[str, str]]:
    """Return what the columns of the guard tables mean, of those that are there."""
    arms = [arm for agent in agents_of(findings) for arm in records(agent, "arms")]
    shown = {key for arm in arms for key in figures_of(arm)}
    return [(term, said) for term, said in _GLOSSARY if any(key.startswith(term) for key in shown)]


def without_agents(findings: Findings) -> Findings:
    """Return the findings without the rows of agents, which have a section of their own."""
    sets = {text(row, "eval_set") for row in findings.rows if text(row, "metric") in _TASK_METRICS}

    def kept(rows: Sequence[Record]) -> list[Record]:
        return [
            row
            for row in rows
            if text(row, "eval_set") not in sets and text(row, "stage") != "agent"
        ]

    return replace(findings, rows=kept(findings.rows), summary=kept(findings.summary))


def agents_of(findings: Findings) -> list[Record]:
    """Return the agents of ``guards.json``."""
    return records(findings.guards, "agents")


def model_of(agent: Record) -> Record:
    """Return what the agent's model is."""
    model = agent.get("model")
    return model if isinstance(model, dict) else {}


def family_of(agent: Record) -> tuple[str, ...]:
    """Return what the models of one agent at several training steps have in common."""
    return tuple(text(model_of(agent), key) for key in ("pair", "agent", "method", "seed"))


def agent_name(agent: Record) -> str:
    """Return how the agent is called in headings."""
    model = model_of(agent)
    method, seed, steps = (text(model, key) for key in ("method", "seed", "steps"))
    parts = [
        f"{text(model, 'agent')} ({text(model, CALLED) or text(model, 'pair')})",
        "" if method in ("", "none", "full") else method,
        text(model, "setting"),
        f"{steps} steps" if steps else "",
        f"seed {seed}" if seed else "",
    ]
    return ", ".join(part for part in parts if part)


def leading(findings: Findings) -> list[Record]:
    """Return one model of each agent: the one with the most guards, not one of a curve's points."""
    best: dict[tuple[str, str], Record] = {}
    for agent in agents_of(findings):
        key = (text(model_of(agent), "pair"), text(model_of(agent), "agent"))
        if key not in best or _weight(agent) > _weight(best[key]):
            best[key] = agent
    return list(best.values())


def _weight(agent: Record) -> tuple[int, bool]:
    return len(records(agent, "arms")), number(model_of(agent), "steps") is None


def agent_blocks(findings: Findings, *, meaningless: bool) -> list[SafeHtml]:
    """Return the leading models' tables and words, the other models' folded, then the searches."""
    first = leading(findings)
    others = [agent for agent in agents_of(findings) if agent not in first]
    blocks: list[SafeHtml] = []
    for agent in first:
        if len(first) > 1:
            blocks.append(element("h3", agent_name(agent)))
        blocks += _model_blocks(agent, meaningless=meaningless)
    for agent in others:
        inside = _model_blocks(agent, meaningless=meaningless)
        blocks.append(element("details", element("summary", agent_name(agent)), *inside))
    falls = [text(one, "sentence") for one in records(findings.guards, "searches")]
    if falls and not meaningless:
        blocks.append(element("h3", "The search against the test"))
        blocks.append(element("ul", *(element("li", unbroken(one)) for one in falls)))
    return blocks


def _model_blocks(agent: Record, *, meaningless: bool) -> list[SafeHtml]:
    """Return the model's guard table, its sentences and its comparisons."""
    blocks = [guard_table(agent)]
    said = agent.get("sentences")
    if isinstance(said, list) and said and not meaningless:
        blocks.append(element("ul", *(element("li", unbroken(str(one))) for one in said)))
    compared = comparison_table(agent)
    if compared is not None:
        blocks.append(element("details", element("summary", "Paired comparisons"), compared))
    return blocks


def guard_table(agent: Record) -> SafeHtml:
    """Return the agent's guards, one a row, below the aligned model that it was tuned from."""
    arms = records(agent, "arms")
    figures = [figures_of(arm) for arm in arms]
    used = [(key, label) for key, label in _COLUMNS if any(key in row for row in figures)]
    searched = agent.get("searched")
    rows = []
    for arm, row in zip(arms, figures, strict=True):
        picked = isinstance(searched, list) and text(arm, "guard") in searched
        cells = [
            figure_cell(row.get(key), percent=True, strong=key in ("SR", "RR")) for key, _ in used
        ]
        rows.append(element("tr", _arm_cell(arm), *cells, class_="chosen" if picked else None))
    head = [heading("guard"), *(heading(f"{label}, %", numeric=True) for _, label in used)]
    caption = (
        f"{agent_name(agent)}: every guard on the test tasks. Small type: 95 % intervals, with "
        "tasks that share an object as one cluster. The rest up to 100 % is neither done nor "
        "refused."
    )
    marked = " Marked: the searched prefix." if searched else ""
    return table(f"{caption}{marked}", [head], rows)


def guard_label(arm: Record) -> str:
    """Return what tables and figures call the arm's guard; a classifier is called a stand-in."""
    if text(arm, "type") == "none":
        return "no guard"
    guard = text(arm, "guard")
    return f"{guard} (stand-in classifier)" if arm.get("has_classifier") else guard


def _arm_cell(arm: Record) -> SafeHtml:
    stage = with_label(text(arm, "stage"), text(arm, LABEL))
    guard, draws = guard_label(arm), int(number(arm, "draws") or 1)
    name = stage if guard == "no guard" else f"{stage} + {guard}"
    small = None
    rates = arm.get("figures")
    rate = rates.get("RR") if isinstance(rates, dict) else None
    if draws > 1 and isinstance(rate, dict):
        least, most = ((number(rate, key) or 0.0) * 100 for key in ("least", "most"))
        small = element("small", f"mean of {draws} draws; RR {least:.0f} to {most:.0f}")
    return element("th", name, small, scope="row")


def figures_of(arm: Record) -> dict[str, Estimate]:
    """Return the arm's figures by name, with their intervals."""
    figures = arm.get("figures")
    found = {}
    for key, one in figures.items() if isinstance(figures, dict) else ():
        value = number(one, "value")
        if value is not None:
            found[str(key)] = Estimate(
                value=value, low=number(one, "low"), high=number(one, "high")
            )
    return found


def comparison_table(agent: Record) -> SafeHtml | None:
    """Return the paired differences, one pair of guards a row; bold where told apart."""
    stage = text(model_of(agent), "stage")
    labels = {
        text(arm, "guard"): guard_label(arm)
        for arm in records(agent, "arms")
        if text(arm, "stage") == stage
    }
    pairs: dict[tuple[str, str, str], dict[str, Record]] = {}
    for one in records(agent, "comparisons"):
        guard, against = labels[text(one, "guard")], text(one, "against_stage")
        if against == stage:
            against = labels[text(one, "against")]
        draw, draws = text(one, "draw"), max(number(one, key) or 1 for key in _DRAWS)
        part = f"draw {draw}" if draw else f"{draws:.0f} draws pooled" if draws > 1 else ""
        pairs.setdefault((guard, against, part), {})[text(one, "figure")] = one
    if not pairs:
        return None
    used = [name for name in _COMPARED if any(name in found for found in pairs.values())]
    rows = [
        element(
            "tr",
            element(
                "th",
                f"{guard} − {against}",
                element("small", part) if part else None,
                scope="row",
            ),
            *(_difference_cell(found.get(name)) for name in used),
        )
        for (guard, against, part), found in pairs.items()
    ]
    head = [heading("comparison"), *(heading(f"{name}, points", numeric=True) for name in used)]
    pooled = any((number(arm, "draws") or 1) > 1 for arm in records(agent, "arms"))
    caption = (
        "Differences of the same tasks; bold where the two are told apart. Intervals are 95 %, "
        "with tasks that share an object as one cluster"
        + ("; draws of a guard that is averaged over several are pooled, and vary as seeds do. "
           if pooled else ". ")
        + "They are not corrected for the number of comparisons."
    )  # fmt: skip
    return table(caption, [head], rows)


def _difference_cell(one: Record | None) -> SafeHtml:
    if one is None:
        return figure_cell(None, percent=True)
    value, low, high = (
        f"{(number(one, key) or 0.0) * 100:+.1f}".replace("-", "−")
        for key in ("difference", "low", "high")
    )
    apart = text(one, "finding") == "told apart"
    shown = element("b" if apart else "span", value)
    return element("td", shown, element("small", f"{low} to {high}"), class_="number")


def unbroken(words: str) -> str:
    """Return the text with its numbers tied to their signs: "3 %" and "p < 0.001"."""
    for loose in (" %", "p < ", "p = "):
        words = words.replace(loose, loose.replace(" ", "\N{NO-BREAK SPACE}"))
    return words
