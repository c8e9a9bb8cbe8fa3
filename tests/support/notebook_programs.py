"""The notebooks as a student runs them, cell by cell, on a design in simulation."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image
from skimage import data

from hwgen.numerics.words import pack_pixels, unpack_pixels
from hwgen.testbench.board import Board
from hwgen.testbench.golden import GoldenModel
from support.driver_programs import equal, symbols_of


def ran(board: Board, folder: Path, name: str) -> tuple[dict[str, Any], str]:
    """The names and the printed text that a notebook of the emitted folder leaves, run in that folder."""
    matplotlib.use("Agg")
    sys.modules["pynq"] = board.pynq()
    sys.path.insert(0, str(folder / "ip"))
    sys.modules.pop("hwgen_driver", None)
    import hwgen_driver

    hwgen_driver.TIMEOUT = 1e9  # the simulation's seconds are not the notebook's
    notebook = json.loads((folder / "ip" / name).read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    os.chdir(folder / "ip")
    with contextlib.redirect_stdout(printed):
        for place, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"{name}:{place}", "exec"), names)
    return names, printed.getvalue()


def transmitter(board: Board, folder: Path) -> None:
    """transmitter.ipynb: the symbols are the model's, ten frames are counted, and both are left for the receiver."""
    picture = data.astronaut()[100:164:8, 190:254:8]
    Image.fromarray(picture).save(folder / "ip" / "picture.png")
    names, printed = ran(board, folder, "transmitter.ipynb")
    equal(names["image"], picture)
    equal(names["symbols"], symbols_of(GoldenModel(folder).answer(pack_pixels(picture))))
    assert names["counters"].frames_out == 10
    assert "8x8 pixels of 3 values -> " in printed and "frames a second" in printed
    equal(np.load(folder / "ip" / "symbols.npy"), names["symbols"])
    assert os.path.exists(folder / "ip" / "image.npy")


def receiver(board: Board, folder: Path) -> None:
    """receiver.ipynb: what it decodes without noise is the model's, and there is a picture for each SNR."""
    golden = GoldenModel(folder)
    frame = next(golden.frames(3))
    np.save(folder / "ip" / "symbols.npy", symbols_of(frame.input))
    image = unpack_pixels(frame.output, 8, 8, 3)
    np.save(folder / "ip" / "image.npy", image)
    names, printed = ran(board, folder, "receiver.ipynb")
    equal(names["received"], image)
    assert "PSNR inf dB" in printed
    assert len(names["pictures"]) == 5 and all(one.shape == image.shape for one in names["pictures"])
