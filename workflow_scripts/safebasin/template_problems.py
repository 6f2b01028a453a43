"""Chat templates that a study gives as text, tried on every conversation of its plan."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.chat_needs import chat_needs, faults_of
from safebasin.study.config import Study
from safebasin.study.graph import Graph
from safebasin.study.problems import Problem
from safebasin.templates.conversation import STAND_INS, ChatTemplate
from safebasin.templates.forms import USER


def template_problems(study: Study, graph: Graph) -> Iterator[Problem]:
    """Yield what the study's own templates do wrong, each with the job that needs it."""
    given = {name: config for name, config in study.checkpoints.items() if config.chat_template}
    needs = chat_needs(graph, graph) if given else {}
    for name, config in given.items():
        node = graph.by_name(f"checkpoint/{name}")
        if node is None or config.chat_template is None:
            continue
        template = ChatTemplate(
            name=name, text=config.chat_template, tokens=STAND_INS, settings=config.chat
        )
        for job, fault in faults_of(template, {USER: node.name} | needs.get(node.digest, {})):
            yield Problem(
                key=f"checkpoints.{name}.chat_template",
                value=config.chat_template,
                cure=f"{fault.what}, which {job} needs; {fault.cure}",
            )
