"""Which conversations a planned study puts to each checkpoint, and which job needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from safebasin.study.graph import Graph, Node
from safebasin.templates.conversation import ChatTemplate, TemplateFault
from safebasin.templates.forms import USER, Form, examine

_MADE_FROM = {"align_checkpoint": "base", "tune_checkpoint": "checkpoint"}
"""Rules that make a checkpoint from another, whose template it keeps, with the other's role."""
_TALKS = ("checkpoint", "base", "generator")
_TUNES = ("align_checkpoint", "tune_adapter", "tune_checkpoint")
_ACTS = ("run_episodes", "search_prefix", "fit_probe")

Needs = dict[Form, str]
"""Form to the name of the first job that needs it."""


def chat_needs(graph: Graph, jobs: Iterable[Node]) -> dict[str, Needs]:
    """Return the digest of each converted checkpoint to what the jobs put to it, simplest first."""
    found: dict[str, dict[Form, str]] = {}
    for job in jobs:
        parents = graph.parents(job)
        for role in _TALKS:
            if role not in parents or parents[role].kind != "checkpoint":
                continue
            forms = [USER] if role == "generator" else list(_forms(graph, job, parents))
            for form in forms:
                needs = found.setdefault(_converted(graph, parents[role]).digest, {})
                needs.setdefault(form, job.name)
    return {digest: dict(sorted(needs.items())) for digest, needs in found.items()}


def faults_of(template: ChatTemplate, needs: Needs) -> Iterator[tuple[str, TemplateFault]]:
    """Yield (the job that needs it, the fault) of each thing that the template does wrong."""
    seen: set[str] = set()
    for form, job in needs.items():
        try:
            examine(template, form)
        except TemplateFault as fault:
            if fault.cure not in seen:  # one cure, one message
                seen.add(fault.cure)
                yield job, fault
            if form == USER:  # nothing else can be right then
                return


def _converted(graph: Graph, node: Node) -> Node:
    while node.rule in _MADE_FROM:
        node = graph.parents(node)[_MADE_FROM[node.rule]]
    return node


def _forms(graph: Graph, job: Node, parents: Mapping[str, Node]) -> Iterator[Form]:
    """Yield the forms of a job's own conversations."""
    params = job.spec.params
    if job.rule in _TUNES and "mixture" in parents:
        yield from _learnt(graph, parents["mixture"])
    elif job.rule in _ACTS:
        rollout = params.get("rollout")
        history = isinstance(rollout, Mapping) and bool(rollout.get("history"))
        yield Form(system=True, turns=history)
    elif job.rule == "generate_responses":
        yield Form(system=bool(params.get("system")))  # a plain text ends as a turn does
        is_plain = bool(params.get("text_template"))
        if not is_plain and _has_turns(graph, parents["prompts"], params.get("corpora")):
            yield Form(turns=True)


def _learnt(graph: Graph, mixture: Node) -> Iterator[Form]:
    params = mixture.spec.params
    if mixture.rule == "write_demonstrations":
        yield Form(system=True, turns=bool(params.get("history")), learnt=True)
        return
    parents = graph.parents(mixture)
    parts = params.get("parts")
    for part in parts if isinstance(parts, list) else []:
        assert isinstance(part, Mapping), "the plan writes them so"
        yield Form(system=bool(part.get("system")), learnt=True)
        corpus = part.get("corpus")
        split = parents[f"split.{part['split']}"]
        if _has_turns(graph, split, None if corpus is None else [corpus]):
            yield Form(turns=True, learnt=True)


def _has_turns(graph: Graph, split: Node, corpora: object) -> bool:
    """Return whether rows of a split are read from conversations, which may have several turns."""
    for role, corpus in graph.parents(split).items():
        name = role.removeprefix("corpus.")
        reader = corpus.spec.params.get("reader")
        columns = reader.get("columns") if isinstance(reader, Mapping) else None
        wanted = not isinstance(corpora, list) or name in corpora
        if wanted and isinstance(columns, Mapping) and columns.get("messages"):
            return True
    return False
