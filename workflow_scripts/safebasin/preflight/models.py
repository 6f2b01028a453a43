"""Do the models of a pair fit each other?"""

from __future__ import annotations

from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.shapes import Shapes, shapes_of
from safebasin.preflight.source_files import read_settings
from safebasin.study.checkpoints import Checkpoint
from safebasin.study.graph import Node


def source_of(site: Site, checkpoint: str) -> Node | None:
    """Return the source that a checkpoint, or the base it is made from, is converted from."""
    config = _converted(site, checkpoint)
    return site.workflow.graph.by_name(f"source/{config.source}") if config.source else None


def _converted(site: Site, checkpoint: str) -> Checkpoint:
    """Return what the study says of a checkpoint, or of the base that it is made from."""
    config = site.workflow.study.checkpoints[checkpoint]
    return _converted(site, config.align.base) if config.align else config


def shapes(site: Site, checkpoint: str) -> Shapes | None:
    """Return the shapes of a checkpoint, where its ``config.json`` is at hand."""
    source = source_of(site, checkpoint)
    file = _converted(site, checkpoint).file
    config = read_settings(site, source, "config.json", file) if source else None
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
