"""How many examples a property is tried on: fixed ones in `make test`, free ones elsewhere.

`make test` draws the same examples on every machine, whatever ran before: the seed comes from the
test, and nothing is taken from the modules that happen to be loaded, nor from a database of earlier
failures. `SAFEBASIN_DRAWS=free` (`make test-more`) draws ten times as many, anew in each run; a
failure prints the line that draws its example again.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

FREE = os.environ.get("SAFEBASIN_DRAWS", "fixed") == "free"
EXAMPLES = 60
_TIMES = 10


def load_profile() -> None:
    """Make one of the two ways that of all properties."""
    settings.register_profile(
        "fixed", deadline=None, max_examples=EXAMPLES, derandomize=True, database=None
    )
    settings.register_profile(
        "free",
        deadline=None,
        max_examples=EXAMPLES * _TIMES,
        print_blob=True,
        derandomize=False,  # which Hypothesis turns on by itself where CI is set
    )
    settings.load_profile("free" if FREE else "fixed")
    if not FREE:  # one draw in twenty is a constant found in a loaded module of ours
        providers.is_local_module_file = lambda path: False  # type: ignore[attr-defined]


def few(examples: int, unchecked: Collection[HealthCheck] = ()) -> settings:
    """Return the settings of a property that is slow to try: so many, ten times as many if free."""
    number = examples * (_TIMES if FREE else 1)
    return settings(max_examples=number, suppress_health_check=unchecked)
