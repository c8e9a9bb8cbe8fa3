"""The encoder that hardware is compared on, with any channels: 5x5 kernels, strides 2, 2, 1, 1, 1, PReLU, W8A8.

It is the paper's DeepJSCC transmitter (32-64-64-64-16) and what pruning leaves of it. Nobody trained these counts; they
take random weights.
"""

from __future__ import annotations

import re
from pathlib import Path

from hwgen.errors import HwgenError

KERNEL = 5
STRIDES = (2, 2, 1, 1, 1)
CHANNELS = (
    (16, 32, 32, 32, 16),
    (13, 29, 31, 22, 16),
    (20, 37, 35, 29, 16),
    (9, 17, 19, 21, 16),
    (32, 64, 64, 64, 16),
)
"""Default channels: round counts, three that nothing divides, the unpruned paper's."""

FRAME = (512, 256)
MAX_CHANNELS = 1024


def channels(text: str) -> tuple[int, ...]:
    """``16-32-32-32-16`` -> (16, 32, 32, 32, 16), output channels of the five layers."""
    counts = tuple(map(int, text.split("-"))) if re.fullmatch(r"[0-9]{1,4}(-[0-9]{1,4})*", text) else ()
    if len(counts) != len(STRIDES) or not all(1 <= count <= MAX_CHANNELS for count in counts):
        wanted = f"{len(STRIDES)} counts from 1 to {MAX_CHANNELS}, such as {dashed(CHANNELS[0])}"
        raise HwgenError("--channels", wanted, repr(text))
    return counts


def dashed(counts: tuple[int, ...]) -> str:
    return "-".join(map(str, counts))


def write_spec(
    folder: Path, counts: tuple[int, ...], frame: tuple[int, int] = FRAME, activation: str = "prelu"
) -> Path:
    """The encoder's specification, as a folder below `folder` that is called like its channels.

    Parameters
    ----------
    counts : output channels, one for each of `STRIDES`
    frame : (width, height) in pixels
    activation : of all layers but the last, which has none

    Returns
    -------
    Path : of the new folder, as ``--model`` takes it
    """
    path = folder / dashed(counts)
    path.mkdir(parents=True)
    activations = [activation] * (len(STRIDES) - 1) + ["none"]
    layers = "".join(
        f"  - {{kernel: {KERNEL}, stride: {stride}, channels: {count}, activation: {function}}}\n"
        for stride, count, function in zip(STRIDES, counts, activations, strict=True)
    )
    (path / "spec.yaml").write_text(
        "format_version: 1\n"
        f'description: "encoder of {dashed(counts)} channels, not trained"\n'
        f"frame: {{width: {frame[0]}, height: {frame[1]}}}\n"
        f"encoder:\n{layers}"
    )
    return path
