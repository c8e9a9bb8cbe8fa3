"""The model card: what was trained on what, how, and what it reaches.

Everything on it is either in the checkpoints' headers or measured when it is written, on all validation
images at their native size. ``notes.md`` beside the specification, where there is one, is appended: what
no program can know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from hwgen.spec import ModelSpec
from hwgen.train.checkpoint import read
from hwgen.train.evaluate import SNRS_DB, Codec, Quality, evaluate, mean_power, static_gain
from hwgen.train.imageset import Picture, image_set
from hwgen.train.network import LayerShape, encoder_macs, layer_shapes, parameters
from hwgen.train.phases import FILES, PHASES, trained
from hwgen.train.quantised import from_checkpoint
from hwgen.train.quantisers import SLOPE_BITS

TITLES = {
    "float": "dense float",
    "finetune": "pruned float",
    "qat": "quantised",
    "control": "dense control",
}
GAIN_IMAGES = 400
BIAS_BITS = 32
JUDGED_SNR_DB = 10.0


@dataclass(frozen=True)
class Measured:
    """One network's quality per SNR, with each way of setting the power."""

    per_image: dict[float, Quality]
    static: dict[float, Quality]
    static_power: float
    """Average power per complex symbol that the static gain gives the validation images."""


def write_card(spec: ModelSpec, train_images: Sequence[Picture], val_images: Sequence[Picture], folder: Path) -> None:
    """Measure every checkpoint in ``folder`` and write ``folder``/CARD.md.

    Parameters
    ----------
    train_images : the static gains of the float networks are calibrated on up to 400 of them
    val_images : what is measured
    """
    headers: dict[str, dict[str, Any]] = {}
    measured: dict[str, Measured] = {}
    for phase in PHASES:
        if (folder / FILES[phase]).is_file():
            headers[phase] = read(folder / FILES[phase])[1]
            measured[phase] = measure(spec, phase, train_images, val_images, folder)
    sections = [
        f"# {spec.name}\n\n{spec.description}",
        _terms(spec),
        _network(spec),
        _schedule(headers),
        _quality(spec, measured, val_images),
        _verdict(measured, headers),
    ]
    notes = spec.folder / "notes.md"
    if notes.is_file():
        sections.append("## Notes\n\n" + notes.read_text(encoding="utf-8").strip())
    partial = folder / "CARD.md.partial"
    partial.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    partial.replace(folder / "CARD.md")
    print(f"{folder / 'CARD.md'}: {', '.join(TITLES[phase] for phase in measured) or 'nothing trained yet'}")


def measure(
    spec: ModelSpec, phase: str, train_images: Sequence[Picture], val_images: Sequence[Picture], folder: Path
) -> Measured:
    """Evaluate one phase's network with per-image normalisation and with its static gain."""
    multiple = spec.downscale
    if phase == "qat":
        quantised = from_checkpoint(spec, folder / FILES[phase])
        codec: Codec = quantised
        quantised.mode = "static"
        transmit: Callable[[Tensor], Tensor] = quantised.transmit  # integer gain, symbols in Q3.12
    else:
        network = trained(spec, phase, folder)
        codec = network
        factor = static_gain(network, train_images[:: max(1, len(train_images) // GAIN_IMAGES)], multiple)

        def transmit(images: Tensor) -> Tensor:
            return network.encode(images) * factor

    return Measured(
        evaluate(codec, val_images, multiple),
        evaluate(codec, val_images, multiple, transmit=transmit),
        mean_power(transmit, val_images, multiple),
    )


def _terms(spec: ModelSpec) -> str:
    if spec.data is None:
        return "## Data and terms\n\nThe specification names no data."
    return (
        f"## Data and terms\n\n- Training data: {spec.data.source}\n"
        f"- Terms that the weights carry: {spec.data.license}\n\n"
        "The terms of hwgen's code are its own and do not extend to these weights."
    )


def weight_bits(shapes: Sequence[LayerShape], bits: Sequence[int], in_channels: int = 3) -> int:
    """Bits of the quantised weights, biases (32) and PReLU slopes (8) of a stack of layers."""
    total = 0
    for shape, width in zip(shapes, bits, strict=True):
        slope = SLOPE_BITS if shape.activation == "prelu" else 0
        total += shape.channels * (in_channels * shape.kernel**2 * width + BIAS_BITS + slope)
        in_channels = shape.channels
    return total


def _network(spec: ModelSpec) -> str:
    parent, kept = layer_shapes(spec.encoder), layer_shapes(spec.encoder, spec.encoder_channels)
    decoder = layer_shapes(spec.decoder, spec.decoder_channels)
    parent_decoder = layer_shapes(spec.decoder)
    latent, kept_latent = parent[-1].channels, kept[-1].channels
    width, height = spec.frame.width, spec.frame.height
    rows = [
        _row("encoder parameters", parameters(parent), parameters(kept)),
        _row(
            f"encoder MACs per {width}x{height} frame",
            encoder_macs(parent, width, height),
            encoder_macs(kept, width, height),
        ),
        _row("decoder parameters", parameters(parent_decoder, latent), parameters(decoder, kept_latent)),
        _row("channels, encoder and decoder", _channels(parent, parent_decoder), _channels(kept, decoder)),
        _row(
            "encoder weight bits (float32 before)",
            32 * parameters(parent),
            weight_bits(kept, [layer.weight_bits for layer in spec.encoder]),
        ),
    ]
    return "\n".join(
        [
            "## Network\n",
            f"- Encoder channels {_list(parent)}, surviving {_list(kept)}",
            f"- Decoder channels {_list(parent_decoder)}, surviving {_list(decoder)}",
            f"- Kernels {_each(spec, 'kernel')}, strides {_each(spec, 'stride')}, "
            f"activations {_each(spec, 'activation')}",
            f"- Encoder weight bits {_each(spec, 'weight_bits')}, activation bits {_each(spec, 'activation_bits')}",
            f"- k/n = {spec.bandwidth_ratio or 'not stated'}; AWGN, SNR {spec.channel.snr_db[0]:g} to "
            f"{spec.channel.snr_db[1]:g} dB\n",
            "| | before (dense float) | after (pruned, quantised) | left |",
            "|---|---:|---:|---:|",
            *rows,
            "\nOne MAC is an output value x kernel tap x input channel, padding counted.",
        ]
    )


def _row(what: str, before: int, after: int) -> str:
    return f"| {what} | {before:,} | {after:,} | {100.0 * after / before:.1f} % |"


def _channels(*stacks: Sequence[LayerShape]) -> int:
    return sum(shape.channels for stack in stacks for shape in stack)


def _list(shapes: Sequence[LayerShape]) -> str:
    return "-".join(str(shape.channels) for shape in shapes)


def _each(spec: ModelSpec, key: str) -> str:
    return ", ".join(str(getattr(layer, key)) for layer in spec.encoder)


def _schedule(headers: dict[str, dict[str, Any]]) -> str:
    lines = [
        "## Schedule\n",
        "| phase | network | steps | batch x crop | samples (crops) | peak learning rate | seed | arithmetic |",
        "|---|---|---:|---|---:|---:|---:|---|",
    ]
    for phase, header in headers.items():
        plan = header["schedule"]
        lines.append(
            f"| {phase} | {TITLES[phase]} | {plan['steps']} | {plan['batch']} x {plan['crop']}x{plan['crop']} "
            f"| {plan['steps'] * plan['batch']:,} | {plan['lr']:g} | {plan['seed']} "
            f"| {'bfloat16 autocast' if plan['bfloat16'] else 'float32'} |"
        )
    return "\n".join([*lines, "\nThe control is trained from scratch in the pruned shape."])


def _quality(spec: ModelSpec, measured: dict[str, Measured], images: Sequence[Picture]) -> str:
    sizes = sorted({f"{width}x{height}" for height, width in image_set(images).sizes})
    text = [
        f"## Quality\n\n{len(images)} validation images at their native size ({', '.join(sizes[:4])}), printed by "
        f"`hwgen train --model {spec.name} --data DIR --phase card`. Noise is drawn with one seed for all networks. "
        "Power: normalised per image (as in training), or by one static gain calibrated on the training images (what "
        "is emitted; for the quantised network with its integer gain and Q3.12 symbols)."
    ]
    metrics: tuple[tuple[str, Callable[[Quality], str]], ...] = (
        ("PSNR in dB, mean over images", lambda quality: f"{quality.psnr:.2f}"),
        ("PSNR of the mean MSE in dB", lambda quality: f"{quality.psnr_of_mean_mse:.2f}"),
        ("SSIM (11x11 Gaussian, sigma 1.5)", lambda quality: f"{quality.ssim:.4f}"),
    )
    for title, show in metrics:
        rows = [f"| {title} | power | " + " | ".join(f"{snr:g} dB" for snr in SNRS_DB) + " |"]
        rows.append("|---|---|" + "---:|" * len(SNRS_DB))
        for phase, result in measured.items():
            for power, qualities in (("per image", result.per_image), ("static", result.static)):
                values = " | ".join(show(qualities[snr]) for snr in SNRS_DB)
                rows.append(f"| {TITLES[phase]} | {power} | {values} |")
        text.append("\n".join(rows))
    powers = ", ".join(f"{TITLES[phase]} {result.static_power:.3f}" for phase, result in measured.items())
    text.append(
        f"A static gain gives every image its own power; over these images its average per complex symbol is {powers} "
        f"(wanted: {spec.channel.power:g}; the SNRs refer to the wanted power)."
    )
    return "\n\n".join(text)


def _verdict(measured: dict[str, Measured], headers: dict[str, dict[str, Any]]) -> str:
    """Differences at 10 dB that the reader would otherwise compute, and whether the control is a fair one."""
    lines = [f"## At {JUDGED_SNR_DB:g} dB, power normalised per image\n"]

    def difference(a: str, b: str) -> None:
        if a in measured and b in measured:
            first, second = (measured[phase].per_image[JUDGED_SNR_DB].psnr for phase in (a, b))
            lines.append(f"- {TITLES[a]} against {TITLES[b]}: {first - second:+.2f} dB")

    difference("qat", "finetune")
    difference("finetune", "float")
    difference("finetune", "control")
    difference("qat", "control")
    if {"float", "finetune", "control"} <= headers.keys():
        pruned, control = _samples(headers, "float", "finetune"), _samples(headers, "control")
        fair = "as many" if control == pruned else "NOT as many"
        lines.append(f"- The control saw {control:,} crops, the pruned network and its parent {pruned:,}: {fair}.")
    if len(measured) < len(PHASES):
        missing = ", ".join(TITLES[phase] for phase in PHASES if phase not in measured)
        lines.append(f"- Not trained yet: {missing}.")
    return "\n".join(lines)


def _samples(headers: dict[str, dict[str, Any]], *phases: str) -> int:
    plans = [headers[phase]["schedule"] for phase in phases]
    return sum(plan["steps"] * plan["batch"] * plan["crop"] ** 2 for plan in plans) // plans[0]["crop"] ** 2
