"""Whether settings were chosen on development rows, and the rule as far as it was of use."""

from __future__ import annotations

from safebasin.analysis.choice import RULE, RULE_ALONE
from safebasin.reporting.findings import Findings, Record, records, text


def was_chosen(choices: Record) -> bool:
    """Return whether a method had several settings, of which development rows chose one."""
    return any(records(one, "scores") for one in records(choices, "choices"))


def shown_rule(findings: Findings) -> str:
    """Return the rule; what it says of a contrast is left out where the study has none."""
    rule = text(findings.choices, "rule")
    has_contrast = isinstance(findings.contrast.get("asked"), dict)
    return RULE_ALONE if rule == RULE and not has_contrast else rule
