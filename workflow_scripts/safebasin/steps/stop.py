"""The rule that may end a training run: loaded by name, so that a run without one holds none."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from safebasin.tuning.loop import WatchOf


def load_watch(
    stop: Mapping[str, object] | None, world: Mapping[str, object] | None
) -> WatchOf | None:
    """Return what makes the rule that ``stop["type"]`` names, or None without one."""
    if stop is None:
        return None
    settings = {key: value for key, value in stop.items() if key != "type"}
    module = import_module(f"safebasin.stops.{stop['type']}")
    return cast("WatchOf", module.watch_of(settings, world or {}))
