"""Do the models fit what is asked of them? Shapes of pairs, chat templates."""

from __future__ import annotations

from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.shapes import Shapes, shapes_of
from safebasin.preflight.source_files import read_settings, wanted_files
from safebasin.study.graph import Node

_TEMPLATE = "chat_template.jinja"


def source_of(site: Site, checkpoint: str) -> Node | None:
    """Return the source that a checkpoint, or the base it is made from, is converted from."""
    study = site.workflow.study
    config = study.checkpoints[checkpoint]
    if config.align is not None:
        return source_of(site, config.align.base)
    return site.workflow.graph.by_name(f"source/{config.source}") if config.source else None


def shapes(site: Site, checkpoint: str) -> Shapes | None:
    """Return the shapes of a checkpoint, where its ``config.json`` is at hand."""
    source = source_of(site, checkpoint)
    config = read_settings(site, source, "config.json") if source else None
    return shapes_of(config) if config else None


def check_pairs(site: Site) -> list[Finding]:
    """Compare the shapes of each pair's two checkpoints."""
    found = []
    for name, pair in site.workflow.study.pairs.items():
        if pair.base is None:
            continue
        aligned, base = shapes(site, pair.aligned), shapes(site, pair.base)
        if aligned and base and aligned != base:
            found.append(
                Finding(
                    check="pairs",
                    what=f"pairs.{name}: {pair.aligned} is {aligned}, {pair.base} is {base}",
                    cure="name the base that the aligned checkpoint was made from",
                )
            )
    return found


def check_templates(site: Site) -> list[Finding]:
    """Look for the chat template of every checkpoint that is talked to."""
    found = []
    for name, config in site.workflow.study.checkpoints.items():
        node = site.workflow.graph.by_name(f"checkpoint/{name}")
        source = source_of(site, name) if config.source else None
        given = config.chat_template is not None or config.format == "gguf"
        if node is None or source is None or given or site.holds(node):
            continue
        if _is_talked_to(site, node) and _has_template(site, source) is False:
            found.append(
                Finding(
                    check="templates",
                    what=f"checkpoints.{name}: {source.name} has no chat template",
                    cure="give its Jinja text as the checkpoint's `chat_template`",
                )
            )
    return found


def _is_talked_to(site: Site, checkpoint: Node) -> bool:
    """Return whether a job left puts prompts to the checkpoint, or tunes it on conversations."""
    roles = ("checkpoint", "base", "generator")
    return any(
        node.spec.inputs.get(role) == checkpoint.digest
        for node in site.on_model()
        for role in roles
    )


def _has_template(site: Site, source: Node) -> bool | None:
    """Return whether there is one, or None where that cannot be seen from here."""
    if any(each.name.endswith(_TEMPLATE) for each in wanted_files(source)):
        return True
    settings = read_settings(site, source, "tokenizer_config.json")
    return None if settings is None else bool(settings.get("chat_template"))
