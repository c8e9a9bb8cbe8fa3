"""The cocotb test that runs in the simulation of either end: it gives its board to the driver, and frames of a socket.

The driver is the file that was emitted beside the IP, unmodified; what it imports as `pynq` is the stand-in on this
simulation (`hwgen.testbench.board`). The socket is standard input; when it is closed, the simulation ends.
"""

from __future__ import annotations

import importlib.util
import logging
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cocotb
import numpy as np
from cocotb.task import bridge

from hwgen.demo import wire
from hwgen.testbench.board import Board

SECONDS = 1.0
"""Simulated seconds without progress after which the driver gives up: 100 million cycles."""


@cocotb.test()
async def end(dut: Any) -> None:
    """Work until the socket is closed."""
    logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)  # cocotbext-axi tells of every access
    board = Board(dut)
    await board.start()
    await bridge(work)(board, Path(str(cocotb.plusargs["design"])))


def work(board: Board, folder: Path) -> None:
    """Each message of the socket is a frame: its input comes with it, its output goes back."""
    sys.modules["pynq"] = board.pynq()
    driver = emitted_driver(folder)
    kind = driver.Receiver if cocotb.plusargs["side"] == "rx" else driver.Transmitter
    with socket.socket(fileno=0) as link:
        try:
            device = kind.open("hwgen.bit", clock=board.seconds, timeout=SECONDS)
            about = {name: getattr(device, name) for name in ("width", "height", "channels", "symbols", "profiles")}
            wire.send(link, about | {"model_hash": device.model_hash})
            while True:
                message = wire.receive(link)
                started = board.seconds()
                try:
                    output = answer(device, message)
                except driver.DriverError as error:
                    wire.send(link, {"error": f"{type(error).__name__}: {error}"})
                    continue
                wire.send(link, {"seconds": board.seconds() - started}, output)
        except wire.Closed:
            return


def answer(device: Any, message: wire.Message) -> bytes:
    """A frame through the driver, with its profile and coefficients: pixels to symbols, or symbols to pixels."""
    about = message.about
    device.profile = about.get("profile", 0)
    if about.get("coefficients"):
        real, imaginary = np.array(about["coefficients"], dtype=float).T
        device.set_coefficients(real + 1j * imaginary)
    if device.receiver:
        return bytes(device.decode(np.frombuffer(message.data, "<i2").reshape(-1, 2)).tobytes())
    shape = device.height, device.width, device.channels
    symbols = device.encode(np.frombuffer(message.data, np.uint8).reshape(shape))
    return bytes(symbols.astype("<i2").tobytes())


def emitted_driver(folder: Path) -> ModuleType:
    """The driver beside an emitted IP."""
    spec = importlib.util.spec_from_file_location("hwgen_driver", folder / "ip" / "hwgen_driver.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hwgen_driver"] = module
    spec.loader.exec_module(module)
    return module
