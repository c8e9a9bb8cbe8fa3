"""A small network that names what stands at every pixel of a street scene: the eye of semantic fidelity.

A U-Net (Ronneberger, Fischer, Brox 2015) in float: four convolutions of stride 2 down, two steps up with the features
of the same scale beside them, 3x3 kernels, batch normalisation and ReLU; 11 classes at a quarter of the resolution,
scaled up bilinearly. It was trained on CamVid's labels once and stays as it is, so that figures can be compared;
models/camvid_segmentation/README.md has the command and the terms of its weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from hwgen.errors import HwgenError
from hwgen.metrics.semantic import CLASSES

WIDTHS = (16, 24, 40, 64)
"""Channels at strides 2, 4, 8, 16."""
STRIDE = 16
"""An image's sides have to be multiples of it."""
WEIGHTS = Path(__file__).parents[1] / "models" / "camvid_segmentation" / "weights.safetensors"


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Segmentation(nn.Module):
    """(N, 3, H, W) float32, pixel * 2**-8 -> (N, 11, H, W) logits; H and W multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = WIDTHS
        self.down = nn.ModuleList(
            [_layer(3, half, 2), _layer(half, quarter, 2), _layer(quarter, eighth, 2), _layer(eighth, sixteenth, 2)]
        )
        self.middle = _layer(sixteenth, sixteenth)
        self.up_eighth = _layer(sixteenth + eighth, eighth)
        self.up_quarter = _layer(eighth + quarter, quarter)
        self.head = nn.Conv2d(quarter, len(CLASSES), 1)

    def forward(self, pixels: Tensor) -> Tensor:
        x, scales = 2.0 * pixels - 1.0, []
        for layer in self.down:
            x = layer(x)
            scales.append(x)
        x = self.middle(x)
        x = self.up_eighth(torch.cat([functional.interpolate(x, scale_factor=2), scales[2]], 1))
        x = self.up_quarter(torch.cat([functional.interpolate(x, scale_factor=2), scales[1]], 1))
        return functional.interpolate(self.head(x), scale_factor=4, mode="bilinear", align_corners=False)


def load(path: Path = WEIGHTS) -> Segmentation:
    """The trained network.

    Raises
    ------
    HwgenError : its weights are not there, damaged or of another network
    """
    network = Segmentation()
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise HwgenError(str(path), "the segmentation network's weights", str(error).splitlines()[0]) from error
    return network.eval()


def save(network: Segmentation, path: Path) -> None:
    """Write the weights as safetensors."""
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)


@torch.no_grad()
def classes(network: Segmentation, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Class of every pixel, (H, W), of an (H, W, 3) image whose sides are multiples of 16."""
    pixels = torch.from_numpy(image.astype(np.float32) / 256).permute(2, 0, 1)[None]
    return network(pixels)[0].argmax(0).to(torch.uint8).numpy()
