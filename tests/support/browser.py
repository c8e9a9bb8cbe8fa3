"""A Chromium without a window, driven by the WebDriver protocol (W3C) over plain HTTP."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--window-size=760,640")  # fmt: skip


def missing() -> str | None:
    """What is not installed, None where all is."""
    names = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"not installed: {', '.join(names)} (Debian's chromium and chromium-driver)" if names else None


class Browser:
    """A session."""

    def __init__(self, port: int, folder: Path) -> None:
        self._base = f"http://127.0.0.1:{port}/session"
        options = {"binary": shutil.which("chromium"), "args": [*ARGUMENTS, f"--user-data-dir={folder}"]}
        wanted = {"goog:chromeOptions": options, "timeouts": {"script": 100_000}}
        asked = {"capabilities": {"alwaysMatch": wanted}}
        self._base += f"/{self._ask('POST', '', asked)['sessionId']}"

    def open(self, address: str) -> None:
        self._ask("POST", "/url", {"url": address})

    def run(self, script: str, *words: Any) -> Any:
        """The value that a script returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(words)})

    def wait(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        script = "const done = arguments[0], look = () => (%s) ? done(true) : setTimeout(look, 20); look();"
        assert self._ask("POST", "/execute/async", {"script": script % condition, "args": []}) is True

    def screenshot(self) -> bytes:
        """PNG."""
        return base64.b64decode(self._ask("GET", "/screenshot"))

    def close(self) -> None:
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with its profile in a folder; nothing of it runs behind the block."""
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, start_new_session=True, env=os.environ | {"TMPDIR": str(folder)})  # fmt: skip
    try:
        assert driver.stdout is not None
        port = next(int(line.split()[-1].rstrip(".")) for line in driver.stdout if "successfully on port" in line)
        made = Browser(port, folder / "profile")
        try:
            yield made
        finally:
            with suppress(OSError):
                made.close()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        if driver.stdout is not None:
            driver.stdout.close()
