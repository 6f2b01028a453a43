"""Do the chat templates write what the study will say?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from safebasin.errors import SafebasinError
from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.models import source_of
from safebasin.preflight.source_files import files_beside, read_settings, read_text
from safebasin.study.chat_needs import Needs, chat_needs, faults_of
from safebasin.study.checkpoints import Checkpoint
from safebasin.study.graph import Node
from safebasin.templates.conversation import STAND_INS, ChatTemplate
from safebasin.templates.named import FOLDER, choose_template, templates_in

_CHECK = "templates"
_CURE = "give its Jinja text as the checkpoint's `chat_template`"


def check_templates(site: Site) -> list[Finding]:
    """Have every template that is at hand write every conversation that the jobs left put to it."""
    graph = site.workflow.graph
    needs = chat_needs(graph, site.left())
    return [
        finding
        for name, config in site.workflow.study.checkpoints.items()
        if config.source and (node := graph.by_name(f"checkpoint/{name}"))
        for finding in _findings(site, name, config, node, needs.get(node.digest, {}))
    ]


def _findings(
    site: Site, name: str, config: Checkpoint, node: Node, needs: Needs
) -> Iterator[Finding]:
    where = f"checkpoints.{name}"
    source = source_of(site, name)
    assert source is not None, "asked of checkpoints with a source"
    if not needs:
        return
    home = node if site.holds(node) else source
    try:
        text = config.chat_template or _template(site, home, config, where)
    except SafebasinError as problem:
        yield Finding.of(_CHECK, where, problem)
        return
    if text is None:
        if home is source and _tells_all(site, source, config):
            what = f"{where}: {source.name} has no chat template"
            yield Finding(check=_CHECK, what=what, cure=_CURE)
        return
    tokens = _tokens(site, home, config)
    template = ChatTemplate(name=where, text=text, tokens=tokens, settings=config.chat)
    for job, fault in faults_of(template, needs):
        what = f"{where}: {fault.what}, which {job} needs"
        yield Finding(check=_CHECK, what=what, cure=fault.cure)


def _template(site: Site, home: Node, config: Checkpoint, where: str) -> str | None:
    """Return the template that is used, or None where none can be read from here.

    Raises:
        SafebasinError: which one that is cannot be told.
    """
    named = {
        path.stem: read_text(site, home, path.name, config.file) or ""
        for path in map(PurePosixPath, (file.name for file in files_beside(home, config.file)))
        if path.suffix == ".jinja" and path.parent.name == FOLDER
    }
    found = templates_in(
        lambda name: read_text(site, home, name, config.file),
        lambda name: read_settings(site, home, name, config.file),
        named,
        where,
    )
    wanted = None if site.holds(home) and home.kind == "checkpoint" else config.chat_template_name
    return choose_template(found, wanted, where) if found else None


def _tells_all(site: Site, source: Node, config: Checkpoint) -> bool:
    """Return whether a template would have been seen: a GGUF file, say, holds its own."""
    if config.format == "gguf":
        return False
    return read_settings(site, source, "tokenizer_config.json", config.file) is not None


def _tokens(site: Site, home: Node, config: Checkpoint) -> dict[str, str]:
    """Return the special tokens that a tokenizer's files name, and stand-ins for the others."""
    tokens = dict(STAND_INS)
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        for name, value in (read_settings(site, home, file, config.file) or {}).items():
            content = value.get("content") if isinstance(value, dict) else value
            if name.endswith("_token") and isinstance(content, str):
                tokens[name] = content
    return tokens
