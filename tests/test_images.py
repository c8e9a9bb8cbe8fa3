"""Images of every kind become frames; what is no image is refused with its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hwgen import images
from hwgen.errors import HwgenError
from hwgen.images import load_images


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_an_image_of_the_frame_is_taken_as_it_is(tmp_path: Path) -> None:
    pixels = picture(36, 20)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(load_images(tmp_path / "a.png", 1, 36, 20), pixels[None])


def test_a_wide_image_loses_its_sides(tmp_path: Path) -> None:
    pixels = np.zeros((20, 100, 3), np.uint8)
    pixels[:, 40:60] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert load_images(tmp_path / "a.png", 1, 20, 20).min() == 255


def test_a_tall_image_loses_top_and_bottom(tmp_path: Path) -> None:
    pixels = np.zeros((100, 20, 3), np.uint8)
    pixels[40:60] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert load_images(tmp_path / "a.png", 1, 20, 20).min() == 255


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (1000, 700), (35, 21)])
def test_any_size_covers_the_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8)).save(tmp_path / "a.bmp")
    loaded = load_images(tmp_path / "a.bmp", 1, 36, 20)
    assert loaded.shape == (1, 20, 36, 3) and loaded.min() == loaded.max() == 200


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    Image.fromarray(picture(36, 20)).convert("L").convert("RGB").convert(mode).save(tmp_path / "a.tif")
    assert load_images(tmp_path / "a.tif", 1, 36, 20).shape == (1, 20, 36, 3)


def test_grey_levels_of_16_bits_keep_their_upper_byte(tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 36), 0xABCD, np.uint16)).save(tmp_path / "a.png")
    assert np.all(load_images(tmp_path / "a.png", 1, 36, 20) == 0xAB)


def test_a_turned_photo_is_turned_back(tmp_path: Path) -> None:
    pixels = np.zeros((20, 36, 3), np.uint8)
    pixels[:, :18] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # by 180 degrees
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(load_images(tmp_path / "a.png", 1, 36, 20)[0], pixels[:, ::-1])


def test_a_folder_in_order_and_over_again(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for index, name in enumerate(["a.png", "b.PNG", "sub/c.png"]):
        Image.fromarray(picture(36, 20, seed=index)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    loaded = load_images(tmp_path, 5, 36, 20)
    for index in range(5):
        assert np.array_equal(loaded[index], picture(36, 20, seed=index % 3))


def test_the_photos() -> None:
    loaded = load_images(None, len(images.PHOTOS), 64, 32)
    assert loaded.shape == (len(images.PHOTOS), 32, 64, 3)
    assert all(frame.std() > 10 for frame in loaded)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        HwgenError, match=r"--images: wanted an image or a folder of images, got nothing at .*none\.png"
    ):
        load_images(tmp_path / "none.png", 1, 36, 20)
    with pytest.raises(HwgenError, match=r"--images: wanted a folder with images .*, got none in "):
        load_images(tmp_path, 1, 36, 20)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(HwgenError, match=r"text\.png: wanted a readable image \(BMP, .*\), got none of these"):
        load_images(tmp_path / "text.png", 1, 36, 20)
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(HwgenError, match=r"empty\.jpg: wanted a readable image"):
        load_images(tmp_path / "empty.jpg", 1, 36, 20)
    Image.fromarray(picture(36, 20)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:700])
    with pytest.raises(HwgenError, match=r"cut\.png: wanted a readable image"):
        load_images(tmp_path / "cut.png", 1, 36, 20)
