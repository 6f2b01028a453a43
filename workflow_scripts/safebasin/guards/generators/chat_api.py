"""One request to a chat completion server over HTTP, with retries; the token shows nowhere."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any

from safebasin.errors import DamagedInput, MachineLacks, StudyError
from safebasin.progress import SILENT, Progress

_UNREACHABLE = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)
_LONGEST_WAIT = 60.0
_LARGEST_REPLY = 1 << 20
_HERE = ("127.0.0.1", "::1", "localhost")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect would carry the prompt, or the token, somewhere else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        """Return no new request, which makes the redirect an error."""
        del req, fp, code, msg, headers, newurl


@dataclass(frozen=True, kw_only=True)
class ChatApi:
    """Where the server is and how patiently it is asked."""

    base_url: str
    """Such as ``https://host/v1``; ``/chat/completions`` is added."""
    timeout: float
    tries: int
    pause: float
    """Seconds before the second try; it doubles with every further one."""
    sleep: Callable[[float], None] = time.sleep
    progress: Progress = SILENT

    def __post_init__(self) -> None:
        """Raise where a request to the address would be unsafe.

        Raises:
            StudyError: it is no plain HTTP address, or would send a token unencrypted.
        """
        parts = urllib.parse.urlsplit(self.base_url)
        plain = parts.netloc.rpartition("@")[2] == parts.netloc and not parts.query
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
            raise StudyError(
                f"generator.base_url: of {self.name} should be like https://host/v1, without user, "
                "password and query; the token comes from the environment"
            )
        if parts.scheme == "http" and parts.hostname not in _HERE:
            raise StudyError(
                f"generator.base_url: {self.name} would get the token unencrypted; use https"
            )

    @property
    def name(self) -> str:
        """The host, as a message may show it."""
        return urllib.parse.urlsplit(self.base_url).netloc.rpartition("@")[2] or "the address"

    def complete(self, body: Mapping[str, Any], token: str | None) -> str:
        """Return the text of the first choice.

        Raises:
            MachineLacks: the server cannot be reached, refuses, or keeps failing.
            DamagedInput: its answer is no chat completion.
        """
        reason = ""
        for attempt in range(self.tries):
            if attempt:
                self.progress.note(f"{self.name}: {reason}; asking again")
            try:
                return _first_choice(self._post(body, token), self.name)
            except urllib.error.HTTPError as error:
                reason, asked = f"answer {error.code}", _retry_after(error.headers)
                error.close()
                if error.code != 429 and error.code < 500:
                    break
            except _UNREACHABLE as error:
                reason, asked = f"no answer ({type(error).__name__})", None
            if attempt + 1 < self.tries:
                self.sleep(min(asked or self.pause * 2**attempt, _LONGEST_WAIT))
        # Neither the cause nor the server's own words: both may repeat the request.
        raise MachineLacks(
            f"the generator's server {self.name} gave no reply: {reason}; finished rounds are kept"
        ) from None

    def _post(self, body: Mapping[str, Any], token: str | None) -> bytes:
        request = urllib.request.Request(
            self.base_url.rstrip("/") + "/chat/completions",
            data=json.dumps(body, sort_keys=True).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            method="POST",
        )
        if token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=self.timeout) as answer:
            content: bytes = answer.read(_LARGEST_REPLY)
        return content


def _first_choice(content: bytes, name: str) -> str:
    try:
        text = json.loads(content)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        text = None
    if not isinstance(text, str):
        raise DamagedInput(
            f"the generator's server {name} gave no chat completion; "
            "choices[0].message.content should be a text"
        )
    return text


def _retry_after(headers: Message | None) -> float | None:
    """Return the seconds that the server asks to wait, where it says so in digits."""
    said = headers.get("Retry-After", "") if headers is not None else ""
    return float(said) if said.isascii() and said.isdigit() else None
