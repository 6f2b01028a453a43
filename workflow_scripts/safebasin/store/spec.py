"""What determines an artifact, and the digest that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from safebasin.store.canonical import Json, canonical_json, digest_of_json


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Kind, code, params and the inputs' digests by role: all that may change the result.

    ``code`` is None for a source, which is addressed by its bytes alone. Inputs enter by role
    and digest, so swapping ``aligned`` and ``base`` gives another artifact.
    """

    kind: str
    code: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """Return the spec as the object whose canonical JSON is hashed."""
        return {
            "kind": self.kind,
            "code": self.code,
            "params": dict(self.params),
            "inputs": dict(self.inputs),
        }

    @cached_property
    def text(self) -> str:
        """The canonical JSON."""
        return canonical_json(self.as_json()).decode()

    @property
    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256 of the canonical JSON."""
        return digest_of_json(self.text.encode())

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Spec:
        """Return the spec that ``as_json`` wrote.

        Raises:
            ValueError: a key is missing, unknown, or of the wrong type.
        """
        unknown = set(value) - {"kind", "code", "params", "inputs"}
        kind, code = value.get("kind"), value.get("code")
        params, inputs = value.get("params", {}), value.get("inputs", {})
        if unknown or not isinstance(kind, str) or not isinstance(code, str | None):
            raise ValueError(f"not a spec: {sorted(value)}")
        if not isinstance(params, dict) or not isinstance(inputs, dict):
            raise ValueError("not a spec: params and inputs are objects")
        return cls(kind=kind, code=code, params=params, inputs=inputs)
