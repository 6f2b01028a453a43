"""What the figures on agents do not show."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.reporting.agents import agents_of, leading
from safebasin.reporting.findings import Findings, Pool, records, text
from safebasin.reporting.seeds import seed_words


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
    tuned = [row for row in findings.rows if text(row, "stage") == "agent"]
    said += seed_words(tuned, what="the tasks", run="agent")
    arms = [arm for one in agents for arm in records(one, "arms")]
    if any(text(arm, "type") == "opening" for arm in arms):
        said.append(
            "Under a fixed opening a refusal is judged with its opening: where the opening "
            "refuses, the RR is put there by the guard."
        )
    is_searched = any(text(arm, "type") == "prefix" for arm in arms)
    if is_searched and not records(findings.guards, "searches"):
        said.append(
            "No guard uses a searched prefix as its search scored it: at every turn, kept in the "
            "history, with the same ending and nothing beside it. What is lost from search to test "
            "is not known."
        )
    if any(arm.get("has_classifier") for arm in arms):
        said.append(
            "The guard classifier is a stand-in: TF-IDF and a logistic regression, fitted on tasks "
            "of this world. What a guard model of billions of parameters does it does not show."
        )
    return said


def unrepeatable(pools: Sequence[Pool]) -> list[str]:
    """Return of each search whose generator answers otherwise when asked again, that it does."""
    return [
        f"Not reproducible without its replies: the search {pool.name} asked "
        f"{text(pool.generator, 'model') or 'a model'} behind an interface "
        f"({text(pool.generator, 'type')}), which need not answer alike again. The replies are "
        "kept with the prefix, in replies.jsonl; a search that starts without them may end with "
        "another prefix, and with other figures for every guard that is made from it."
        for pool in pools
        if not pool.reproducible
    ]
