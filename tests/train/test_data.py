"""Every data layout on generated images, and every way it can be wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hwgen.errors import HwgenError
from hwgen.train import data, imageset
from hwgen.train.evaluate import check_measurable


def picture(seed: int, width: int = 12, height: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray, kind: str = "png") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"lossless": True} if kind == "webp" else {}))
    return stream.getvalue()


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def archive(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


def same(images: Sequence[np.ndarray], seeds: list[int]) -> bool:
    return len(images) == len(seeds) and all(
        np.array_equal(image, picture(seed)) for image, seed in zip(images, seeds, strict=True)
    )


@pytest.mark.parametrize("inside", [False, True])
def test_cityscapes(tmp_path: Path, inside: bool) -> None:
    root = tmp_path / "leftImg8bit"
    put(root / "train/bremen/b_leftImg8bit.png", encoded(picture(2)))
    put(root / "train/aachen/a_leftImg8bit.png", encoded(picture(1)))
    put(root / "val/ulm/c_leftImg8bit.png", encoded(picture(3)))
    path = root if inside else tmp_path
    assert same(data.load(path, "train"), [1, 2])
    assert same(data.load(path, "val"), [3])


def test_cityscapes_without_a_split(tmp_path: Path) -> None:
    put(tmp_path / "leftImg8bit/train/aachen/a.png", encoded(picture(1)))
    with pytest.raises(HwgenError, match=r"leftImg8bit/val: wanted CITY/\*.png, got no such files"):
        data.load(tmp_path, "val")


def test_cifar_binary(tmp_path: Path) -> None:
    """A record is a label, then the red, the green and the blue plane."""
    tiles = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    records = b"".join(bytes([9]) + tile.transpose(2, 0, 1).tobytes() for tile in tiles)
    put(tmp_path / "cifar-10-batches-bin/data_batch_1.bin", records)
    put(tmp_path / "cifar-10-batches-bin/data_batch_2.bin", records[:3073])
    put(tmp_path / "cifar-10-batches-bin/test_batch.bin", records[3073:])
    for path in (tmp_path, tmp_path / "cifar-10-batches-bin"):
        assert np.array_equal(np.stack(data.load(path, "train")), tiles[[0, 1, 2, 0]])
        assert np.array_equal(np.stack(data.load(path, "val")), tiles[1:])


def test_cifar_cut_batch(tmp_path: Path) -> None:
    put(tmp_path / "data_batch_1.bin", bytes(3072))
    with pytest.raises(HwgenError, match="data_batch_1.bin: wanted a multiple of 3073 bytes, got 3072 bytes"):
        data.load(tmp_path, "train")


def test_pickles_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "cifar-10-batches-py/data_batch_1", b"\x80\x02.")
    with pytest.raises(HwgenError, match="binary version .* pickles are not loaded"):
        data.load(tmp_path, "train")


def test_cifar_mosaics(tmp_path: Path) -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    mosaic = tiles.reshape(2, 3, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(64, 96, 3)
    put(tmp_path / "lossless_train1_first5.webp", encoded(mosaic, "webp"))
    put(tmp_path / "lossless_test_first2.webp", encoded(mosaic, "webp"))
    assert np.array_equal(np.stack(data.load(tmp_path, "train")), tiles[:5])
    assert np.array_equal(np.stack(data.load(tmp_path, "val")), tiles[:2])


@pytest.mark.parametrize("size", [(40, 64), (64, 33)])
def test_mosaic_of_other_tiles(tmp_path: Path, size: tuple[int, int]) -> None:
    put(tmp_path / "lossless_train.webp", encoded(picture(1, *size), "webp"))
    with pytest.raises(HwgenError, match=rf"train.webp: wanted a mosaic of 32x32 tiles, got {size[0]}x{size[1]} pix"):
        data.load(tmp_path, "train")


def test_zips_by_split_leave_labels_out(tmp_path: Path) -> None:
    members = {
        "images/b.webp": encoded(picture(2), "webp"),
        "images/a.webp": encoded(picture(1), "webp"),
        "labels/a.png": encoded(picture(9)),
    }
    archive(tmp_path / "train_12x8.zip", members)
    archive(tmp_path / "val_12x8.zip", {"images/c.webp": encoded(picture(3), "webp")})
    assert same(data.load(tmp_path, "train"), [1, 2])
    assert same(data.load(tmp_path, "val"), [3])


def test_any_folder_and_any_zip(tmp_path: Path) -> None:
    """Every tenth image in the order of names is for validation."""
    folder = tmp_path / "photos"
    for index in range(12):
        put(folder / f"{'ab'[index % 2]}/{index:02}.png", encoded(picture(index)))
    put(folder / "readme.txt", b"no image")
    order = [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]
    assert same(data.load(folder, "val"), [order[0], order[10]])
    assert same(data.load(folder, "train"), order[1:10] + order[11:])
    archive(tmp_path / "some.zip", {f"{index:02}.png": encoded(picture(index)) for index in range(3)})
    assert same(data.load(tmp_path / "some.zip", "val"), [0])
    assert same(data.load(tmp_path / "some.zip", "train"), [1, 2])


def test_folders_by_split(tmp_path: Path) -> None:
    put(tmp_path / "train/x.png", encoded(picture(1)))
    put(tmp_path / "val/x.png", encoded(picture(2)))
    assert same(data.load(tmp_path, "train"), [1])
    assert same(data.load(tmp_path, "val"), [2])


def test_grey_and_transparent_images_become_rgb() -> None:
    grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    stream = io.BytesIO()
    grey.save(stream, "png")
    assert data.decode(stream.getvalue(), "x").shape == (3, 4, 3)
    stream = io.BytesIO()
    Image.new("RGBA", (4, 3), (1, 2, 3, 0)).save(stream, "png")
    assert data.decode(stream.getvalue(), "x").tolist() == [[[1, 2, 3]] * 4] * 3


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="wanted a folder or zip of images, got nothing there"):
        data.load(tmp_path / "missing", "train")
    with pytest.raises(HwgenError, match=r"wanted images \(.bmp, .* got none"):
        data.load(tmp_path, "train")


def test_not_images(tmp_path: Path) -> None:
    put(tmp_path / "x.png", b"not an image")
    with pytest.raises(HwgenError, match="x.png: wanted a readable image"):
        data.load(tmp_path, "train")
    put(tmp_path / "x.png", encoded(picture(1, 64, 64))[:2000])
    with pytest.raises(HwgenError, match="x.png: wanted a readable image"):
        data.load(tmp_path, "train")
    with pytest.raises(HwgenError, match="got a file ending in .png"):
        data.load(tmp_path / "x.png", "train")
    put(tmp_path / "x.zip", b"not a zip")
    with pytest.raises(HwgenError, match="x.zip: wanted a zip file"):
        data.load(tmp_path / "x.zip", "train")
    archive(tmp_path / "empty.zip", {"readme.txt": b""})
    with pytest.raises(HwgenError, match="empty.zip: wanted images"):
        data.load(tmp_path / "empty.zip", "train")


def test_errors_of_pillow_that_are_no_oserror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(picture(1))
    broken = content.replace(b"IHDR", b"IHDr")  # SyntaxError inside Pillow
    put(tmp_path / "x.png", broken)
    with pytest.raises(HwgenError, match="x.png: wanted a readable image"):
        data.load(tmp_path, "train")
    put(tmp_path / "x.png", content)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12 * 8 // 2 - 1)  # beyond twice that: DecompressionBombError
    with pytest.raises(HwgenError, match=r"x.png: wanted an image of at most 67108864 pixels, got Image size"):
        data.load(tmp_path, "train")


def test_damaged_members_of_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", encoded(picture(1)))
    whole = path.read_bytes()

    def changed(marker: bytes, offset: int, values: bytes) -> None:
        at = whole.index(marker) + offset
        path.write_bytes(whole[:at] + values + whole[at + len(values) :])

    changed(b"PK\x01\x02", 8, b"\x01")  # the flag of a password
    with pytest.raises(HwgenError, match=r"x.zip: a.png: wanted a readable image, got File 'a.png' is encrypted"):
        data.load(path, "train")
    changed(b"PK\x03\x04", 30 + len("a.png"), b"\xff" * 8)  # no deflate stream begins so
    with pytest.raises(HwgenError, match=r"x.zip: a.png: wanted a readable image, got Error -3"):
        data.load(path, "train")
    changed(b"PK\x01\x02", 10, b"\x63")
    with pytest.raises(HwgenError, match=r"x.zip: a.png: wanted a readable image, got That compression method"):
        data.load(path, "train")
    changed(b"PK\x01\x02", 16, b"\0\0\0\0")
    with pytest.raises(HwgenError, match=r"x.zip: a.png: wanted a readable image, got Bad CRC-32"):
        data.load(path, "train")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where of every image that is decoded from now on."""
    seen: list[str] = []

    def decode(content: bytes, where: str) -> np.ndarray:
        seen.append(where)
        return whole(content, where)

    whole = imageset.decode
    monkeypatch.setattr(imageset, "decode", decode)
    return seen


def test_sets_that_do_not_fit_are_decoded_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted(monkeypatch)
    for index in range(4):
        put(tmp_path / f"{index}.png", encoded(picture(index)))
    entries = [imageset.File(tmp_path / f"{index}.png", tmp_path) for index in range(4)]
    images = imageset.ImageSet(entries, kept_bytes=2 * 3 * 12 * 8)
    assert images.sizes == [(8, 12)] * 4
    assert not seen, "sizes come from headers"
    part = images[1:]
    assert same(images, [0, 1, 2, 3]) and same(part, [1, 2, 3]) and same(images[::-1], [3, 2, 1, 0])
    assert part.sizes == [(8, 12)] * 3
    assert [Path(where).stem for where in seen] == list("0123" "23" "32"), "the first two are kept, for slices too"


def test_sets_that_fit_are_decoded_once_and_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted(monkeypatch)
    for index in range(3):
        put(tmp_path / f"{index}.png", encoded(picture(index)))
    images = data.load(tmp_path, "train")
    assert len(seen) == 2
    assert same(images, [1, 2]) and same(images, [1, 2])
    assert len(seen) == 2


def test_a_digest_tells_data_sets_apart_wherever_they_stand(tmp_path: Path) -> None:
    def digest(folder: str, seeds: Sequence[int], name: str = "x") -> str:
        for index, seed in enumerate(seeds):
            put(tmp_path / folder / "train" / f"{name}{index}.png", encoded(picture(seed)))
        (tmp_path / folder / "val").mkdir()
        return data.load(tmp_path / folder, "train").digest()

    first = digest("a", [1, 2])
    assert first == digest("b", [1, 2])
    others = [digest("c", [1]), digest("d", [1, 2, 3]), digest("e", [1, 2], "y")]
    put(tmp_path / "f/train/x1.png", encoded(picture(2, 20, 20)))
    others.append(digest("f", [1]))
    assert len({first, *others}) == 5
    same_size = [imageset.image_set([picture(seed)]).digest() for seed in (1, 2)]
    assert same_size[0] != same_size[1], "pixels in memory count themselves"
    archive(tmp_path / "a.zip", {"x.png": bytes(encoded(picture(1))), "y.png": encoded(picture(1))})
    archive(tmp_path / "b.zip", {"x.png": bytes(encoded(picture(1))), "y.png": encoded(picture(1))})
    assert data.load(tmp_path / "a.zip", "train").digest() == data.load(tmp_path / "b.zip", "train").digest()


def test_unknown_split(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="wanted train or val, got 'test'"):
        data.load(tmp_path, "test")


def test_crops_are_pieces_of_the_images_and_repeat_with_the_seed() -> None:
    image = picture(5, 40, 30)
    crops = data.Crops([image], 16)
    batch = crops.batch(32, torch.Generator().manual_seed(1))
    assert batch.shape == (32, 3, 16, 16) and batch.dtype == torch.float32
    assert torch.equal(batch, crops.batch(32, torch.Generator().manual_seed(1)))
    windows = {
        image[y : y + 16, x : x + 16][:, ::step].tobytes() for y in range(15) for x in range(25) for step in (1, -1)
    }
    pieces = {(crop * 256.0).to(torch.uint8).permute(1, 2, 0).numpy().tobytes() for crop in batch}
    assert pieces <= windows
    assert len(pieces) > 25, "positions and flips vary"


def test_crops_are_drawn_as_ever() -> None:
    """Four float64 draws a crop: image, row, column, flip. The shipped weights were trained on these."""
    images = [picture(5, 40, 30), picture(6, 17, 25), picture(7, 16, 16)]
    batch = data.Crops(images, 16).batch(64, torch.Generator().manual_seed(3))
    draws = torch.rand((64, 4), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for crop, (pick, down, right, flip) in zip(batch, draws.tolist(), strict=True):
        image = images[int(pick * 3)]
        y, x = int(down * (image.shape[0] - 15)), int(right * (image.shape[1] - 15))
        wanted = image[y : y + 16, x : x + 16][:, :: -1 if flip < 0.5 else 1]
        assert np.array_equal((crop * 256.0).to(torch.uint8).permute(1, 2, 0).numpy(), wanted)


def test_images_too_small_to_measure(tmp_path: Path) -> None:
    put(tmp_path / "a.png", encoded(picture(1, 12, 12)))
    check_measurable(data.load(tmp_path, "val"), 4)
    for size, multiple, smallest in (((2, 40), 4, 12), ((40, 11), 4, 12), ((15, 15), 16, 16)):
        put(tmp_path / "a.png", encoded(picture(1, *size)))
        with pytest.raises(HwgenError, match=rf"a.png: wanted images of at least {smallest}x{smallest} \(the encoder"):
            check_measurable(data.load(tmp_path, "val"), multiple)


def test_crops_of_small_images() -> None:
    with pytest.raises(HwgenError, match=r"here: wanted images of at least 16x16 \(training.crop\), got 12x8"):
        data.Crops([picture(1)], 16, "here")
    with pytest.raises(HwgenError, match="wanted at least one image, got none"):
        data.Crops([], 16)
