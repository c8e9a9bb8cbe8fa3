"""A golden model's frames as files of hexadecimal words, for benches that are not Python: UVM, VHDL, plain Verilog."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from hwgen.numerics.words import Words
from hwgen.testbench.golden import GoldenModel

FILES = {"s_axis": "input.hex", "s_coef": "coefficients.hex", "m_axis": "output.hex", "profile": "profiles.hex"}
"""The file of a port's words, and of the frames' profiles."""


def write_vectors(folder: Path, out: Path, frames: int = 8, seed: int = 1) -> list[Path]:
    """Write frames and their answers, one word a line, frame behind frame, in $readmemh's format.

    Parameters
    ----------
    folder : of the design, as emitted
    out : folder of the files, made if needed; files of these names are replaced
    frames : the first so many of `GoldenModel.frames(seed)`

    Returns
    -------
    The files: input.hex, output.hex, and coefficients.hex and profiles.hex where the design takes any.

    Raises
    ------
    HwgenError : no such design
    """
    golden = GoldenModel(folder)
    bits = {"s_axis": golden.design.input_bits, "s_coef": 32, "m_axis": golden.design.output_bits}
    texts: dict[str, list[str]] = {}
    for frame in islice(golden.frames(seed), frames):
        for port, words in {**frame.inputs, "m_axis": frame.output}.items():
            texts.setdefault(port, []).append(_text(words, bits[port]))
        if golden.design.profile_bits:
            texts.setdefault("profile", []).append(f"{frame.profile:x}\n")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for port, parts in texts.items():
        written.append(out / FILES[port])
        written[-1].write_text("".join(parts), encoding="ascii")
    return written


def _text(words: Words, bits: int) -> str:
    return "".join(f"{word:0{-(-bits // 4)}x}\n" for word in words.tolist())
