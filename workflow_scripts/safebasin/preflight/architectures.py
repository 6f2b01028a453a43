"""Are the models ones that are computed rightly, and do they have the layers that are named?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from safebasin.errors import DamagedInput
from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.source_files import is_at_hand, read_settings
from safebasin.study.graph import Node
from safebasin.study.problems import nearest

_TARGETS_OF = {
    "extract_direction": "aligned",
    "tune_adapter": "checkpoint",
    "tune_checkpoint": "checkpoint",
    "align_checkpoint": "base",
}
"""Rule of a job that has targets to the role of the checkpoint whose layers they are."""


def check_architectures(site: Site) -> list[Finding]:
    """Try a small model of the make of each checkpoint that would be converted."""
    from safebasin.models.architecture import refusal, why_unsupported
    from safebasin.models.skeleton import config_of

    found = []
    for node in site.left():
        settings = _settings(site, node) if node.rule == "convert_checkpoint" else None
        if settings is None:
            continue
        if unknown := _unknown_make(node.name, settings):
            found.append(unknown)
            continue
        try:
            config = config_of(settings)
            why = why_unsupported(config)
        except DamagedInput as problem:
            found.append(Finding.of("architectures", node.name, problem))
            continue
        if why:
            what = f"{node.name}: {refusal(config, why)}"
            cure = "take a checkpoint of another architecture"
            found.append(Finding(check="architectures", what=what, cure=cure))
    return found


def _unknown_make(name: str, settings: Mapping[str, Any]) -> Finding | None:
    """Return what is wrong with the name of a make; transformers would list all that it knows."""
    from safebasin.models.makes import known_makes

    make, makes = settings.get("model_type"), known_makes()
    if make in makes:
        return None
    why, cure = "it has no `model_type`", "take the config.json that was saved with the weights"
    if make is not None:
        why = f"the installed transformers knows no `model_type` {make!r:.70}"
        near = nearest(str(make), makes)
        cure = f"did you mean {near!r}? Otherwise {cure}" if near else cure
    what = f"{name}: config.json does not load: {why}"
    return Finding(check="architectures", what=what, cure=cure)


def check_targets(
    site: Site, may_ask: Callable[[Site, Node], bool] = lambda site, source: True
) -> list[Finding]:
    """Look for the targets of every job left among the layers of its model.

    Args:
        site: The study and the machine.
        may_ask: Whether a source may be asked for its ``config.json``.
    """
    told: dict[str, Finding] = {}
    for node in site.left():
        targets = _targets(node)
        if not targets:
            continue
        converted = _origin(site, node)
        settings = _settings(site, converted, may_ask) if converted else None
        for what in _wrong(settings, targets) if settings else ():
            cure = "name linear layers that every layer of the model has"
            told.setdefault(what, Finding(check="targets", what=f"{node.name}: {what}", cure=cure))
    return list(told.values())


def check_targets_at_hand(site: Site) -> list[Finding]:
    """Do so where a ``config.json`` lies on this machine, and ask nobody for one."""
    return check_targets(site, is_at_hand)


def _targets(node: Node) -> tuple[str, ...]:
    if node.rule not in _TARGETS_OF:
        return ()
    params = cast("Mapping[str, Any]", node.spec.params)
    return tuple(params.get("targets") or params["lora"]["targets"])


def _origin(site: Site, node: Node) -> Node | None:
    """Return the conversion that a job's model, or what it was tuned from, came out of."""
    while node.rule in _TARGETS_OF:
        node = site.workflow.graph.parents(node)[_TARGETS_OF[node.rule]]
    return node if node.rule == "convert_checkpoint" else None


def _settings(
    site: Site, node: Node, may_ask: Callable[[Site, Node], bool] = lambda site, source: True
) -> dict[str, Any] | None:
    """Return the ``config.json`` of what is converted, where it can be had."""
    source = site.workflow.graph.parents(node).get("source")
    if source is None or node.spec.params["format"] != "safetensors" or not may_ask(site, source):
        return None
    file = node.spec.params.get("file")
    return read_settings(site, source, "config.json", cast("str | None", file))


def _wrong(settings: Mapping[str, Any], targets: tuple[str, ...]) -> list[str]:
    """Return what is wrong with the targets; a config that does not load is another finding."""
    from safebasin.models.skeleton import config_of, skeleton
    from safebasin.models.targets import wrong_targets

    key = json.dumps([settings, targets], sort_keys=True)
    if key not in _KNOWN:
        try:
            _KNOWN[key] = wrong_targets(skeleton(config_of(settings)), targets)
        except DamagedInput:
            _KNOWN[key] = []
    return _KNOWN[key]


_KNOWN: dict[str, list[str]] = {}
"""Config and targets to what is wrong: a study has many jobs of one model."""
