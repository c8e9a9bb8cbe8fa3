"""A sample frame, made by code: stimulus and expected symbols for a designer's own test bench."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def sample_frame(width: int, height: int) -> npt.NDArray[np.uint8]:
    """A (height, width, 3) test picture with smooth slopes, hard edges and texture; the same for everybody."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.Generator(np.random.PCG64(2024)).integers(-24, 25, (height, width, 3))
    checks = ((x // 8 + y // 8) % 2 * 96)[..., None]
    slopes = np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) * 255 // (width + height)])
    picture = slopes.transpose(1, 2, 0) * 5 // 8 + checks + noise
    # A black and a white bar: the corners of the input's range.
    picture[:, : width // 8] = 0
    picture[: height // 8] = 255
    return np.clip(picture, 0, 255).astype(np.uint8)


def sample_files(pixels: npt.NDArray[np.uint8], symbols: npt.NDArray[np.uint32]) -> dict[str, str]:
    """The beats as hexadecimal words, one a line, in $readmemh's format."""
    flat = pixels.reshape(-1, 3).astype(np.uint32)
    beats = flat[:, 0] | flat[:, 1] << 8 | flat[:, 2] << 16
    return {
        "sample_input.hex": "".join(f"{beat:06x}\n" for beat in beats.tolist()),
        "sample_output.hex": "".join(f"{beat:08x}\n" for beat in symbols.tolist()),
    }
