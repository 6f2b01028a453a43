"""Where pip is told to look for packages: its config files and PIP_ variables, read by pip."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from safebasin.errors import MachineLacks

_DEFAULT_INDEX = "https://pypi.org/simple"
_TRUE = {"1", "true", "yes", "on", "y", "t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """The part of pip's settings that says where and how to look."""

    indexes: tuple[str, ...]
    """Bases of simple indexes, the main one first; empty under ``no-index``."""
    find_links: tuple[str, ...]
    """Folders, or pages with links."""
    certificate: str | None
    """A file of certificates to trust, in place of the system's."""
    proxy: str | None
    timeout: float
    """Seconds."""


def read_settings() -> IndexSettings:
    """Return what ``pip config list`` says, for this interpreter's pip.

    Raises:
        MachineLacks: this interpreter has no pip.
    """
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise MachineLacks(
            f"{sys.executable} -m pip does not run, and packages are fetched with it; "
            f"install pip beside safebasin. It said: {answer.stderr.strip()[-300:]}"
        )
    return interpret(parse_listing(answer.stdout))


def parse_listing(text: str) -> dict[str, str]:
    """Return option to value from ``section.option='value'`` lines; a later section wins.

    Sections by rising weight, as in pip: ``global``, ``download``, ``:env:``.
    """
    weight = {"global": 0, "download": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        name, separator, quoted = line.partition("=")
        section, dot, option = name.rpartition(".")
        if not separator or not dot or section not in weight:
            continue
        try:
            value = str(ast.literal_eval(quoted))
        except (ValueError, SyntaxError):
            value = quoted
        option = option.replace("_", "-")
        if weight[section] >= found.get(option, (-1, ""))[0]:
            found[option] = (weight[section], value)
    return {option: value for option, (_, value) in found.items()}


def interpret(options: Mapping[str, str]) -> IndexSettings:
    """Return the settings that pip's ``options`` stand for."""
    main = options.get("index-url") or _DEFAULT_INDEX
    indexes = [main, *options.get("extra-index-url", "").split()]
    if options.get("no-index", "").strip().lower() in _TRUE:
        indexes = []
    return IndexSettings(
        indexes=tuple(dict.fromkeys(each.rstrip("/") for each in indexes)),
        find_links=tuple(options.get("find-links", "").split()),
        certificate=options.get("cert") or None,
        proxy=options.get("proxy") or None,
        timeout=float(options.get("timeout") or options.get("default-timeout") or 60),
    )
