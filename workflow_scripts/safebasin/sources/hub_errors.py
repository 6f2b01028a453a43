"""What a hub's refusal means, and what to do about it, in words that hold no secret."""

from __future__ import annotations

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from safebasin.errors import MachineLacks
from safebasin.sources.repository import Repository
from safebasin.sources.transport import shown

_PASSING = frozenset({408, 429, 500, 502, 503, 504})


def is_passing(error: Exception) -> bool:
    """Return whether a later try may well succeed: the server or the line had a bad moment.

    Where no connection comes about, the client has tried often enough itself.
    """
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING
    return isinstance(error, httpx2.ReadError | httpx2.WriteError)


def explain(error: Exception, repository: Repository, endpoint: str, what: str) -> MachineLacks:
    """Return ``error`` as one message: repository, file or revision, and the cure.

    The library's own text is left out, since it may show signed addresses.

    Args:
        error: what the client raised.
        repository: where.
        endpoint: the hub that was asked.
        what: what was asked for, such as ``'config.json' at 0123…``.
    """
    where = f"{repository.path}: {what}: {shown(endpoint)}"
    if isinstance(error, OfflineModeIsEnabled):
        return MachineLacks(
            f"{where} may not be asked: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it "
            "where sources are locked and fetched (the other steps set it by themselves)"
        )
    if isinstance(error, HfHubHTTPError):
        return MachineLacks(f"{where} {_answer(error, repository, endpoint)}")
    if isinstance(error, OSError) and error.strerror:
        return MachineLacks(f"{repository.path}: {what} cannot be written: {error.strerror}")
    if isinstance(error, httpx2.TransportError):
        return MachineLacks(
            f"{where} cannot be reached ({type(error).__name__}); run again, or name a mirror of "
            "the repository (`mirrors`) or set HF_ENDPOINT"
        )
    return MachineLacks(f"{where} sent what is not understood ({type(error).__name__}); run again")


def _answer(error: HfHubHTTPError, repository: Repository, endpoint: str) -> str:
    status, code = error.response.status_code, error.response.headers.get("X-Error-Code", "")
    page = f"{shown(endpoint)}/{repository.path}"
    if code == "GatedRepo":
        return (
            f"answered {status}: the repository is gated. Open {page} signed in, accept its "
            f"conditions, then {_TOKEN}"
        )
    if status in (401, 403) and code != "RepoNotFound":
        return (
            f"answered {status}: the token is missing, wrong or may not read this repository. "
            f"See {page}, and {_TOKEN}"
        )
    if code == "EntryNotFound":
        return f"answered {status}: no such file; correct the pattern or lock the source again"
    if code == "RevisionNotFound":
        return (
            f"answered {status}: no such revision (commits vanish when a history is rewritten); "
            "name a mirror or a folder that has the same files (`mirrors`), or lock a newer one"
        )
    if status in (401, 404):
        return (
            f"answered {status}: no such repository, or a private one. Correct repo and kind, or "
            f"{_TOKEN}; where it has been deleted, name a mirror or a folder (`mirrors`)"
        )
    return f"answered {status}, also when asked again; try later, or name a mirror (`mirrors`)"


_TOKEN = (
    "set HF_TOKEN to a token of that account that may read it (or run `hf auth login`, which "
    f"writes {constants.HF_TOKEN_PATH})"
)
