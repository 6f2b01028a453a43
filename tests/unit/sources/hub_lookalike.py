"""A Hugging Face hub on loopback, as far as a client that downloads can tell.

Two servers: the hub itself, and the storage that it redirects to for large files. What goes wrong
is set by the test: gates, passing failures, connections that break, bytes that are wrong.
"""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = 1000
"""Files of this many bytes or more are kept as the hub keeps large files."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Served:
    """One repository: its commits, its branches, and its gate."""

    commits: dict[str, dict[str, bytes]]
    branches: dict[str, str]
    token: str | None = None
    """Who does not send this token may list the files and not read them."""


@dataclass(frozen=True)
class Request:
    """What came in."""

    server: str
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""


@dataclass
class Faults:
    """What goes wrong, by file name."""

    statuses: dict[str, list[int]] = field(default_factory=dict)
    """Answers given in place of the coming ones."""
    breaks: dict[str, list[int]] = field(default_factory=dict)
    """For each coming answer, after how many bytes of it the connection breaks."""
    wrong: set[str] = field(default_factory=set)
    """Files whose last byte is flipped on the way."""


class HubLookalike:
    """The two servers; ``address`` is what ``HF_ENDPOINT`` should be."""

    def __init__(self) -> None:
        self.repositories: dict[str, Served] = {}
        self.renamed: dict[str, str] = {}
        """Old path of a repository to its present one, which the hub redirects to."""
        self.faults = Faults()
        self.requests: list[Request] = []
        self._servers = [self._serve("hub"), self._serve("storage")]
        self.address, self._storage = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers
        )

    def add(
        self,
        path: str,
        files: Mapping[str, bytes],
        *,
        commit: str = "c" * 40,
        branch: str = "main",
        token: str | None = None,
    ) -> str:
        """Publish ``files`` as the branch's new commit; datasets are ``datasets/owner/name``."""
        served = self.repositories.setdefault(path, Served({}, {}))
        served.commits[commit] = dict(files)
        served.branches[branch] = commit
        served.token = token or served.token
        return commit

    def asked(self, name: str, method: str = "GET") -> list[Request]:
        """Return the requests for the bytes of one file, on either server."""
        return [
            each
            for each in self.requests
            if each.method == method and each.path.endswith(f"/{urllib.parse.quote(name)}")
        ]

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _serve(self, name: str) -> ThreadingHTTPServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = urllib.parse.urlsplit(self.path).path
                headers = {key.lower(): value for key, value in self.headers.items()}
                outer.requests.append(Request(name, self.command, path, headers))
                (outer._answer_hub if name == "hub" else outer._answer_storage)(self, path)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def _answer_hub(self, request: BaseHTTPRequestHandler, path: str) -> None:
        for old, new in self.renamed.items():
            if f"/{old}/" in path:
                where = path.replace(f"/{old}/", f"/{new}/")
                _send_head(request, 307, {"Location": where, "Content-Length": "0"})
                return
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "api":
            repository = "/".join(parts[2:4] if parts[1] == "models" else parts[1:4])
            action, revision = parts[-2:]
            self._answer_api(request, repository, action, revision)
            return
        start = 3 if parts[0] == "datasets" else 2
        repository, revision = "/".join(parts[:start]), parts[start + 1]
        self._answer_file(request, repository, revision, "/".join(parts[start + 2 :]))

    def _answer_api(
        self, request: BaseHTTPRequestHandler, repository: str, action: str, revision: str
    ) -> None:
        found = self._find(request, repository, revision)
        if found is None:
            return
        commit, files = found
        if action == "revision":
            _send_json(request, {"id": repository, "sha": commit, "siblings": []})
            return
        _send_json(request, [_entry(name, content) for name, content in files.items()])

    def _answer_file(
        self, request: BaseHTTPRequestHandler, repository: str, revision: str, name: str
    ) -> None:
        found = self._find(request, repository, revision)
        if found is None or not self._may_read(request, repository):
            return
        commit, files = found
        if statuses := self.faults.statuses.get(name):
            _refuse(request, statuses.pop(0), "")
            return
        if name not in files:
            _refuse(request, 404, "EntryNotFound")
            return
        content = files[name]
        head = {"X-Repo-Commit": commit, "ETag": f'"{git_id(content)}"'}
        if len(content) < LARGE:
            self._send_bytes(request, name, content, head)
            return
        where = f"{self._storage}/{repository}/{commit}/{urllib.parse.quote(name)}?signed=secret"
        head |= {"Location": where, "X-Linked-Etag": f'"{sha256(content)}"'}
        head |= {"X-Linked-Size": str(len(content)), "Content-Length": "0"}
        _send_head(request, 302, head)

    def _answer_storage(self, request: BaseHTTPRequestHandler, path: str) -> None:
        for repository, served in self.repositories.items():
            for commit, files in served.commits.items():
                prefix = f"/{repository}/{commit}/"
                if path.startswith(prefix):
                    name = urllib.parse.unquote(path.removeprefix(prefix))
                    self._send_bytes(request, name, files[name], {})
                    return
        _refuse(request, 404, "")

    def _find(
        self, request: BaseHTTPRequestHandler, repository: str, revision: str
    ) -> tuple[str, dict[str, bytes]] | None:
        served = self.repositories.get(repository)
        if served is None:
            _refuse(request, 401, "RepoNotFound")
            return None
        commit = served.branches.get(revision, revision)
        if commit not in served.commits:
            _refuse(request, 404, "RevisionNotFound")
            return None
        return commit, served.commits[commit]

    def _may_read(self, request: BaseHTTPRequestHandler, repository: str) -> bool:
        wanted, sent = self.repositories[repository].token, request.headers.get("Authorization")
        if wanted is None or sent == f"Bearer {wanted}":
            return True
        _refuse(request, 403 if sent else 401, "GatedRepo")
        return False

    def _send_bytes(
        self, request: BaseHTTPRequestHandler, name: str, content: bytes, head: dict[str, str]
    ) -> None:
        if name in self.faults.wrong:
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked, status, total = request.headers.get("Range"), 200, len(content)
        if asked:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            status, content = 206, content[start:]
            head = {**head, "Content-Range": f"bytes {start}-{total - 1}/{total}"}
        _send_head(request, status, {**head, "Content-Length": str(len(content))})
        if request.command == "HEAD":
            return
        if breaks := self.faults.breaks.get(name):
            request.wfile.write(content[: breaks.pop(0)])
            request.close_connection = True
        else:
            request.wfile.write(content)


def _entry(name: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": name, "size": len(content)}
    if len(content) >= LARGE:
        pointer = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
        return {
            **entry,
            "oid": git_id(sha256(content).encode()),
            "lfs": pointer,
            "xetHash": "ab" * 32,
        }
    return {**entry, "oid": git_id(content)}


def _send_json(request: BaseHTTPRequestHandler, value: object) -> None:
    body = json.dumps(value).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    _send_head(request, 200, head)
    request.wfile.write(body)


def _send_head(request: BaseHTTPRequestHandler, status: int, head: Mapping[str, str]) -> None:
    request.send_response(status)
    for name, value in head.items():
        request.send_header(name, value)
    request.end_headers()


def _refuse(request: BaseHTTPRequestHandler, status: int, code: str) -> None:
    head = {"Content-Length": "0", **({"X-Error-Code": code} if code else {})}
    _send_head(request, status, head)
