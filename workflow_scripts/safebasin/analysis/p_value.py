"""How p values are written."""

from __future__ import annotations

_SMALLEST = 0.001


def p_text(p: float) -> str:
    """Return the value with three decimals, or "< 0.001"."""
    return f"< {_SMALLEST:g}" if p < _SMALLEST else f"{p:.3f}"


def p_words(p: float) -> str:
    """Return "p = 0.012" or "p < 0.001"."""
    return f"p {p_text(p)}" if p < _SMALLEST else f"p = {p_text(p)}"
