"""`bench semantic`: what a segmentation network still sees in street scenes that came over a link, Usc and Esc."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from hwgen.console import console, print_json
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.metrics.semantic import REFERENCE, accuracy, esc, usc, weights

SNRS_DB = (1.0, 4.0, 7.0, 10.0, 13.0, 19.0)
NOISELESS_DB = 100.0
STEPS = 400

Pixels = npt.NDArray[np.uint8]


def bench(
    data: Path,
    model: str | Path = "cityscapes_conv",
    snrs_db: Sequence[float] = SNRS_DB,
    every: int = 1,
    seed: int = 1,
    cycles: int | None = None,
    as_json: bool = False,
) -> int:
    """Measure on the labelled validation images, print.

    Parameters
    ----------
    data : folder of zips by split with images and labels, sizes that the model takes
    every : so many images are one step apart
    seed : of the first image's noise
    cycles : frame interval of the transmitter for these images, as `hwgen verify` measures it; without it Esc leaves
        cycles out

    Returns
    -------
    int : 0

    Raises
    ------
    HwgenError
        No such images or labels, a model without float checkpoint or receiver, another channel than AWGN, or images
        that the network does not recognise.
    """
    from hwgen.link.digital import design
    from hwgen.link.source_code import Picture
    from hwgen.metrics.symbols import SymbolError
    from hwgen.radio.ldpc import load as block_errors
    from hwgen.reference.floating import FloatLink
    from hwgen.reference.link import Outputs, ReferenceLink, load_link
    from hwgen.spec.counts import weight_bits
    from hwgen.train import labelled
    from hwgen.train.segmentation_network import classes, load

    found = labelled.load(data, "val")
    images, labels = found.images[::every], found.labels[::every]
    height, width = labels.shape[1:]
    link = load_link(DesignOptions(str(model), frame=(width, height)))
    if link.channel.kind != "awgn":
        raise HwgenError("bench semantic", "a model for the channel awgn", link.channel.kind)
    if not FloatLink.available(link):
        raise HwgenError(f"{link.spec.name}", "a float checkpoint (finetune.safetensors)", "none")
    network = load()

    def mean(seen: Callable[[int], Pixels]) -> float:
        return float(np.mean([accuracy(classes(network, seen(i)), labels[i]) for i in range(len(images))]))

    def send(profile: int) -> tuple[ReferenceLink, list[Outputs]]:
        end = link.at_profile(profile)
        return end, [end.transmit(image, end.draw(0.0, seed + index)) for index, image in enumerate(images)]

    ends = {profile: send(profile) for profile in {link.profile_of(snr_db) for snr_db in (*snrs_db, NOISELESS_DB)}}
    clean, sent = ends[link.profile_of(NOISELESS_DB)]
    latents = [clean.latent(outputs) for outputs in sent]
    power = sum((SymbolError.of(latent, latent) for latent in latents), SymbolError()).power
    floating = FloatLink(clean, images, power)
    errors = block_errors()
    pictures = [Picture(image) for image in images]
    original = mean(lambda i: images[i])
    none = mean(lambda i: pictures[i].mean_colour())
    best = mean(lambda i: floating.image(images[i], link.draw(NOISELESS_DB, seed + i)))
    if best <= none:
        wanted = f"scenes that say more than their mean colour behind the float network, {none:.4f}"
        raise HwgenError("bench semantic: pixel accuracy", wanted, f"{best:.4f}")
    costs = {
        "symbols_per_sample": link.latent_symbols / (3 * width * height),
        "macs_per_pixel": sum(link.tx.macs(width, height).values()) / (width * height),
        "weight_bits": float(weight_bits(link.spec.encoder_network)),
    } | ({} if cycles is None else {"cycles_per_pixel": cycles / (width * height)})
    points = []
    for snr_db in snrs_db:

        def received(i: int, snr_db: float = snr_db) -> Pixels:
            end, outputs = ends[link.profile_of(snr_db)]
            drawn = end.draw(snr_db, seed + i)
            return end.receive(drawn.apply(outputs[i]["symbols"].astype(np.uint32)), drawn)["pixels"]

        quality = mean(received)
        point: dict[str, Any] = {"snr_db": snr_db, "accuracy": quality, "usc": usc(quality, none, best)}
        point["esc"] = esc(point["usc"], costs)
        made = design(snr_db, link.latent_symbols, errors)
        if made is not None:
            lost = errors.lost(made.scheme, snr_db, link.latent_symbols)

            def file(i: int, bits: int = made.payload_bits) -> Pixels:
                coded = pictures[i].best(bits)
                return pictures[i].mean_colour() if coded is None else coded.image

            point["digital_accuracy"] = (1 - lost) * mean(file) + lost * none
            point["digital_usc"] = usc(point["digital_accuracy"], none, best)
        points.append(point)
    record = {
        "model": link.spec.name, "images": len(images), "frame": f"{width}x{height}", "seed": seed,
        "accuracy_originals": original, "accuracy_mean_colour": none, "accuracy_float_noiseless": best,
        "costs": costs, "weights": weights(costs), "references": {name: REFERENCE[name] for name in costs},
        "points": points,
    }  # fmt: skip
    if as_json:
        print_json(record)
    else:
        _print(record)
    return 0


def train(data: Path, out: Path, steps: int = STEPS, seed: int = 1) -> int:
    """Train the segmentation network anew, write its weights (safetensors), print its accuracy on validation images."""
    from hwgen.outputs import check_file, replaced_file
    from hwgen.train import labelled, segmentation
    from hwgen.train.segmentation_network import classes, save

    check_file("--train", out)
    network = segmentation.train(labelled.load(data, "train"), steps, seed)
    with replaced_file(out) as part:
        save(network, part)
    val = labelled.load(data, "val")
    found = [accuracy(classes(network, image), label) for image, label in zip(val.images, val.labels, strict=True)]
    print(f"{steps} steps: pixel accuracy {np.mean(found):.4f} on {len(val)} validation images, weights in {out}")
    return 0


def _print(record: dict[str, Any]) -> None:
    print(f"pixel accuracy on {record['images']} images {record['frame']}")
    print(f"originals {record['accuracy_originals']:.4f}")
    print(f"float without noise (Q1) {record['accuracy_float_noiseless']:.4f}")
    print(f"mean colour (Q0) {record['accuracy_mean_colour']:.4f}")
    for name, cost in record["costs"].items():
        print(f"{name}: {cost:.6g}, reference {record['references'][name]:.6g}, weight {record['weights'][name]:.4g}")
    table = Table(title=f"semantic fidelity of {record['model']}")
    for column in ("SNR dB", "accuracy", "Usc", "Esc", "digital chain: accuracy", "Usc"):
        table.add_column(column, justify="right")
    for point in record["points"]:
        keys = ("accuracy", "usc", "esc", "digital_accuracy", "digital_usc")
        table.add_row(f"{point['snr_db']:g}", *(f"{point[key]:.4f}" if key in point else "-" for key in keys))
    console().print(table)
