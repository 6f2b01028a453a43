"""The name of a repository on a hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from safebasin.errors import StudyError

RepositoryKind = Literal["model", "dataset"]
COMMIT = re.compile(r"[0-9a-f]{40}")
UNLOCKED = "unlocked"
"""What a study says in place of a commit that nobody has looked up yet."""

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Repository:
    """Owner and name, and what it holds."""

    name: str
    kind: str = "model"

    def __post_init__(self) -> None:
        """Refuse what names no repository.

        Raises:
            StudyError: the name is not ``owner/name``, or the kind is unknown.
        """
        if not _NAME.fullmatch(self.name) or self.kind not in get_args(RepositoryKind):
            raise StudyError(
                f"hub: {self.name!r} (kind {self.kind!r}) names no repository; give 'OWNER/NAME' "
                "and the kind model or dataset"
            )

    @property
    def path(self) -> str:
        """The path of its page on the hub, such as ``datasets/openai/gsm8k``."""
        return f"datasets/{self.name}" if self.kind == "dataset" else self.name
