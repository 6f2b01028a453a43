"""Which makes of model the installed transformers knows, by the name that a config gives."""

from __future__ import annotations

from collections.abc import Collection

from safebasin.models.quiet import hush


def known_makes() -> Collection[str]:
    """Return every ``model_type`` that a ``config.json`` may have."""
    hush()
    from transformers import CONFIG_MAPPING

    return list(CONFIG_MAPPING)
