"""Prefixes from a model behind an OpenAI-compatible HTTP interface; off unless a study asks.

Source: PING (arXiv 2508.14031), Table 8: temperature 0.7, at most 2000 tokens, one user message and
no system message. The server's replies cannot be had again, so each is kept in the artifact.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from safebasin.errors import MachineLacks
from safebasin.guards.generators.chat_api import ChatApi
from safebasin.guards.generators.generator import Feedback, GeneratorContext, Proposal
from safebasin.guards.generators.instructions import marked_prefixes, request_text
from safebasin.progress import Progress
from safebasin.resume.lines import append_line, read_lines
from safebasin.store.canonical import Json, digest_of


@dataclass(frozen=True, kw_only=True)
class ChatApiSettings:
    """The options of ``openai_compatible``."""

    base_url: str
    model: str
    seed: int = 0
    """Tells the searches of a study apart. It is not sent: the server draws anew each time."""
    token_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the token; empty for a server that needs none."""
    temperature: Annotated[float, Field(ge=0)] = 0.7
    max_tokens: Annotated[int, Field(ge=1)] = 2000
    timeout: Annotated[float, Field(gt=0)] = 120.0
    tries: Annotated[int, Field(ge=1)] = 6
    pause: Annotated[float, Field(ge=0)] = 2.0

    def make(
        self, context: GeneratorContext, sleep: Callable[[float], None] = time.sleep
    ) -> ChatApiGenerator:
        """Return the generator; ``sleep`` waits between tries.

        Raises:
            StudyError: the address is none that a token may be sent to.
        """
        api = ChatApi(
            base_url=self.base_url,
            timeout=self.timeout,
            tries=self.tries,
            pause=self.pause,
            sleep=sleep,
            progress=context.progress,
        )
        return ChatApiGenerator(self, api, context)


class ChatApiGenerator:
    """Asks once a round; a round that is answered in the record is not asked again."""

    reproducible = False

    def __init__(self, settings: ChatApiSettings, api: ChatApi, context: GeneratorContext) -> None:
        """Read the record of replies; nothing is asked yet."""
        self._settings = settings
        self._api = api
        self._environment = context.environment
        self._record = _Record(context.replies, context.progress)

    @property
    def description(self) -> Mapping[str, Json]:
        """Type, model and decoding; neither the address nor the token."""
        settings = self._settings
        return {
            "type": "openai_compatible",
            "seed": settings.seed,
            "model": settings.model,
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
        }

    def propose(self, count: int, feedback: Feedback | None, round: int) -> list[Proposal]:
        """Return the marked lines of one reply; a round may so yield fewer than ``count``.

        Raises:
            MachineLacks: there is no token, or the server gives no reply.
            DamagedInput: the server's answer is no chat completion.
        """
        body: dict[str, Json] = {
            "model": self._settings.model,
            "messages": [{"role": "user", "content": request_text(count, feedback)}],
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_tokens,
        }
        # From scratch, the request is the same in every round and every search.
        digest = digest_of({"seed": self._settings.seed, "round": round, "body": body})
        reply = self._record.find(digest)
        if reply is None:
            token = self._token()
            reply = self._api.complete(body, token)
            if token is not None:
                reply = reply.replace(token, "[token]")
            self._record.keep(digest, round, reply)
        shown = feedback.texts() if feedback is not None else ()
        return [
            Proposal(text=text, parents=shown, source="openai_compatible")
            for text in marked_prefixes(reply)[:count]
        ]

    def _token(self) -> str | None:
        """Return the token; it is read anew each time and kept nowhere."""
        name = self._settings.token_variable
        if not name:
            return None
        token = self._environment.get(name, "").strip()
        if not token:
            raise MachineLacks(
                f"generator openai_compatible: the environment variable {name} holds no token; "
                "set it, or set token_variable to '' for a server that needs none"
            )
        if not token.isascii() or not token.isprintable() or " " in token:
            # Checked here, since the HTTP library would show the token in its own message.
            raise MachineLacks(
                f"generator openai_compatible: the environment variable {name} holds characters "
                "that no token has"
            )
        return token


class _Record:
    """Request digest, round, and what came back."""

    def __init__(self, path: Path | None, progress: Progress) -> None:
        self._path = path
        lines = read_lines(path, progress) if path is not None else []
        self._replies: dict[str, str] = {line["request"]: line["reply"] for line in lines}

    def find(self, digest: str) -> str | None:
        """Return the reply to a request, or None."""
        return self._replies.get(digest)

    def keep(self, digest: str, round: int, reply: str) -> None:
        """Keep a reply before it is used."""
        self._replies[digest] = reply
        if self._path is not None:
            append_line(self._path, {"request": digest, "round": round, "reply": reply})
