"""Images with a label for every pixel: zips by split with images/NAME and labels/NAME.png in them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from hwgen.errors import HwgenError
from hwgen.limits import shown
from hwgen.metrics.semantic import UNLABELLED
from hwgen.raster import unreadable
from hwgen.train.imageset import DAMAGED
from hwgen.train.segmentation_network import STRIDE


@dataclass(frozen=True, eq=False)
class Labelled:
    """images : (N, H, W, 3) uint8. labels : (N, H, W) uint8, a class or `UNLABELLED`."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)


def load(folder: Path, split: str) -> Labelled:
    """All images of FOLDER/SPLIT*.zip that have labels, in the order of their names.

    Raises
    ------
    HwgenError : no such zip, one that is damaged, images without labels, of several sizes, or of sides that are no
        multiples of 16
    """
    files = sorted(folder.glob(f"{split}*.zip"))
    if not files:
        raise HwgenError(shown(folder), f"{split}*.zip with images/ and labels/", "no such file")
    images, labels = [], []
    for file in files:
        try:
            with zipfile.ZipFile(file) as archive:
                names = {Path(name).stem: name for name in sorted(archive.namelist()) if name.startswith("images/")}
                for stem, name in names.items():
                    images.append(_read(archive, name, "RGB"))
                    labels.append(_read(archive, f"labels/{stem}.png", "L"))
        except KeyError as error:
            raise HwgenError(shown(file), "a label for every image", str(error.args[0])) from error
        except DAMAGED as error:
            raise unreadable(shown(file), error) from error
    shapes = {image.shape[:2] for image in images} | {label.shape for label in labels}
    if len(shapes) != 1 or any(side % STRIDE for side in next(iter(shapes))):
        wanted = f"images and labels of one size, its sides multiples of {STRIDE}"
        raise HwgenError(shown(folder), wanted, ", ".join(f"{w}x{h}" for h, w in sorted(shapes)) or "none")
    found = Labelled(np.stack(images), np.stack(labels))
    if int(found.labels.max()) > UNLABELLED:
        raise HwgenError(shown(folder), f"labels from 0 to {UNLABELLED}", str(int(found.labels.max())))
    return found


def _read(archive: zipfile.ZipFile, name: str, mode: str) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(archive.read(name))) as opened:
        return np.asarray(opened.convert(mode))
