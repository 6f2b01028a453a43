"""What the figures on agents do not show."""

from __future__ import annotations

from safebasin.reporting.agents import agents_of, leading, model_of
from safebasin.reporting.findings import Findings, number, records, text


def agent_headline(findings: Findings) -> str | None:
    """Return the sentence on the first agent's searched prefix, where there is one."""
    for agent in leading(findings):
        if text(agent, "headline"):
            return text(agent, "headline")
    return None


def agent_limits(findings: Findings) -> list[str]:
    """Return why the figures on agents must not be read as more than they are."""
    agents = agents_of(findings)
    if not agents:
        return []
    said = [
        "An agent's tasks are made from templates, and harm is in the object that is named; the "
        "figures say nothing of agents in other worlds.",
        "A refusal is found by its wording and only where nothing was done; an episode that "
        "neither reaches its goal nor refuses may be a failure or a refusal in other words.",
    ]
    if len({number(model_of(one), "seed") for one in agents}) == 1:
        said.append(
            "There is one agent seed: the intervals vary the tasks only, and another training run "
            "could differ by more."
        )
    guards = {text(arm, "guard") for one in agents for arm in records(one, "arms")}
    if "opening" in guards:
        said.append(
            "Under a fixed inability opening a refusal is judged with its opening, so its RR is "
            "put there by the guard."
        )
    return said
