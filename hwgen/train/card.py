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

from hwgen.outputs import replaced_file
from hwgen.raster import Picture
from hwgen.spec.counts import macs, parameters, weight_bits
from hwgen.spec.model import Channel, Layer, ModelSpec
from hwgen.spec.network import Network, Placed
from hwgen.train.card_layers import layers_table
from hwgen.train.checkpoint import read
from hwgen.train.clipped import clipped
from hwgen.train.evaluate import SNRS_DB, Codec, Quality, batches, evaluate, largest_power, static_gain
from hwgen.train.imageset import image_set
from hwgen.train.profiles import ProfiledDeepJSCC, measure_powers
from hwgen.train.quantised import from_checkpoint
from hwgen.train.trained import FILES, PHASES, trained

TITLES = {
    "float": "dense float",
    "finetune": "pruned float",
    "qat": "quantised",
    "control": "dense control",
}
GAIN_IMAGES = 400
JUDGED_SNR_DB = 10.0
DRAWS = 2
"""Realisations of a fading channel that every image is sent over."""
SEED = 0
UNKNOWN = "not recorded"
"""Stands for what older files, and small ones of a phase in training, do not say."""
ARITHMETIC = {True: "bfloat16 autocast", False: "float32"}
PER_IMAGE, STATIC = "per image", "static"


@dataclass(frozen=True)
class Measured:
    """One network's quality per SNR, with each way of setting the power that was measured."""

    qualities: dict[str, dict[float, Quality]]
    static_power: float | None
    """Average power per complex symbol that the static gain gives the validation images; of profiles the largest."""

    @property
    def judged(self) -> float:
        """PSNR at JUDGED_SNR_DB, with the power normalised per image where that was measured."""
        return next(iter(self.qualities.values()))[JUDGED_SNR_DB].psnr


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
        schedule_section(spec, headers),
        _quality(spec, measured, val_images),
        _verdict(measured, headers),
    ]
    if "qat" in headers and (found := clipped(from_checkpoint(spec, folder / FILES["qat"]))):
        sections.append("\n".join(["## Clipped values\n", *(f"- {one}" for one in found)]))
    notes = spec.folder / "notes.md"
    if notes.is_file():
        sections.append("## Notes\n\n" + notes.read_text(encoding="utf-8").strip())
    with replaced_file(folder / "CARD.md") as part:
        part.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    print(f"{folder / 'CARD.md'}: {', '.join(TITLES[phase] for phase in measured) or 'nothing trained yet'}")


def measure(
    spec: ModelSpec, phase: str, train_images: Sequence[Picture], val_images: Sequence[Picture], folder: Path,
    snrs_db: Sequence[float] = SNRS_DB,
) -> Measured:
    """Evaluate one phase's network: as trained, with per-image normalisation, and as emitted.

    Of a model that is emitted with a static gain both are measured, over fading channels or with profiles the latter.
    """
    multiple, fading = spec.downscale, spec.channel.kind != "awgn"
    draws = DRAWS if fading else 1
    codec: Codec
    transmit: Callable[[Tensor], Tensor] | None = None
    if phase == "qat":
        quantised = from_checkpoint(spec, folder / FILES[phase])
        codec, transmit = quantised, quantised.transmit  # integers, symbols in Q3.12
    else:
        network = trained(spec, phase, folder)
        codec, some = network, train_images[:: max(1, len(train_images) // GAIN_IMAGES)]
        if isinstance(network, ProfiledDeepJSCC):
            measure_powers(network.eval(), batches(some, multiple))
            transmit = network.transmit
        elif spec.gain.mode == "static":
            factor = static_gain(network, some, multiple)

            def transmit(images: Tensor) -> Tensor:
                return network.encode(images) * factor

    if spec.gain.mode == "per_image":
        found = evaluate(codec, val_images, multiple, snrs_db, transmit, SEED, draws=draws)
        return Measured({PER_IMAGE: found}, None)
    assert transmit is not None
    qualities = {}
    if not fading and not hasattr(codec, "choose"):
        qualities[PER_IMAGE] = evaluate(codec, val_images, multiple, snrs_db, seed=SEED)
    qualities[STATIC] = evaluate(codec, val_images, multiple, snrs_db, transmit, SEED, draws=draws)
    return Measured(qualities, largest_power(codec, transmit, val_images, multiple, snrs_db))


def _terms(spec: ModelSpec) -> str:
    if spec.data is None:
        return "## Data and terms\n\nThe specification names no data."
    return (
        f"## Data and terms\n\n- Training data: {spec.data.source}\n"
        f"- Terms that the weights carry: {spec.data.license}\n\n"
        "The terms of hwgen's code are its own and do not extend to these weights."
    )


def _network(spec: ModelSpec) -> str:
    parent, kept = spec.parent("encoder"), spec.encoder_network
    parent_decoder, decoder = spec.parent("decoder"), spec.decoder_network
    width, height = spec.frame.width, spec.frame.height
    rows = [
        _row("encoder parameters", parameters(parent), parameters(kept)),
        _row(
            f"encoder MACs per {width}x{height} frame",
            sum(macs(parent, height, width).values()),
            sum(macs(kept, height, width).values()),
        ),
        _row("decoder parameters", parameters(parent_decoder), parameters(decoder)),
        _row("channels, encoder and decoder", _channels(parent, parent_decoder), _channels(kept, decoder)),
        _row(
            "encoder weight bits (float32 before)",
            32 * parameters(parent),
            weight_bits(kept),
        ),
    ]
    complex_note = " Complex channels (marked c) are two of the stream, a complex MAC is four."
    return "\n".join(
        [
            "## Network\n",
            f"- Encoder channels {_list(parent)}, surviving {_list(kept)}",
            f"- Decoder channels {_list(parent_decoder)}, surviving {_list(decoder)}",
            f"- Kernels {_each(spec, 'kernel')}, strides {_each(spec, 'stride')}, "
            f"activations {_each(spec, 'activation')}",
            f"- Encoder weight bits {_each(spec, 'weight_bits')}, activation bits {_each(spec, 'activation_bits')}",
            *_imaginary(spec),
            f"- k/n = {spec.bandwidth_ratio or 'not stated'}; {channel_text(spec.channel)}, SNR "
            f"{spec.channel.snr_db[0]:g} to {spec.channel.snr_db[1]:g} dB\n",
            "| | before (dense float) | after (pruned, quantised) | left |",
            "|---|---:|---:|---:|",
            *rows,
            *layers_table(spec),
            "\nOne MAC is an output value x kernel tap x input channel, padding counted."
            + (complex_note if any(layer.complex for layer in _layers(spec)) else ""),
        ]
    )


def _row(what: str, before: int, after: int) -> str:
    return f"| {what} | {before:,} | {after:,} | {100.0 * after / before:.1f} % |"


def channel_text(channel: Channel) -> str:
    """A radio channel in words."""
    combiner = {"none": "no equaliser", "zf": "zero forcing", "mmse": "MMSE"}[channel.equaliser]
    match channel.kind:
        case "rayleigh":
            return f"slow Rayleigh fading, {combiner}"
        case "mimo2x2":
            scheme = "SVD precoding" if channel.scheme == "svd" else "Alamouti"
            return f"2x2 slow Rayleigh fading, {scheme}, {combiner} combining"
        case "ofdm":
            return f"OFDM of {channel.subcarriers} subcarriers over {channel.taps} Rayleigh taps, {combiner}"
    return "AWGN"


def _convolutions(network: Network) -> list[tuple[Placed, Layer]]:
    return [(placed, placed.layer) for placed in network.layers if isinstance(placed.layer, Layer)]


def _trained_layers(network: Network) -> list[str]:
    """The layers that have weights, as a checkpoint's header names them."""
    return [f"{network.side}.{placed.index}" for placed, _ in _convolutions(network)]


def _channels(*networks: Network) -> int:
    return sum(placed.given.channels for network in networks for placed, _ in _convolutions(network))


def _layers(spec: ModelSpec) -> tuple[Layer, ...]:
    return (*spec.convolutions("encoder"), *spec.convolutions("decoder"))


def _list(network: Network) -> str:
    return "-".join(
        f"{placed.given.channels // layer.parts}{'c' if layer.complex else ''}"
        for placed, layer in _convolutions(network)
    )


def _each(spec: ModelSpec, key: str) -> str:
    return ", ".join(str(getattr(layer, key)) for layer in spec.convolutions("encoder"))


def _imaginary(spec: ModelSpec) -> list[str]:
    bits = [
        f"{side}[{index}] {layer.weight_bits}/{layer.imag_weight_bits} and "
        f"{layer.activation_bits}/{layer.imag_activation_bits}"
        for side, layers in (("encoder", spec.convolutions("encoder")), ("decoder", spec.convolutions("decoder")))
        for index, layer in enumerate(layers)
        if layer.complex
    ]
    return [f"- Complex layers, bits of real/imaginary weights and activations: {', '.join(bits)}"] if bits else []


def schedule_section(spec: ModelSpec, headers: dict[str, dict[str, Any]]) -> str:
    """The section on the phases: which network, how long, from which weights, by the headers of their files."""
    lines = [
        "## Schedule\n",
        "| phase | network | steps | batch x crop | samples (crops) | peak learning rate | seed | arithmetic |",
        "|---|---|---:|---|---:|---:|---:|---|",
    ]
    for phase, header in headers.items():
        plan = header["schedule"]
        lines.append(
            f"| {phase} | {TITLES[phase]} | {plan['steps']} | {plan['batch']} x {plan['crop']}x{plan['crop']} "
            f"| {plan['steps'] * plan['batch']:,} | {plan.get('lr', UNKNOWN)} "
            f"| {plan.get('seed', UNKNOWN)} | {ARITHMETIC.get(plan.get('bfloat16'), UNKNOWN)} |"
        )
    start = headers.get("finetune", {}).get("start")
    if _kept_phases(headers):
        lines.append("\n" + _kept(spec, headers))
    if start is not None and "finetune" not in _kept_phases(headers):
        every = [*_trained_layers(spec.encoder_network), *_trained_layers(spec.decoder_network)]
        fresh = [layer for layer in every if layer not in start["layers"]]
        lines.append(
            "\nThe pruned network was not made from a dense parent: it starts from "
            f"{start['model']}'s {start['phase']} network (SHA-256 {start['sha256'][:16]}...), layers "
            + ", ".join(start["layers"])
            + (f"; fresh are {', '.join(fresh)}." if fresh else ", which are all.")
        )
    if (begun := headers.get("qat", {}).get("start")) is not None:
        lines.append(
            f"\nqat went on from a quantised checkpoint (SHA-256 {begun['sha256'][:16]}...), which had "
            f"{begun['steps']} steps of it before"
            + (", whose scales were chosen anew." if begun.get("rescaled") else ".")
        )
    if "control" in headers:
        lines.append("\nThe control is trained from scratch in the pruned shape.")
    return "\n".join(lines)


def _kept_phases(headers: dict[str, dict[str, Any]]) -> list[str]:
    """The phases that left an earlier checkpoint's transmitter as it was."""
    return [phase for phase, header in headers.items() if header.get("kept") == "encoder"]


def _kept(spec: ModelSpec, headers: dict[str, dict[str, Any]]) -> str:
    """Whose transmitter it is, what the receiver starts from and what was trained."""
    phases = _kept_phases(headers)
    start = headers[phases[0]].get("start")
    digests = [
        digest[:16] + "..."
        for digest in (headers[phase].get("kept_sha256") or headers[phase].get("start", {}).get("sha256")
                       for phase in phases)
        if digest is not None  # qat's older headers do not name the file
    ]  # fmt: skip
    whose = "an earlier checkpoint" + (f", {start['model']}'s {start['phase']} network" if start else "")
    text = (
        f"The transmitter is that of {whose} (SHA-256 {', then '.join(dict.fromkeys(digests)) or 'not recorded'}), "
        "trained before with the receiver it had then; its own finetune and qat are not in the table."
    )
    if start:
        ways = (("whole", start["layers"]), ("as far as both have channels", start.get("partly", [])))
        every = _trained_layers(spec.decoder_network)
        parts = [(way, [layer for layer in every if layer in layers]) for way, layers in ways]
        parts.append(("fresh", [layer for layer in every if not any(layer in layers for _, layers in parts)]))
        told = "; ".join(f"{', '.join(layers)} {way}" for way, layers in parts if layers)
        text += f" The receiver starts from that checkpoint's channels: {told}."
    text += f" {' and '.join(phases)} trained the receiver alone."
    if "qat" in headers and "qat" not in phases:
        text += " qat trained the transmitter too."
    return text


def _quality(spec: ModelSpec, measured: dict[str, Measured], images: Sequence[Picture]) -> str:
    sizes = sorted({f"{width}x{height}" for height, width in image_set(images).sizes})
    fading, profiles = spec.channel.kind != "awgn", spec.training.profiles if spec.training else ()
    static = (
        "by one static gain calibrated on the training images (what is emitted; for the quantised network with its "
        "integer gain and Q3.12 symbols)."
    )
    if spec.gain.mode == "per_image":
        power = "Power: normalised per image, of the quantised network with its integer rule and Q3.12 symbols."
    else:
        power = f"Power: {'' if fading or profiles else 'normalised per image (as in training), or '}{static}"
    if profiles:
        power += f" Every SNR with its profile of {len(profiles) + 1}, whose gain is its own."
    noise = (
        f"Averages over {DRAWS} realisations of the channel for each image, drawn with seed {SEED}: the same for all "
        "networks and SNRs."
        if fading
        else "Noise is drawn with one seed for all networks."
    )
    text = [
        f"## Quality\n\n{len(images)} validation images at their native size ({', '.join(sizes[:4])}), printed by "
        f"`hwgen train --model {spec.name} --data DIR --phase card`. {noise} {power}"
    ]
    metrics: tuple[tuple[str, Callable[[Quality], str]], ...] = (
        ("PSNR in dB, mean over images", lambda quality: f"{quality.psnr:.2f}"),
        ("PSNR of the mean MSE in dB", lambda quality: f"{quality.psnr_of_mean_mse:.2f}"),
        ("SSIM (11x11 Gaussian, sigma 1.5)", lambda quality: f"{quality.ssim:.4f}"),
        ("standard error of the PSNR in dB", lambda quality: f"{quality.psnr_error:.2f}"),
    )[: 4 if fading else 3]
    for title, show in metrics:
        rows = [f"| {title} | power | " + " | ".join(f"{snr:g} dB" for snr in SNRS_DB) + " |"]
        rows.append("|---|---|" + "---:|" * len(SNRS_DB))
        for phase, result in measured.items():
            for power, qualities in result.qualities.items():
                values = " | ".join(show(qualities[snr]) for snr in SNRS_DB)
                rows.append(f"| {TITLES[phase]} | {power} | {values} |")
        text.append("\n".join(rows))
    given = {TITLES[phase]: result.static_power for phase, result in measured.items()}
    powers = ", ".join(f"{title} {power:.3f}" for title, power in given.items() if power is not None)
    if powers:
        text.append(
            "A static gain gives every image its own power; over these images its average per complex symbol "
            f"{'is at most' if profiles else 'is'} "
            f"{powers} (wanted: {spec.channel.power:g}; the SNRs refer to the wanted power)."
        )
    return "\n\n".join(text)


def _verdict(measured: dict[str, Measured], headers: dict[str, dict[str, Any]]) -> str:
    """Differences at 10 dB that the reader would otherwise compute, and whether the control is a fair one."""
    ways = next((list(result.qualities) for result in measured.values()), [PER_IMAGE])
    how = "power normalised per image" if ways[0] == PER_IMAGE else "static gain"
    lines = [f"## At {JUDGED_SNR_DB:g} dB, {how}\n"]

    def difference(a: str, b: str) -> None:
        if a in measured and b in measured:
            first, second = (measured[phase].judged for phase in (a, b))
            lines.append(f"- {TITLES[a]} against {TITLES[b]}: {first - second:+.2f} dB")

    difference("qat", "finetune")
    difference("finetune", "float")
    difference("finetune", "control")
    difference("qat", "control")
    if {"finetune", "control"} <= headers.keys() and (_kept_phases(headers) or "start" in headers["finetune"]):
        lines.append(
            f"- The control saw {_samples(headers, 'control'):,} crops; the pruned network begins with weights that "
            "were trained before, on crops that are not counted here: no comparison at equal samples."
        )
    elif {"float", "finetune", "control"} <= headers.keys():
        pruned, control = _samples(headers, "float", "finetune"), _samples(headers, "control")
        fair = "as many" if control == pruned else "NOT as many"
        lines.append(f"- The control saw {control:,} crops, the pruned network and its parent {pruned:,}: {fair}.")
    if len(measured) < len(PHASES):
        missing = ", ".join(TITLES[phase] for phase in PHASES if phase not in measured)
        lines.append(f"- Not trained: {missing}.")
    return "\n".join(lines)


def _samples(headers: dict[str, dict[str, Any]], *phases: str) -> int:
    plans = [headers[phase]["schedule"] for phase in phases]
    return sum(plan["steps"] * plan["batch"] * plan["crop"] ** 2 for plan in plans) // plans[0]["crop"] ** 2
