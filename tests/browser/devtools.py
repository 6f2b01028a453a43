"""A real browser without a window, spoken to over a pipe in the DevTools protocol."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

Message = dict[str, Any]
LOUD = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
REQUEST = "Network.requestWillBeSent"


class Browser:
    """A browser with one page; closing it ends its processes."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        quiet = ["--no-first-run", "--disable-extensions", "--disable-background-networking"]
        small = ["--disable-dev-shm-usage", f"--user-data-dir={profile}", "about:blank"]
        # The browser reads its descriptor 3 and writes its 4.
        script = f'exec 3<&{theirs_in} 4>&{theirs_out} && exec "$0" "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", script, program, *flags, *quiet, *small],
            pass_fds=(theirs_in, theirs_out),
            env={**os.environ, "HOME": str(profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        self._rest, self._number, self._session = b"", 0, ""
        self.seen: list[Message] = []
        """What the browser told of itself, in order."""

    def close(self) -> None:
        """End the browser."""
        self._process.kill()
        self._process.wait()
        self._out.close()
        self._in.close()

    def open(self, page: Path) -> None:
        """Open a file in a page and wait until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.seen.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not any(told["method"] == "Page.loadEventFired" for told in self.seen):
            self._read()

    def tell(self, expression: str) -> Any:
        """Return what an expression is in the page."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def click(self, element: str) -> None:
        """Click with the mouse in the middle of the element that an expression gives."""
        x, y = self.tell(
            f"(() => {{ const it = {element}; it.scrollIntoView({{block: 'center'}});"
            "const box = it.getBoundingClientRect();"
            "return [box.x + Math.min(20, box.width / 2), box.y + box.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def complaints(self) -> list[Message]:
        """Return errors, warnings and whatever a script wrote."""
        return [told for told in self.seen if told["method"] in LOUD]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for."""
        return [told["params"]["request"]["url"] for told in self.seen if told["method"] == REQUEST]

    def call(self, method: str, **params: Any) -> Message:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while (answer := self._read()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        result: Message = answer["result"]
        return result

    def _read(self) -> Message:
        while b"\0" not in self._rest:
            more = os.read(self._in.fileno(), 1 << 16)
            assert more, f"the browser ended with {self._process.poll()}"
            self._rest += more
        whole, self._rest = self._rest.split(b"\0", 1)
        told: Message = json.loads(whole)
        if "method" in told:
            self.seen.append(told)
        return told
