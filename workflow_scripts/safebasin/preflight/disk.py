"""Is there room for what will be fetched and made?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.models import shapes
from safebasin.preflight.shapes import Shapes
from safebasin.preflight.source_files import wanted_files
from safebasin.sources.origin import open_source
from safebasin.sources.preview import size_text
from safebasin.study.graph import Node

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_LINEAR_LAYERS = 7
"""Kinds of matrices in a Llama-like decoder; one is at most its share of all parameters."""


def check_disk(site: Site) -> list[Finding]:
    """Compare the sizes of sources, checkpoints, directions and adapters with the free space."""
    place = existing(site.workflow.store.root)
    needed, free = bytes_needed(site), shutil.disk_usage(place).free
    if needed <= free:
        return []
    return [
        Finding(
            check="disk",
            what=f"about {size_text(needed)} will be written to {site.workflow.store.root}, "
            f"and {size_text(free)} are free",
            cure="free some, or put the store on another disk (--config store=… or "
            "$SAFEBASIN_STORE)",
        )
    ]


def bytes_needed(site: Site) -> int:
    """Return about how many bytes a run would write, small artifacts left out."""
    told = _largest_shapes(site)
    return sum(_bytes_of(site, node, told) for node in site.left())


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    folder = folder.resolve()
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _bytes_of(site: Site, node: Node, told: Shapes | None) -> int:
    params = node.spec.params
    width = _BYTES.get(str(params.get("dtype")), 4)
    if node.rule == "fetch_source" and not node.unlocked:
        place = existing(site.workflow.store.root)
        return open_source(node.origin).room(wanted_files(node), place)
    if node.rule == "convert_checkpoint" and "dtype" not in params:
        return 0  # the source's files are linked
    if node.kind == "checkpoint":
        return node.parameters * width
    if node.rule == "extract_direction":
        targets = tuple(cast("list[str]", params["targets"]))
        if told is not None:
            return width * told.numbers(targets)
        aligned = site.workflow.graph.parents(node)["aligned"]
        return width * aligned.parameters * len(targets) // _LINEAR_LAYERS
    if node.rule == "tune_adapter" and told is not None:
        lora = cast("Mapping[str, Any]", params["lora"])
        return 4 * told.adapter_numbers(tuple(lora["targets"]), int(lora["rank"]))
    return 0


def _largest_shapes(site: Site) -> Shapes | None:
    """Return the largest shapes among the study's pairs, where a ``config.json`` is at hand."""
    told = [shapes(site, pair.aligned) for pair in site.workflow.study.pairs.values()]
    return max(filter(None, told), key=lambda each: each.hidden * each.layers, default=None)
