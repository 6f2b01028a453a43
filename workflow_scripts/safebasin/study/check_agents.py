"""What types cannot say of agents: every name refers to something, every guard has its search."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.agents import Agent, Tuning
from safebasin.study.config import Study
from safebasin.study.problems import Problem, known


def check_demonstrations(study: Study) -> Iterator[Problem]:
    """Yield demonstrations of no world, and refusals where there is nothing to refuse."""
    for name, rows in study.demonstrations.items():
        yield from known(f"demonstrations.{name}.world", rows.world, study.worlds)
        for index, part in enumerate(rows.rows):
            if part.reply == "refusal" and part.kind != "harmful":
                cure = f"{part.kind} tasks are not refused; only harmful ones are"
                key = f"demonstrations.{name}.rows.{index}.reply"
                yield Problem(key=key, value=part.reply, cure=cure)


def check_searches(study: Study) -> Iterator[Problem]:
    """Yield generators without their checkpoint."""
    for name, search in study.searches.items():
        key = f"searches.{name}.generator"
        yield from known(f"{key}.checkpoint", search.generator.checkpoint, study.checkpoints)
        yield from known(f"{key}.replies", search.generator.replies, study.sources)
        if search.generator.replies and search.generator.type != "openai_compatible":
            cure = "only a generator of type openai_compatible has recorded replies"
            yield Problem(key=f"{key}.replies", value=search.generator.replies, cure=cure)
        if (search.generator.type == "local_lm") != (search.generator.checkpoint is not None):
            cure = "a checkpoint is needed by a generator of type local_lm, and by no other"
            yield Problem(key=f"{key}.checkpoint", value=search.generator.checkpoint, cure=cure)


def check_agents(study: Study) -> Iterator[Problem]:
    """Yield what is wrong with agents, their tunings, guards and probes."""
    for name, agent in study.agents.items():
        yield from _check_agent(study, agent, f"agents.{name}")


def _check_agent(study: Study, agent: Agent, key: str) -> Iterator[Problem]:
    yield from known(f"{key}.world", agent.world, study.worlds)
    yield from known(f"{key}.aligned", agent.aligned, study.checkpoints)
    yield from known(f"{key}.pair", agent.pair, study.pairs)
    yield from known(f"{key}.demonstrations", agent.demonstrations, study.demonstrations)
    yield from known(f"{key}.search", agent.search, study.searches)
    rows = study.demonstrations.get(agent.demonstrations)
    for index, part in enumerate(rows.rows if rows else ()):
        if part.part != "train" or part.kind == "harmful" or part.reply == "refusal":
            cure = "agents are tuned on benign demonstrations of the part train alone"
            yield Problem(key=f"{key}.demonstrations", value=f"rows.{index}", cure=cure)
    for name, tuning in agent.tunings.items():
        yield from _check_tuning(study, agent, tuning, f"{key}.tunings.{name}")
    for guard_name in agent.guards:
        yield from known(f"{key}.guards", guard_name, study.guards)
        guard = study.guards.get(guard_name)
        if guard and guard.needs_search and agent.search is None:
            cure = f"a guard of type {guard.type} needs a search; name one under {key}.search"
            yield Problem(key=f"{key}.guards", value=guard_name, cure=cure)
    yield from _check_controls(study, agent, key)
    yield from _check_probe(study, agent, key)


def _check_tuning(study: Study, agent: Agent, tuning: Tuning, key: str) -> Iterator[Problem]:
    if tuning.method == "full":
        if not (tuning.targets or tuning.preset):
            cure = "full fine-tuning needs the names of the linear layers it trains"
            yield Problem(key=f"{key}.targets", value=None, cure=cure)
        return
    yield from known(f"{key}.method", tuning.method, study.methods)
    method = study.methods.get(tuning.method)
    if study.lora is None:
        cure = f"the method {tuning.method} trains an adapter; the study has no `lora`"
        yield Problem(key=f"{key}.method", value=tuning.method, cure=cure)
    if tuning.targets or tuning.layers:
        cure = "these belong to full fine-tuning; an adapter has the targets of `lora`"
        yield Problem(key=f"{key}.targets", value=tuning.targets or tuning.layers, cure=cure)
    if method and method.type == "safe_lora":
        cure = "an agent is tuned by a method that trains: sft, asft, ridge or a plugin"
        yield Problem(key=f"{key}.method", value=tuning.method, cure=cure)
    if method and len(method.strengths()) > 1:
        cure = "an agent takes one λ; name a method with a single one"
        yield Problem(key=f"{key}.method", value=method.strengths(), cure=cure)
    pair = study.pairs.get(agent.pair) if agent.pair else None
    if method and method.needs_direction and (pair is None or pair.base is None):
        cure = f"the method {tuning.method} needs a direction: name a pair with a base"
        yield Problem(key=f"{key}.method", value=tuning.method, cure=cure)


def _check_controls(study: Study, agent: Agent, key: str) -> Iterator[Problem]:
    """A prefix without a neutral comment of its form cannot be told from any comment."""
    types = {study.guards[name].type for name in agent.guards if name in study.guards}
    if study.controls and "prefix" in types and not {"neutral", "none"} <= types:
        cure = (
            "add guards of the types none and neutral, or say `controls: false`: without a neutral "
            "comment of the same form nobody knows what the prefix's words do"
        )
        yield Problem(key=f"{key}.guards", value=list(agent.guards), cure=cure)


def _check_probe(study: Study, agent: Agent, key: str) -> Iterator[Problem]:
    """The guards that a probe reads are known, change the prompt, and have their search."""
    for name in (agent.probe and agent.probe.guards) or ():
        yield from known(f"{key}.probe.guards", name, study.guards)
        guard = study.guards.get(name)
        if guard is None or guard.type == "none":
            continue
        if guard.type == "classifier" or ":" in guard.type:
            cure = f"a guard of type {guard.type} puts no known text into the prompt; leave it out"
            yield Problem(key=f"{key}.probe.guards", value=name, cure=cure)
        elif guard.needs_search and not any(
            other.needs_search for each in agent.guards if (other := study.guards.get(each))
        ):
            cure = f"a guard of type {guard.type} is read from a search; add it to {key}.guards"
            yield Problem(key=f"{key}.probe.guards", value=name, cure=cure)
