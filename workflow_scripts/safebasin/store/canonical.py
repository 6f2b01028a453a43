"""One byte string for one value: the JSON that digests are taken of."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

DIGEST_LENGTH = 16


def canonical_json(value: Json) -> bytes:
    """Return the one JSON text of ``value``, as UTF-8.

    Keys are sorted, no white space is added, a whole float prints as an integer (so ``1`` and
    ``1.0`` are one number), and an object's key with a null value is left out (so absent and
    null are one thing).

    Raises:
        ValueError: a number is not finite, a key is no string, or a type has no JSON form.
    """
    return json.dumps(
        _normalise(value, "$"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def digest_of(value: Json) -> str:
    """Return the first 16 hex digits of the SHA-256 of the canonical JSON."""
    return digest_of_json(canonical_json(value))


def digest_of_json(text: bytes) -> str:
    """Return the same of JSON that is canonical already."""
    return hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH]


def _normalise(value: Json, where: str) -> Json:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}: {value} is not a finite number")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{where}: the key {key!r} is not a string")
        return {
            key: _normalise(item, f"{where}.{key}")
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_normalise(item, f"{where}[{index}]") for index, item in enumerate(value)]
    raise ValueError(f"{where}: a {type(value).__name__} has no JSON form")
