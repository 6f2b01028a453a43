"""What types cannot say of plug-ins: what is theirs alone, and what is none of theirs."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.store.plugin_part import is_plugin
from safebasin.study.agents import Guard
from safebasin.study.config import Judge, Study
from safebasin.study.methods import Plugin
from safebasin.study.problems import Problem

_NOT_A_PLUGINS = ("text", "ending", "pick", "placement", "threshold")
"""Options of the built-in guards."""


def check_plugins(study: Study) -> Iterator[Problem]:
    """Yield options that what they stand beside would never see, and params given twice."""
    for name, judge in study.judges.items():
        yield from _a_plugins_alone(judge, f"judges.{name}")
    for name, guard in study.guards.items():
        yield from _a_plugins_alone(guard, f"guards.{name}")
        for option in _NOT_A_PLUGINS:
            value = getattr(guard, option)
            if value is not None and is_plugin(guard.type):
                cure = "a plugin is not told of it; what its class is made with goes under params"
                yield Problem(key=f"guards.{name}.{option}", value=value, cure=cure)
    for name, method in study.methods.items():
        if isinstance(method, Plugin) and method.sweep:
            for one in method.sweep.keys() & method.file_params.keys():
                cure = "it stands under `params` too; say it once"
                yield Problem(key=f"methods.{name}.sweep.{one}", value=method.sweep[one], cure=cure)


def _a_plugins_alone(told: Judge | Guard, key: str) -> Iterator[Problem]:
    for option in ("params", "files"):
        value = getattr(told, option)
        if value is not None and not is_plugin(told.type):
            cure = f"only a plugin ./file.py:Class has {option}; {told.type} is none"
            yield Problem(key=f"{key}.{option}", value=value, cure=cure)
