"""The DeepJSCC paper's own network in float, one model per SNR, against the paper's figures.

    python -m hwgen.train.paper --data CIFAR --out DIR [--more IMAGES] [--snr 1 --snr 7 --snr 13]

The network of Bourtsoulatze, Kurka and Gunduz (2019) at k/n = 1/12 for 32x32 images: 5x5 kernels, channels
16-32-32-32-8 and back, PReLU, sigmoid, power normalised per image, AWGN. Where the paper trains each SNR's model from
scratch on all of CIFAR-10, here a common start over all the SNRs is trained first and each SNR's model goes on from
there. Interrupted runs go on where they stopped; finished models are measured only. A folder's common start is for one
range of SNRs.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from hwgen.errors import HwgenError
from hwgen.metrics.psnr import psnr_of_mse
from hwgen.option_values import Number
from hwgen.program import run_program
from hwgen.raster import Picture
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.network import Stream, place
from hwgen.train import data as image_data
from hwgen.train.channel import awgn, normalise
from hwgen.train.checkpoint import read, write
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.evaluate import batches
from hwgen.train.loop import Schedule, fit, pick_device

PAPER_DB = {1.0: 22.5, 4.0: 24.4, 7.0: 25.85, 13.0: 28.35, 19.0: 30.05}
"""PSNR that the paper's figure shows at k/n = 1/12, trained at the tested SNR, read off to +-0.1 dB."""
CROP, BATCH, SEED = 32, 64, 1
START_STEPS, OWN_STEPS = 30_000, 25_000
START_LR, OWN_LR = 3.0e-3, 2.0e-3
START_SHARE, OWN_SHARE = 5, 30
"""Draws of an image of the data set itself for each draw of an additional one."""
LOW_DB, HIGH_DB = -20, 60
SEEDS = {7.0: SEED + 1, 13.0: SEED + 2, 1.0: SEED + 3}
"""Seeds of the default SNRs' models, in the order in which those are trained; `own_seed` has the others'."""


@dataclass(frozen=True)
class Measured:
    """PSNR in dB over a set of images: mean over images and its standard error."""

    mean: float
    error: float
    images: int


def paper_network() -> DeepJSCC:
    """The paper's network at k/n = 1/12, freshly initialised."""
    encoder = [(2, 16), (2, 32), (1, 32), (1, 32)]
    decoder = [(1, 32), (1, 32), (1, 32), (2, 16)]
    down = [Layer(kernel=5, stride=stride, channels=channels) for stride, channels in encoder]
    down.append(Layer(kernel=5, channels=8, activation="none"))
    up = [DecoderLayer(kernel=5, stride=stride, channels=channels) for stride, channels in decoder]
    up.append(DecoderLayer(kernel=5, stride=2, channels=3, activation="sigmoid"))
    return DeepJSCC(
        place("encoder", down, Stream(3, 8, signed=False)),
        place("decoder", up, Stream(8, 8, signed=True)),
    )


@torch.no_grad()
def measure(network: DeepJSCC, images: Sequence[Picture], snr_db: float, seed: int = 0) -> Measured:
    """PSNR over the channel, of 8-bit images at their native size."""
    network.eval()
    generator = torch.Generator().manual_seed(seed)
    found: list[float] = []
    for batch in batches(images, 4):
        received = awgn(normalise(network.encode(batch)), torch.full((len(batch),), snr_db), generator)
        output = (network.decode(received) * 256.0).round().clamp(0.0, 255.0)
        errors = (output - batch * 256.0).square().flatten(1).mean(1)
        found += [psnr_of_mse(error) for error in errors.double().tolist()]
    values = torch.tensor(found, dtype=torch.float64)
    spread = float(values.std()) if len(found) > 1 else math.nan
    return Measured(float(values.mean()), spread / math.sqrt(len(found)), len(found))


def own_seed(snr_db: float) -> int:
    """Seed of an SNR's model, whatever is trained beside it: of SEEDS, else from the SNR in thousandths of a dB."""
    return SEEDS.get(snr_db, SEED + 1000 + round(1000 * (snr_db - LOW_DB)))


def train(data: str, more: str | None, out: Path, snrs_db: Sequence[float], device: torch.device) -> None:
    """Train the common start and every SNR's model into `out`, and measure each; what is there already stays.

    Raises
    ------
    HwgenError
        The folder's common start is for another range of SNRs, or a file in it is damaged or of another network.
    """
    test_images = list(image_data.load(data, "val"))
    images = list(image_data.load(data, "train"))
    additional = list(image_data.load(more, "train")) + list(image_data.load(more, "val")) if more else []
    start = out / "start.safetensors"
    low, high = min(snrs_db), max(snrs_db)
    if start.exists():
        found = read(start)[1].get("snr_db")
        if found != [low, high]:
            wanted = f"[{low:g}, {high:g}], the range of --snr (give another --out, or the SNRs that were given first)"
            raise HwgenError(f"{start}: snr_db", wanted, str(found))
    else:
        torch.manual_seed(SEED)
        network = paper_network()
        plan = Schedule("start", START_STEPS, START_LR, BATCH, CROP, SEED, (low, high))
        share = START_SHARE if additional else 1
        fit(network, Crops(images * share + additional, CROP, data), plan, out / "state/start.safetensors", device)
        write(start, network.state_dict(), {"phase": "start", "snr_db": [low, high]})
    share = OWN_SHARE if additional else 1
    crops = Crops(images * share + additional, CROP, data)
    for snr_db in dict.fromkeys(snrs_db):
        path = out / f"snr{snr_db:g}.safetensors"
        if not path.exists():
            network = _loaded(start)
            plan = Schedule(path.stem, OWN_STEPS, OWN_LR, BATCH, CROP, own_seed(snr_db), (snr_db, snr_db))
            fit(network, crops, plan, out / "state" / path.name, device)
            write(path, network.state_dict(), {"phase": path.stem, "snr_db": [snr_db, snr_db]})
        _show(path, test_images, snr_db)


def _loaded(path: Path) -> DeepJSCC:
    network = paper_network()
    tensors, _ = read(path)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise HwgenError(str(path), "the paper's network", str(error).replace("\n", " ")) from error
    return network


def _show(path: Path, images: Sequence[Picture], snr_db: float) -> None:
    found = measure(_loaded(path), images, snr_db)
    paper = PAPER_DB.get(snr_db)
    against = "" if paper is None else f"; the paper's figure: {paper:g} dB, difference {found.mean - paper:+.2f} dB"
    print(
        f"{snr_db:g} dB: PSNR {found.mean:.2f} dB, standard error {found.error:.2f} dB, over the first "
        f"{found.images} test images{against}",
        flush=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing and measure all of it."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.train.paper", description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="CIFAR-10, in a form that hwgen train takes")
    parser.add_argument("--more", help="more 32x32 images to train on: a folder or a zip")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--snr", type=Number("--snr", float, LOW_DB, HIGH_DB), action="append",
                        help="dB; may be repeated (default: 7, 13 and 1)")  # fmt: skip
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    try:
        arguments = parser.parse_args(argv)
        snrs_db = arguments.snr or list(SEEDS)
        train(arguments.data, arguments.more, arguments.out, snrs_db, pick_device(arguments.device))
    except HwgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
