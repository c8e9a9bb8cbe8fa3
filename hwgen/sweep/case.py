"""One specification of the sweep, and how to build it."""

from __future__ import annotations

from dataclasses import dataclass

SIDES = ("tx", "rx")
COLOURS = 3


@dataclass(frozen=True)
class Layer:
    """imag : bits of imaginary weights and activations; None where the layer is not complex."""

    kernel: int
    stride: int
    channels: int
    activation: str
    weight_bits: int = 8
    activation_bits: int = 8
    imag: tuple[int, int] | None = None

    def __str__(self) -> str:
        bits = f"w{self.weight_bits}a{self.activation_bits}"
        bits += "" if self.imag is None else f"iw{self.imag[0]}ia{self.imag[1]}"
        return f"{self.channels}{self.activation[0]}k{self.kernel}s{self.stride}{bits}"

    @property
    def stream_channels(self) -> int:
        return self.channels * (1 if self.imag is None else 2)

    def text(self) -> str:
        """As a line of a specification."""
        found = (
            f"  - {{kernel: {self.kernel}, stride: {self.stride}, channels: {self.channels},"
            f" activation: {self.activation}, weight_bits: {self.weight_bits}, activation_bits: {self.activation_bits}"
        )
        if self.imag is not None:
            found += f", complex: true, imag_weight_bits: {self.imag[0]}, imag_activation_bits: {self.imag[1]}"
        return f"{found}}}\n"


@dataclass(frozen=True)
class Entry:
    """A layer of any kind, by its keys; stride and channels are what it does to its stream's size and channels."""

    keys: tuple[tuple[str, object], ...]
    channels: int
    stride: int = 1

    @classmethod
    def of(cls, channels: int, stride: int = 1, /, **keys: object) -> Entry:
        """A layer with these keys, as the specification has them."""
        return cls(tuple(keys.items()), channels, stride)

    def __str__(self) -> str:
        return "/".join(str(value).replace(" ", "") for key, value in self.keys if key != "activation_bits")

    @property
    def stream_channels(self) -> int:
        return self.channels

    def text(self) -> str:
        """As a line of a specification."""
        return f"  - {{{', '.join(f'{key}: {_yaml(value)}' for key, value in self.keys)}}}\n"


def _yaml(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Case:
    """One random specification and how to build it.

    channel : keys of the specification's channel beside its SNRs
    limits : what the board is to have of some resources, instead of what its file says
    """

    seed: int
    side: str
    frame: tuple[int, int]
    encoder: tuple[Layer | Entry, ...]
    decoder: tuple[Layer | Entry, ...]
    channel: str
    gain: str
    board: str
    fps: float | None
    limits: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        layers = " ".join(map(str, self.encoder if self.side == "tx" else self.decoder))
        gain = f" {self.gain}" if self.side == "tx" else f" of {self.encoder[-1].stream_channels}"
        rate = "" if self.fps is None else f" {self.fps:g} fps"
        channel = self.channel.removeprefix("kind: ")
        size = f"{self.frame[0]}x{self.frame[1]}"
        rate += "".join(f" {amount} {key}" for key, amount in self.limits)
        return f"seed {self.seed}: {self.side} {size}{gain} {layers}, {channel}, on {self.board}{rate}"

    def spec(self) -> str:
        """The case as the text of a spec.yaml."""
        decoder = "decoder:\n" + "".join(layer.text() for layer in self.decoder) if self.decoder else ""
        return (
            f'format_version: 1\ndescription: "{self}"\nframe: {{width: {self.frame[0]}, height: {self.frame[1]}}}\n'
            f"encoder:\n{''.join(layer.text() for layer in self.encoder)}{decoder}"
            f"channel: {{{self.channel}, snr_db: [0, 20], power: 1.0}}\ngain: {{mode: {self.gain}}}\n"
            "data: {license: none, source: random}\n"
        )
