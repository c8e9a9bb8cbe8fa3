"""The page of the demonstration: a web server on this machine alone, and the frames for whoever looks at it.

The browser gets JSON on a websocket: first `about` the link and the controls as they are, then a message a frame, and
`{"error": text}` for what it sent and was not taken. It sends `{"snr": dB}`, `{"profile": number}` (null: the SNR's)
and `{"paused": true}`. Frames are sent while a page is open. The transmitter works on the next frame while the receiver
works on the one before.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tornado.httpserver
import tornado.iostream
import tornado.web
import tornado.websocket

from hwgen.console import json_line
from hwgen.demo.air import Shot
from hwgen.demo.camera import Camera, Picture
from hwgen.errors import HwgenError
from hwgen.limits import SNRS_DB

HOST = "127.0.0.1"
FILES = Path(__file__).resolve().parent / "static"
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                               "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}  # fmt: skip
RELOAD = 2.0
"""Seconds within which a page that was closed may be open again: who loads it anew closes it, too."""
MOST_MESSAGE = 1000
"""Longest message from a browser, in bytes."""


class Link(Protocol):
    """The part of `hwgen.demo.air.Air` that the page uses."""

    @property
    def profiles(self) -> int: ...

    def transmit(self, source: Picture, snr_db: float, seed: int, profile: int | None = None) -> Shot: ...

    def receive(self, shot: Shot) -> Shot: ...


@dataclass
class Controls:
    """The settings chosen on the page.

    profile : None takes the SNR's
    """

    snr_db: float
    profile: int | None = None
    paused: bool = False

    def take(self, text: str, profiles: int) -> None:
        """Change what a browser's message says.

        Raises
        ------
        ValueError : no such message; nothing is changed
        """
        given = json.loads(text)
        if not isinstance(given, dict) or not given or set(given) - {"snr", "profile", "paused"}:
            raise ValueError("wanted snr, profile or paused")
        snr, profile = given.get("snr", self.snr_db), given.get("profile", self.profile)
        paused = given.get("paused", self.paused)
        low, high = SNRS_DB
        if type(snr) not in (int, float) or not low <= snr <= high:  # nor NaN
            raise ValueError(f"snr: wanted a number from {low:g} to {high:g}")
        if profile is not None and (type(profile) is not int or not 0 <= profile < profiles):
            raise ValueError(f"profile: wanted null or 0 to {profiles - 1}")
        if type(paused) is not bool:
            raise ValueError("paused: wanted true or false")
        self.snr_db, self.profile, self.paused = float(snr), profile, paused


class Page:
    """The server and its frames.

    Parameters
    ----------
    link, camera : where frames come from and go through
    about : of the link, for the page: texts and numbers
    snr_db : of the first frames
    seed : of the first frame's noise, the next one's is one more
    port : 0 takes one that is free
    frames : after which it ends; None never does
    until_closed : it ends when the last page is closed

    Raises
    ------
    HwgenError : the port is not free
    """

    def __init__(self, link: Link, camera: Camera, about: dict[str, Any], snr_db: float, seed: int = 1, port: int = 0,
                 frames: int | None = None, until_closed: bool = False) -> None:  # fmt: skip
        self._link, self._camera, self._about = link, camera, about
        self.controls, self._seed = Controls(snr_db), seed
        self._frames, self._until_closed = frames, until_closed
        self._open: set[Socket] = set()
        self._seen = False
        self._changed = asyncio.Event()
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]

    @property
    def address(self) -> str:
        """The page's URL."""
        return f"http://{HOST}:{self.port}/"

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until it ends; `started` is called when the page can be opened."""
        given = {"page": self, "names": names_of(self.port)}
        server = tornado.httpserver.HTTPServer(tornado.web.Application(
            [(r"/link", Socket, given), (r"/(|demo\.js|demo\.css)", File, given)], log_function=lambda handler: None,
            websocket_max_message_size=MOST_MESSAGE,
        ))  # fmt: skip
        server.add_sockets([self._socket])
        try:
            started()
            await self._work()
        finally:
            for one in list(self._open):
                one.close()
            server.stop()
            await server.close_all_connections()

    async def _work(self) -> None:
        number, sent = 0, None
        while self._frames is None or number < self._frames:
            while not self._open or self.controls.paused:
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), self._patience)
                except asyncio.TimeoutError:
                    return
            if sent is None:
                sent = await asyncio.to_thread(self._transmit, number)
            last = number + 1 == self._frames
            ahead = None if last else asyncio.create_task(asyncio.to_thread(self._transmit, number + 1))
            try:
                shot = await asyncio.to_thread(self._link.receive, sent)
            finally:
                sent = None if ahead is None else await ahead
            self._tell(self._frame(number, shot))
            number += 1

    def _transmit(self, number: int) -> Shot:
        chosen = self.controls
        return self._link.transmit(self._camera.frame(number), chosen.snr_db, self._seed + number, chosen.profile)

    def _frame(self, number: int, shot: Shot) -> dict[str, Any]:
        assert shot.picture is not None, "behind the receiver"
        return {
            "number": number, "snr": shot.snr_db, "profile": shot.profile, "automatic": self.controls.profile is None,
            "psnr": shot.psnr_db if math.isfinite(shot.psnr_db) else None, "source": _base64(shot.source),
            "picture": _base64(shot.picture), "seconds": list(shot.seconds),
        }  # fmt: skip

    def _tell(self, message: dict[str, Any]) -> None:
        text = json_line(message)
        for one in list(self._open):
            one.tell(text)

    @property
    def _patience(self) -> float | None:
        """Seconds for which it waits for somebody who looks; None: for ever."""
        return RELOAD if self._until_closed and self._seen and not self._open else None

    # -- of the sockets ------------------------------------------------------------------------------------------------

    def opened(self, one: Socket) -> None:
        """A page is looked at."""
        self._open.add(one)
        self._seen = True
        now = self.controls
        one.tell(json_line({"about": self._about, "snr": now.snr_db, "profile": now.profile, "paused": now.paused}))
        self._changed.set()

    def closed(self, one: Socket) -> None:
        """It is not any more."""
        self._open.discard(one)
        self._changed.set()

    def told(self, one: Socket, text: str) -> None:
        """A browser's message."""
        try:
            self.controls.take(text, self._link.profiles)
        except (ValueError, RecursionError) as error:
            one.tell(json_line({"error": str(error)}))
        self._changed.set()


def names_of(port: int) -> set[str]:
    """The server's names, as a request's Host has them: a browser leaves port 80 out."""
    ends = ("", ":80") if port == 80 else (f":{port}",)
    return {f"{name}{end}" for name in (HOST, "localhost") for end in ends}


def check_port(port: int) -> None:
    """Refuse a port before the work.

    Raises
    ------
    HwgenError : it is not free
    """
    _listening(port).close()


def _listening(port: int) -> socket.socket:
    """A socket that listens to this machine alone."""
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen()
    except OSError as error:
        made.close()
        raise HwgenError("--port", "one that is free", f"{port} ({error.strerror})") from None
    made.setblocking(False)
    return made


class _Local:
    """A handler that answers to this machine's names alone: no other site's page reaches it by a name of its own."""

    request: Any

    def initialize(self, page: Page, names: set[str]) -> None:
        self.page, self.names = page, names

    def prepare(self) -> None:
        if self.request.host not in self.names:
            raise tornado.web.HTTPError(403)


class File(_Local, tornado.web.RequestHandler):
    """The page's own files."""

    def set_default_headers(self) -> None:
        for name, value in SECURITY.items():
            self.set_header(name, value)

    def get(self, name: str) -> None:
        name = name or "demo.html"
        kind = {"html": "text/html", "js": "text/javascript", "css": "text/css"}[name.rsplit(".", 1)[1]]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.finish((FILES / name).read_bytes())


class Socket(_Local, tornado.websocket.WebSocketHandler):
    """A page that is open. Tornado refuses those of other origins."""

    def open(self, *words: str, **named: str) -> None:
        self.page.opened(self)

    def on_message(self, message: str | bytes) -> None:
        self.page.told(self, message if isinstance(message, str) else "")

    def on_close(self) -> None:
        self.page.closed(self)

    def tell(self, text: str) -> None:
        """Send a message, unless it is closing."""
        try:
            future = self.write_message(text)
        except tornado.websocket.WebSocketClosedError:
            return
        asyncio.ensure_future(_ignored(future))


async def _ignored(future: Any) -> None:
    with suppress(tornado.websocket.WebSocketClosedError, tornado.iostream.StreamClosedError):
        await future


def _base64(picture: Picture) -> str:
    return base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode("ascii")
