"""`hwgen demo` with real designs: frames on the terminal, the page of the command, and nothing left of either."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tornado.websocket
from support import moments

from hwgen.cli.main import main
from hwgen.demo import command
from hwgen.demo.air import Air, on_air
from hwgen.demo.camera import Camera
from hwgen.demo.command import demo
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError

ROOT = Path(__file__).resolve().parents[2]
MODEL = ["--model", str(ROOT / "docs" / "examples" / "profiles.yaml"), "--init", "random:1", "--frame", "8x8"]


def test_both_ends_equal_their_integer_graphs(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = ["demo", *MODEL, "--no-page", "--snr", "13"]
    assert main([*words, "--frames", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["profiles"], found["frame"]) == ("proven", 3, [8, 8])
    assert found["ranges"] == ["below 4 dB", "4 to 12", "from 12"]
    assert [(frame["equal"], frame["profile"]) for frame in found["frames"]] == [(True, 2)] * 3
    assert all(frame["psnr_db"] > 0 for frame in found["frames"])
    assert len({frame["psnr_db"] for frame in found["frames"]}) > 1
    assert list(tmp_path.iterdir()) == [], "nothing is left"
    receive, checked = Air.receive, Air.checked
    monkeypatch.setattr(Air, "receive", lambda self, shot: receive(self, replace(shot, profile=0)))
    monkeypatch.setattr(Air, "checked", lambda self, shot: checked(self, replace(shot, profile=2)))
    assert main([*words, "--frames", "1"]) == 1
    assert "profile 2; DIFFERS from the integer graphs" in capsys.readouterr().out


def test_the_page_of_the_command_and_a_signal(tmp_path: Path) -> None:
    variables = os.environ | {"TMPDIR": str(tmp_path)}
    running = subprocess.Popen([sys.executable, "-m", "hwgen", "demo", *MODEL], cwd=ROOT, env=variables,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert running.stdout is not None
    address = running.stdout.readline().split()[0]

    async def look() -> None:
        client = await tornado.websocket.websocket_connect(address.replace("http", "ws") + "link")
        about = json.loads(str(await client.read_message()))
        assert about["about"]["profiles"] == 3 and "8x8" in about["about"]["text"]
        assert json.loads(str(await client.read_message()))["profile"] == 1
        await client.write_message('{"snr": 15}')
        while json.loads(str(await client.read_message()))["profile"] != 2:
            pass
        client.close()
        while await client.read_message() is not None:
            pass

    asyncio.run(look())
    assert len(moments.marked(str(tmp_path))) == 3, "the command and both simulations"
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert said.endswith("interrupted by SIGTERM\n")
    assert moments.marked(str(tmp_path)) == [] and list(tmp_path.iterdir()) == []


def test_trouble_of_an_end_is_said() -> None:
    options = DesignOptions(MODEL[1], init=1, frame=(8, 8))
    with on_air(options) as air:
        shot = air.transmit(Camera(None, 8, 8).frame(0), 10.0, 1)
        with pytest.raises(HwgenError, match=r"transmitter's driver: wanted a frame's output, got WrongShape: profile"):
            air.transmit(shot.source, 10.0, 1, profile=7)
        again = air.transmit(shot.source, 10.0, 1)
        assert (again.symbols == shot.symbols).all(), "and it goes on"
        end = air._ends["rx"]
        end._running.kill()
        with pytest.raises(HwgenError, match="the receiver's end"):
            air.receive(shot)
        with pytest.raises(HwgenError, match="the receiver's end"):
            air.receive(shot)


def test_what_cannot_be_shown_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HwgenError, match="--images"):
        demo(DesignOptions("tiny"), images=tmp_path / "nothing")
    assert main(["demo", "--model", "tiny", "--json"]) == 2
    assert "--json: wanted --no-page beside it, got a page" in capsys.readouterr().err
    assert main(["demo", "--model", "tiny", "--no-page", "--port", "8000"]) == 2
    assert "--port: wanted a page, got --no-page" in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as taken, monkeypatch.context() as patch:
        patch.setattr(command, "on_air", lambda *words: pytest.fail("it works before it looks at the port"))
        with pytest.raises(HwgenError, match="--port: wanted one that is free"):
            demo(DesignOptions("tiny"), port=taken.getsockname()[1])
