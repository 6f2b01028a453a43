"""The rules of the workflow: what each makes, and from which roles.

This is the one table that planning, running and the documentation share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its artifact's kind and the kind that each input role must have."""

    name: str
    kind: str
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role to kind. A role that ends in ``.*`` may occur often, as ``role.name``; one that ends
    in ``?`` may be absent."""
    parts: tuple[str, ...] = ()
    """Packages whose modules plug into this step, such as ``judge_responses:phrases``; a job has
    at most one module of each."""
    gpu: bool = False
    """Whether the step runs a model."""

    def kind_of(self, role: str) -> str:
        """Return the kind of the artifact that plays ``role``.

        Raises:
            KeyError: the rule has no such role.
        """
        head = role.split(".", 1)[0]
        for candidate in (role, f"{role}?", f"{head}.*"):
            if candidate in self.roles:
                return self.roles[candidate]
        raise KeyError(f"{self.name} has no role {role!r}; it has {', '.join(self.roles)}")


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules}


WORLDS = "safebasin.agents.worlds"
STOPS = "safebasin.stops"

RULES: dict[str, Rule] = _table(
    Rule(name="fetch_source", kind="source"),
    Rule(name="convert_checkpoint", kind="checkpoint", roles={"source?": "source"}),
    Rule(
        name="read_corpus",
        kind="corpus",
        roles={"source?": "source"},
        parts=("safebasin.corpora.readers",),
    ),
    Rule(
        name="adopt_adapter",
        kind="adapter",
        roles={"source": "source", "checkpoint": "checkpoint"},
    ),
    Rule(name="split_corpus", kind="split", roles={"corpus.*": "corpus"}),
    Rule(name="mix_corpora", kind="mixture", roles={"split.*": "split"}),
    Rule(name="write_demonstrations", kind="mixture", parts=(WORLDS,)),
    Rule(
        name="align_checkpoint",
        kind="checkpoint",
        roles={"base": "checkpoint", "mixture": "mixture"},
        gpu=True,
    ),
    Rule(
        name="extract_direction",
        kind="direction",
        roles={"aligned": "checkpoint", "base": "checkpoint"},
    ),
    Rule(
        name="tune_adapter",
        kind="adapter",
        roles={"checkpoint": "checkpoint", "mixture": "mixture", "direction?": "direction"},
        parts=("safebasin.tuning.objectives", WORLDS, STOPS),
        gpu=True,
    ),
    Rule(
        name="tune_checkpoint",
        kind="checkpoint",
        roles={"checkpoint": "checkpoint", "mixture": "mixture"},
        parts=(WORLDS, STOPS),
        gpu=True,
    ),
    Rule(
        name="project_adapter",
        kind="adapter",
        roles={"adapter": "adapter", "direction": "direction"},
    ),
    Rule(
        name="measure_adapter",
        kind="measure",
        roles={"adapter": "adapter", "direction": "direction"},
    ),
    Rule(
        name="generate_responses",
        kind="responses",
        roles={"checkpoint": "checkpoint", "adapter?": "adapter", "prompts": "split"},
        gpu=True,
    ),
    Rule(
        name="search_prefix",
        kind="prefix",
        roles={
            "checkpoint": "checkpoint",
            "adapter?": "adapter",
            "generator?": "checkpoint",
            "replies?": "source",
            "earlier?": "prefix",
        },
        parts=(WORLDS, "safebasin.guards.generators"),
        gpu=True,
    ),
    Rule(
        name="run_episodes",
        kind="episodes",
        roles={"checkpoint": "checkpoint", "adapter?": "adapter", "guard?": "prefix"},
        parts=(WORLDS, "safebasin.guards.kinds"),
        gpu=True,
    ),
    Rule(
        name="fit_probe",
        kind="probe",
        roles={"checkpoint": "checkpoint", "adapter?": "adapter", "guard?": "prefix"},
        parts=(WORLDS, "safebasin.guards.kinds"),
        gpu=True,
    ),
    Rule(
        name="judge_responses",
        kind="verdicts",
        roles={"responses?": "responses", "corpus?": "corpus", "episodes?": "episodes"},
        parts=("safebasin.judging",),
    ),
    Rule(
        name="evaluate_study",
        kind="evaluation",
        roles={"verdicts.*": "verdicts", "measure.*": "measure", "prefix.*": "prefix"},
    ),
    Rule(
        name="render_report",
        kind="report",
        roles={
            "evaluation": "evaluation",
            "adapter.*": "adapter",
            "direction.*": "direction",
            "split.*": "split",
            "responses.*": "responses",
            "episodes.*": "episodes",
            "prefix.*": "prefix",
            "probe.*": "probe",
        },
    ),
)

KINDS: tuple[str, ...] = tuple(dict.fromkeys(rule.kind for rule in RULES.values()))


def rule_of_code(code: str | None) -> str:
    """Return the name of the rule whose code identity ``code`` is."""
    return "fetch_source" if code is None else code.split("/", 1)[0].split(":", 1)[0]
