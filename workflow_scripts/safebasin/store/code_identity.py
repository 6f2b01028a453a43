"""Code has an identity: a revision while it is what was recorded, its digest otherwise.

A *unit* is a step ("tune_adapter") or a step with the part that plugs into it
("tune_adapter:asft"). Its closure is what it may run. While the closure is the recorded one, the
unit's identity is ``unit/revision``; after an edit it is ``unit/revision+digest`` until the edit
is recorded, which raises the revision, or keeps it for an edit that is declared neutral.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput, RequestError
from safebasin.store.closure import combine, import_closure, module_path
from safebasin.store.kinds import RULES
from safebasin.store.plugin_closure import Plugin, read_plugin
from safebasin.store.plugin_part import (
    is_plugin,
    plugin_file,
    plugin_names,
    plugin_reference,
)
from safebasin.store.publish import write_atomically

PACKAGE = Path(__file__).resolve().parents[1]
LOCK = PACKAGE / "code.lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the lock knows of a unit."""

    revision: int
    closure: str
    neutral: tuple[Mapping[str, str], ...] = ()
    """Edits that kept the revision: {"from", "to", "reason"}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit as it stands now, beside what was recorded of it."""

    name: str
    closure: str
    files: Mapping[str, str]
    recorded: Recorded | None

    @property
    def is_current(self) -> bool:
        """Whether the recorded closure is the one that would run."""
        return self.recorded is not None and self.recorded.closure == self.closure

    @property
    def identity(self) -> str:
        """The text that enters a spec as its code."""
        revision = self.recorded.revision if self.recorded else 0
        mark = "" if self.is_current else f"+{self.closure}"
        return f"{self.name}/{revision}{mark}"


class CodeBook:
    """The units of a package and their recorded identities."""

    def __init__(self, package: Path = PACKAGE, lock: Path | None = None) -> None:
        """Read the lock; a missing one knows nothing."""
        self.package = package
        self.lock = lock or package / LOCK.name
        self._recorded = _read_lock(self.lock)
        self._units: dict[str, Unit] = {}
        self._plugins: dict[str, Plugin] = {}

    def unit(self, name: str) -> Unit:
        """Return the unit as it stands.

        Raises:
            RequestError: there is no such unit.
        """
        if name not in self._units:
            files = import_closure(self.package, self._roots(name))
            self._units[name] = Unit(
                name=name,
                closure=combine(files),
                files=files,
                recorded=self._recorded.get(name),
            )
        return self._units[name]

    def identity(self, step: str, part: str | None = None) -> str:
        """Return the code of a spec: of the step, with the part that plugs into it.

        A part that reads ``./file.py:Name`` is a user's plugin; its file, all code of the user's
        that it imports and its data are hashed into the identity. Several parts are joined by
        commas (``dojo,prefix``), and so are their identities.
        """
        if part is None:
            return self.unit(step).identity
        return ",".join(self._identity_with(step, each) for each in part.split(","))

    def _identity_with(self, step: str, part: str) -> str:
        if is_plugin(part):
            return f"{self.unit(step).identity}+plugin.{self.plugin(part).digest}"
        return self.unit(f"{step}:{part}").identity

    def plugin(self, part: str) -> Plugin:
        """Return a plug-in as it was first read; a plan asks once for every job that runs it.

        Raises:
            StudyError: it is not there, or runs or reads what cannot be hashed.
        """
        if part not in self._plugins:
            names = plugin_names(part)
            file = plugin_file(plugin_reference(part))
            self._plugins[part] = read_plugin(file, self.package, names)
        return self._plugins[part]

    def names(self) -> Iterator[str]:
        """Yield the names of all units: steps, then their parts."""
        for rule in RULES.values():
            if rule.name == "fetch_source":
                continue  # a source is addressed by its bytes
            yield rule.name
            for part in self._parts(rule.parts):
                yield f"{rule.name}:{part}"

    def stale(self) -> list[Unit]:
        """Return the units that are not as recorded."""
        return [unit for name in self.names() if not (unit := self.unit(name)).is_current]

    def record(self, neutral: Mapping[str, str] | None = None) -> list[Unit]:
        """Write the lock anew; return the units that changed.

        Args:
            neutral: unit to the reason why its edit changes no result; it keeps its revision.

        Raises:
            RequestError: a unit that is declared neutral has not changed, or does not exist.
        """
        neutral = dict(neutral or {})
        changed = self.stale()
        known = {unit.name for unit in changed}
        for name in neutral:
            if name not in known:
                raise RequestError(f"{name} has not changed; changed are: {sorted(known)}")
        entries = {}
        for name in self.names():
            unit = self.unit(name)
            entries[name] = _entry(unit, neutral.get(name))
        write_atomically(self.lock, json.dumps(entries, indent=1, sort_keys=True) + "\n")
        self._recorded = _read_lock(self.lock)
        self._units.clear()
        return changed

    def _roots(self, name: str) -> tuple[str, ...]:
        step, _, part = name.partition(":")
        rule = RULES.get(step)
        if rule is None or (part and not rule.parts):
            raise RequestError(f"there is no unit of code {name!r}; there are {sorted(RULES)}")
        roots = [f"{self.package.name}.steps.{step}"]
        if module_path(self.package, roots[0]) is None:
            raise RequestError(f"{name!r} needs the module {roots[0]}, which does not exist")
        if part:
            plugged = [f"{package}.{part}" for package in rule.parts]
            there = [root for root in plugged if module_path(self.package, root) is not None]
            if not there:
                told = " or ".join(plugged)
                raise RequestError(f"{name!r} needs the module {told}, which does not exist")
            roots.append(there[0])
        return tuple(roots)

    def _parts(self, packages: Sequence[str]) -> list[str]:
        folders = [self.package.joinpath(*name.split(".")[1:]) for name in packages]
        modules = [path.stem for folder in folders for path in folder.glob("*.py")]
        return sorted(name for name in modules if name != "__init__")


def _entry(unit: Unit, reason: str | None) -> dict[str, object]:
    recorded = unit.recorded
    if recorded is None:
        return {"revision": 1, "closure": unit.closure, "neutral": []}
    notes = [dict(note) for note in recorded.neutral]
    revision = recorded.revision
    if not unit.is_current:
        if reason is None:
            revision, notes = revision + 1, []
        else:
            notes.append({"from": recorded.closure, "to": unit.closure, "reason": reason})
    return {"revision": revision, "closure": unit.closure, "neutral": notes}


def _read_lock(path: Path) -> dict[str, Recorded]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise DamagedInput(f"{path} is not JSON ({problem}); restore it from git") from problem
    return {
        name: Recorded(
            revision=entry["revision"],
            closure=entry["closure"],
            neutral=tuple(entry.get("neutral", ())),
        )
        for name, entry in entries.items()
    }
