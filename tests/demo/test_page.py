"""The page without designs: its protocol, and what a real browser shows of it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tornado.httpclient
import tornado.websocket
from support import browser as browsers
from support.fake_air import HEIGHT, WIDTH, page, served

from hwgen.demo import page as pages
from hwgen.demo.page import FILES, Controls, Page
from hwgen.errors import HwgenError

Client = tornado.websocket.WebSocketClientConnection
WANTED = "HWGEN_TEST_BROWSER"
"""The variable with which a browser is started."""


def with_page(what: Callable[[Page, Client], Awaitable[None]], **options: Any) -> None:
    """Serve a page, connect to it, do something that ends with the connection; the page must end by itself."""
    async def run() -> None:
        made = page(until_closed=True, **options)
        serving = asyncio.create_task(made.run())
        client = await tornado.websocket.websocket_connect(made.address.replace("http", "ws") + "link")
        await what(made, client)
        client.close()  # does nothing where `leave` has
        await asyncio.wait_for(serving, 30)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "RELOAD", 0.01)
        asyncio.run(run())


async def leave(client: Client) -> None:
    """Close a connection, and wait until both ends have."""
    client.close()
    while await asyncio.wait_for(client.read_message(), 30) is not None:
        pass


async def message(client: Client) -> dict[str, Any]:
    text = await asyncio.wait_for(client.read_message(), 30)
    assert isinstance(text, str)
    found: dict[str, Any] = json.loads(text)
    return found


async def frame_where(client: Client, **wanted: Any) -> dict[str, Any]:
    """The first frame with these values; a few that were under way may come before."""
    for _ in range(20):
        found = await message(client)
        if all(found.get(key) == value for key, value in wanted.items()):
            return found
    raise AssertionError(f"no frame with {wanted}")


def test_frames_come_and_controls_change_them() -> None:
    async def look(made: Page, client: Client) -> None:
        first = await message(client)
        assert (first["about"]["model"], first["snr"], first["profile"], first["paused"]) == ("fake", 10.0, None, False)
        frame = await message(client)
        assert (frame["number"], frame["snr"], frame["profile"], frame["automatic"]) == (0, 10.0, 1, True)
        source, picture = (
            np.frombuffer(base64.b64decode(frame[name]), np.uint8).reshape(HEIGHT, WIDTH, 3)
            for name in ("source", "picture")
        )
        error = float(np.mean((source.astype(float) - picture) ** 2))
        assert error > 0 and abs(frame["psnr"] - 10 * np.log10(255**2 / error)) < 1e-9
        await client.write_message(json.dumps({"snr": 20}))
        better = await frame_where(client, snr=20.0, profile=2)
        assert better["psnr"] > frame["psnr"]
        await client.write_message(json.dumps({"profile": 0}))
        assert not (await frame_where(client, snr=20.0, profile=0))["automatic"]
        await client.write_message(json.dumps({"profile": None}))
        assert (await frame_where(client, profile=2))["automatic"]
        await client.write_message('{"snr": "loud"}')
        assert (await frame_where(client, error="snr: wanted a number from -20 to 60"))["error"]
        await client.write_message(json.dumps({"paused": True}))
        while made._open and not made.controls.paused:
            await message(client)
        other = await tornado.websocket.websocket_connect(made.address.replace("http", "ws") + "link")
        told = await message(other)
        assert (told["snr"], told["profile"], told["paused"]) == (20.0, None, True), "as whoever looks has left it"
        await leave(other)
        await client.write_message(json.dumps({"paused": False, "snr": 1}))
        assert (await frame_where(client, snr=1.0))["profile"] == 0
        await leave(client)

    with_page(look)


def test_it_ends_after_so_many_frames() -> None:
    async def look(made: Page, client: Client) -> None:
        await message(client)
        assert [(await message(client))["number"] for _ in range(3)] == [0, 1, 2]
        assert await client.read_message() is None, "closed"

    with_page(look, frames=3)


@pytest.mark.parametrize("text", [
    "", "5", "[]", "{}", '{"snr": NaN}', '{"snr": 1e999}', '{"snr": 1' + "0" * 400 + "}",
    '{"snr": 61}', '{"snr": true}', '{"profile": 3}', '{"profile": 1.0}',
    '{"more": 1}', '{"paused": 1}', "[" * 400, '{"snr": 5, "profile": -1}',
])  # fmt: skip
def test_other_messages_change_nothing(text: str) -> None:
    controls = Controls(10.0)
    with pytest.raises((ValueError, RecursionError)):
        controls.take(text, 3)
    assert controls == Controls(10.0)


def test_files_are_this_machines_alone() -> None:
    with served() as made:
        def get(path: str, **headers: str) -> Any:
            return urllib.request.urlopen(urllib.request.Request(made.address + path, headers=headers), timeout=30)

        for name, file in (("", "demo.html"), ("demo.js", "demo.js"), ("demo.css", "demo.css")):
            with get(name) as answer:
                assert answer.read() == (FILES / file).read_bytes()
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        refused = [("", {"Host": "example.org"}, 403), ("../page.py", {}, 404), ("link", {}, 400)]
        for path, headers, status in refused:
            with pytest.raises(urllib.error.HTTPError) as error:
                get(path, **headers)
            assert error.value.code == status
            error.value.close()

        async def strange() -> None:
            request = tornado.httpclient.HTTPRequest(made.address + "link", headers={
                "Origin": "http://example.org", "Connection": "Upgrade", "Upgrade": "websocket",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13",
            })  # fmt: skip
            with pytest.raises(tornado.httpclient.HTTPClientError, match="403"):
                await tornado.httpclient.AsyncHTTPClient().fetch(request)
            own = await tornado.websocket.websocket_connect(made.address.replace("http", "ws") + "link")
            await leave(own)

        asyncio.run(strange())
        with pytest.raises(HwgenError, match=rf"--port: wanted one that is free, got {made.port}"):
            page(port=made.port)


def test_a_browser_leaves_port_80_out() -> None:
    assert pages.names_of(8000) == {"127.0.0.1:8000", "localhost:8000"}
    assert {"127.0.0.1", "localhost", "localhost:80"} < pages.names_of(80)


def test_nothing_comes_from_elsewhere() -> None:
    for file in FILES.iterdir():
        assert "://" not in file.read_text(encoding="utf-8").replace("ws://${location.host}", "")


@pytest.mark.skipif(browsers.missing() is not None, reason=str(browsers.missing()))
@pytest.mark.skipif(WANTED not in os.environ, reason=f"{WANTED} is not set: drivers of browsers have limits of time")
def test_in_a_browser(tmp_path: Path) -> None:
    with served() as made, browsers.browser(tmp_path) as browser:
        browser.open(made.address)
        browser.wait("document.getElementById('psnr').textContent.startsWith('PSNR')")
        assert browser.run("return document.getElementById('model').textContent") == "fake"
        pixels = "return [...document.getElementById('picture').getContext('2d').getImageData(0, 0, 64, 32).data]"
        seen = np.array(browser.run(pixels)).reshape(HEIGHT, WIDTH, 4)
        assert seen[..., :3].std() > 10 and (seen[..., 3] == 255).all()
        used = "document.querySelector('button.used').textContent"
        assert browser.run(f"return {used}") == "4 to 12"
        move = "const s = document.getElementById('snr'); s.value = 20; s.dispatchEvent(new Event('input'))"
        browser.run(move)
        browser.wait(f"{used} === 'from 12'")
        assert made.controls.snr_db == 20
        browser.run("[...document.querySelectorAll('#profiles button')][1].click()")
        browser.wait(f"{used} === 'below 4 dB'")
        browser.run("document.getElementById('pause').click()")
        browser.wait("document.getElementById('pause').textContent === 'Go on'")
        assert browser.screenshot().startswith(b"\x89PNG")
