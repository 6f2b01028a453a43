"""What of the user's environment a step sees: no module of the working directory, and no secret.

A step gets the secrets that it needs and no others: fetching the hub's, a search by a server that
server's. What looks like a secret by its name is one, for nobody can list them all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

TOLD = "SAFEBASIN_SECRETS"
"""Names the further variables that hold secrets, with commas between them."""
HUB = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN", "HF_TOKEN_PATH"})
SERVER = "OPENAI_API_KEY"
"""Where a generator's server finds its token unless the study names another variable."""
_SECRET = re.compile(
    r"(^|[_-])(TOKENS?|API_?KEYS?|ACCESS_?KEY|PRIVATE_?KEY|SECRETS?|PASS(WORD|WD|PHRASE)?"
    r"|CREDENTIALS?|JWT)([_-]|$)",
    re.IGNORECASE,
)


def prepare_jobs(token_variables: Iterable[object]) -> None:
    """Set what every job of this process inherits.

    Args:
        token_variables: the variables in which a study says that a server's token stands.
    """
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    settle_python_path()
    told = {str(name) for name in token_variables if name} | set(_told())
    if told:
        os.environ[TOLD] = ",".join(sorted(told))


def settle_python_path() -> None:
    """Make PYTHONPATH hold in every folder; an empty entry, the working directory, goes."""
    if "PYTHONPATH" in os.environ:
        places = filter(None, os.environ["PYTHONPATH"].split(os.pathsep))
        os.environ["PYTHONPATH"] = os.pathsep.join(str(Path(each).absolute()) for each in places)


def hide_secrets(step: str, params: Mapping[str, object]) -> None:
    """Take the secrets that ``step`` does not need out of the environment of this process."""
    needed, told = _needed(step, params), set(_told())
    for name in list(os.environ):
        if name not in needed and name != TOLD and (name in told or _SECRET.search(name)):
            del os.environ[name]


def _needed(step: str, params: Mapping[str, object]) -> frozenset[str]:
    if step == "fetch_source":
        return HUB
    generator = params.get("generator")
    if isinstance(generator, Mapping) and generator.get("type") == "openai_compatible":
        return frozenset({str(generator.get("token_variable", SERVER))})
    return frozenset()


def _told() -> list[str]:
    return list(filter(None, os.environ.get(TOLD, "").split(",")))
