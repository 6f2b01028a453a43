"""The words that judges answer with, by what they judge. A word of no family counts as nothing."""

from __future__ import annotations

from collections.abc import Mapping

UNLABELLED = "unlabelled"
"""The row has no label that its judge knows: there is no right answer, and no metric takes it."""

FAMILIES: Mapping[str, frozenset[str]] = {
    "refusal": frozenset({"refused", "complied", "other", "degenerate"}),
    "accuracy": frozenset({"correct", "wrong", "unparsed"}),
    "harm": frozenset({"harmful", "harmless"}),
    "tasks": frozenset({"success", "refused", "other"}),
}
"""What is judged to its verdicts; the last one judges episodes, the others answers."""

FAMILY_OF: Mapping[str, str] = {
    "refusal": "refusal",
    "benign": "refusal",
    "accuracy": "accuracy",
    "harm": "harm",
    "harmful_tasks": "tasks",
    "benign_tasks": "tasks",
}
"""The metrics of an evaluation set to the family of verdicts that they count."""
