"""The model specification: what the network, its bits, its pruning and its channel are.

`load` reads ``models/NAME/spec.yaml`` (or anybody's) into a frozen, validated `ModelSpec`.
Every key with its range, default and an example: docs/model_spec.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr, Strict, model_validator

from hwgen.errors import HwgenError
from hwgen.yamlmarks import Frozen, Marks, between, load as load_yaml, show_value, wrong

MODELS = Path(__file__).resolve().parents[1] / "models"
"""The models that come with hwgen."""

Count = Annotated[int, Strict(), Field(ge=1)]
Side = Annotated[int, Strict(), between(1, 65536)]
Bits = Annotated[int, Strict(), between(2, 8)]
Number = Annotated[float, Strict()]
Text = Annotated[str, Field(min_length=1)]


def _ratio(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}/[1-9][0-9]{0,8}", text):
        raise wrong("k/n, such as 1/6", show_value(text))
    return text


def _power(value: float) -> float:
    if not 2**-16 <= value <= 16:
        raise wrong("a number from 2^-16 to 16", value)
    return value


class Frame(Frozen):
    """Size of one image in pixels."""

    width: Side
    height: Side


class Layer(Frozen):
    """One convolution of the encoder: `kernel` x `kernel`, padding ``kernel // 2``.

    Attributes
    ----------
    complex : bool
        A complex convolution: `channels` counts complex channels. Each is two channels of the stream, first the real
        part, then the imaginary one, and the channels that come in pair up in the same way.
    imag_weight_bits, imag_activation_bits : int
        Bits of the imaginary parts; by default as the real ones'. 0 in a layer that is not complex.
    """

    kernel: Annotated[int, Strict()]
    stride: Annotated[int, Strict(), between(1, 2)] = 1
    channels: Annotated[int, Strict(), between(1, 4096)]
    activation: Literal["none", "relu", "prelu"] = "prelu"
    weight_bits: Bits = 8
    activation_bits: Bits = 8
    complex: Annotated[bool, Strict()] = False
    imag_weight_bits: Annotated[int, Strict()] = 0
    imag_activation_bits: Annotated[int, Strict()] = 0

    @property
    def parts(self) -> int:
        """Channels of the stream for each of `channels`."""
        return 2 if self.complex else 1

    @property
    def padding(self) -> int:
        return self.kernel // 2

    @model_validator(mode="before")
    @classmethod
    def _imaginary_as_real(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("complex") is True:
            return {f"imag_{key}": values.get(key, 8) for key in ("weight_bits", "activation_bits")} | values
        return values

    @model_validator(mode="after")
    def _possible(self) -> Layer:
        if not 1 <= self.kernel <= 7 or (self.kernel % 2 == 0 and self.kernel not in self._even_kernels):
            also = " (at stride 2 even ones too)" if isinstance(self, DecoderLayer) else ""
            raise wrong(f"an odd number from 1 to 7{also}", self.kernel, "kernel")
        for key in ("weight_bits", "activation_bits"):
            imag, real = getattr(self, f"imag_{key}"), getattr(self, key)
            if imag and not self.complex:
                raise wrong("this key in complex layers only", imag, f"imag_{key}")
            if self.complex and not 2 <= imag <= real:
                raise wrong(f"an integer from 2 to {real}, the {key}", imag, f"imag_{key}")
        if self.complex and self.activation not in ("none", "prelu"):
            raise wrong("none or prelu in a complex layer", self.activation, "activation")
        return self

    @property
    def _even_kernels(self) -> tuple[int, ...]:
        return ()


class DecoderLayer(Layer):
    """One transposed convolution, whose output is exactly `stride` times as wide and high as its input.

    A complex layer is a complex convolution of stride 1, not a transposed one.
    """

    activation: Literal["none", "relu", "prelu", "clamp", "sigmoid"] = "prelu"  # type: ignore[assignment]

    @property
    def output_padding(self) -> int:
        return (self.kernel - self.stride) % 2

    @property
    def padding(self) -> int:
        return (self.kernel - self.stride + self.output_padding) // 2

    @model_validator(mode="after")
    def _complex_keeps_the_size(self) -> DecoderLayer:
        if self.complex and self.stride != 1:
            raise wrong("1 in a complex layer of the decoder", self.stride, "stride")
        return self

    @property
    def _even_kernels(self) -> tuple[int, ...]:
        return (2, 4, 6) if self.stride == 2 else ()


class SurvivingChannels(Frozen):
    """Output channels left after pruning, one count for every layer."""

    encoder: Annotated[tuple[Count, ...], Field(min_length=1)]
    decoder: tuple[Count, ...] = ()


class Pruning(Frozen):
    """How many channels are removed, by a ratio or by explicit surviving counts, and by what criterion."""

    criterion: Literal["l1", "l2", "random", "none"] = "l1"
    ratio: Annotated[Number, Field(ge=0, lt=1)] | None = None
    channels: SurvivingChannels | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Pruning:
        if self.criterion == "none":
            if self.ratio is not None or self.channels is not None:
                raise wrong("neither ratio nor channels with criterion none", "one of them", "criterion")
        elif (self.ratio is None) == (self.channels is None):
            raise wrong("exactly one of ratio and channels", "neither" if self.ratio is None else "both")
        return self


Kind = Literal["awgn", "rayleigh", "mimo2x2", "ofdm"]
_CHANNEL_KEYS = {
    "equaliser": ("rayleigh", "mimo2x2", "ofdm"),
    "scheme": ("mimo2x2",),
    "taps": ("ofdm",),
    "subcarriers": ("ofdm",),
}
"""The kinds of channel that have a key."""


class Channel(Frozen):
    """The radio channel that training simulates and that a design's ends are built for."""

    kind: Kind = "awgn"
    snr_db: Annotated[tuple[Number, ...], Field(min_length=2, max_length=2)] = (0.0, 20.0)
    power: Annotated[Number, AfterValidator(_power)] = 1.0
    equaliser: Literal["none", "zf", "mmse"] = "mmse"
    scheme: Literal["svd", "alamouti"] = "svd"
    taps: Annotated[int, Strict(), between(1, 64)] = 4
    subcarriers: Annotated[int, Strict(), between(2, 4096)] = 64

    @property
    def symbol_multiple(self) -> int:
        """A frame's number of symbols must be a multiple of this."""
        return {"mimo2x2": 2, "ofdm": self.subcarriers}.get(self.kind, 1)

    @model_validator(mode="after")
    def _possible(self) -> Channel:
        if self.snr_db[0] > self.snr_db[1]:
            raise wrong("the lowest SNR, then the highest", show_value(list(self.snr_db)), "snr_db")
        for key, kinds in _CHANNEL_KEYS.items():
            if key in self.model_fields_set and self.kind not in kinds:
                raise wrong(f"this key with kind {' or '.join(kinds)} only", f"kind {self.kind}", key)
        if self.kind == "mimo2x2" and self.equaliser == "none":
            raise wrong("zf or mmse with kind mimo2x2", self.equaliser, "equaliser")
        if self.kind == "ofdm" and self.subcarriers & (self.subcarriers - 1):
            raise wrong("a power of two", self.subcarriers, "subcarriers")
        if self.kind == "ofdm" and self.taps > self.subcarriers:
            raise wrong(f"at most the {self.subcarriers} subcarriers", self.taps, "taps")
        return self


class Symbols(Frozen):
    """Number format of I and of Q: signed, `bits` in all, `fraction` of them behind the point."""

    bits: Annotated[int, Strict(), between(16, 16)] = 16
    fraction: Annotated[int, Strict(), between(12, 12)] = 12


class Gain(Frozen):
    """How the symbols' power is set.

    ``static``: one factor, calibrated on the training data. ``per_image``: every frame gets exactly the power.
    """

    mode: Literal["static", "per_image"] = "static"


class Data(Frozen):
    """Where the training data comes from and the terms that the weights carry because of it."""

    license: Text
    source: Text


class Phase(Frozen):
    """One phase of training: optimiser steps and peak learning rate."""

    steps: Annotated[int, Strict(), Field(ge=0)]
    lr: Annotated[Number, Field(gt=0)]


class Training(Frozen):
    """The schedule: float, then fine-tuning after pruning, then quantisation-aware training."""

    seed: Annotated[int, Strict(), Field(ge=0, lt=2**32)] = 1
    crop: Count = 128
    batch: Count = 16
    finetune: Phase
    qat: Phase
    float: Phase  # last: below this line the name no longer means the type


class ModelSpec(Frozen):
    """A validated model specification. Build it with `load`.

    Attributes
    ----------
    name : str
        The folder's name (or the file's, where it is not called spec.yaml).
    path : Path
        The file it was read from.
    encoder_channels, decoder_channels : tuple of int
        Output channels of every layer that survive pruning, as the specification counts them: complex ones of
        complex layers.
    encoder_stream_channels, decoder_stream_channels : tuple of int
        The same as channels of the stream: two for a complex one.
    """

    format_version: Annotated[int, Strict(), between(1, 1)]
    description: Text
    frame: Frame
    encoder: Annotated[tuple[Layer, ...], Field(min_length=1)]
    decoder: tuple[DecoderLayer, ...] = ()
    pruning: Pruning = Pruning(criterion="none")
    channel: Channel = Channel()
    symbols: Symbols = Symbols()
    gain: Gain = Gain()
    bandwidth_ratio: Annotated[str, AfterValidator(_ratio)] | None = None
    data: Data | None = None
    training: Training | None = None

    _marks: Marks = PrivateAttr(default_factory=lambda: Marks(Path("spec.yaml"), {}))

    @property
    def path(self) -> Path:
        return self._marks.path

    @property
    def folder(self) -> Path:
        """Where the model's other files stand."""
        return self.path.parent if self.path.name == "spec.yaml" else self.path.with_suffix("")

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def checkpoint_path(self) -> Path:
        """The trained, quantised network (safetensors)."""
        return self.folder / "checkpoint.safetensors"

    @property
    def graph_path(self) -> Path:
        return self.folder / "graph.json"

    @property
    def weights_path(self) -> Path:
        return self.folder / "weights.npz"

    @property
    def encoder_channels(self) -> tuple[int, ...]:
        return self._surviving("encoder", self.encoder)

    @property
    def decoder_channels(self) -> tuple[int, ...]:
        return self._surviving("decoder", self.decoder)

    @property
    def encoder_stream_channels(self) -> tuple[int, ...]:
        return stream_channels(self.encoder, self.encoder_channels)

    @property
    def decoder_stream_channels(self) -> tuple[int, ...]:
        return stream_channels(self.decoder, self.decoder_channels)

    @property
    def received_imag_bits(self) -> int:
        """Bits to which Q of a received symbol is quantised, where they are not those of I: before a complex layer."""
        return self.decoder[0].imag_activation_bits if self.decoder else 0

    @property
    def downscale(self) -> int:
        """Product of the encoder's strides: pixels per latent position, in each direction."""
        return math.prod(layer.stride for layer in self.encoder)

    def where(self, *key: str | int) -> str:
        """``FILE:LINE: KEY`` of a key in this specification, for an `HwgenError`."""
        return self._marks.where(*key)

    def frame_symbols(self, width: int, height: int) -> int:
        """k: complex symbols of one frame, before any precoding."""
        last = self.encoder[-1]  # never pruned
        values = last.channels * last.parts * (width // self.downscale) * (height // self.downscale)
        return (values + 1) // 2

    def check_frame(self, width: int, height: int, where: str, channel: Channel | None = None) -> None:
        """Refuse a frame that the encoder's strides do not divide, or whose symbols a channel cannot carry.

        Parameters
        ----------
        channel : Channel, optional
            Instead of the specification's.

        Raises
        ------
        HwgenError
            At `where`, for a width or height that is not a positive multiple of `downscale`, or a number of
            symbols that the channel cannot carry.
        """
        if width < 1 or height < 1 or width % self.downscale or height % self.downscale:
            raise HwgenError(where, f"width and height that are multiples of {self.downscale} "
                                    f"(the encoder's strides)", f"{width}x{height}")
        carrier = channel or self.channel
        multiple, symbols = carrier.symbol_multiple, self.frame_symbols(width, height)
        if symbols % multiple:
            raise HwgenError(where, f"a frame whose number of symbols is a multiple of {multiple} "
                                    f"(channel {carrier.kind})", f"{width}x{height} with {symbols} symbols")

    def check_trainable(self) -> Training:
        """The training schedule of a specification that can be trained.

        Raises
        ------
        HwgenError
            There is no decoder, no `training` or no `data` section.
        """
        for key, value in (("decoder", self.decoder), ("training", self.training), ("data", self.data)):
            if not value:
                raise HwgenError(self.where(key), "this key: training needs it", "nothing")
        assert self.training is not None
        return self.training

    def _surviving(self, side: Literal["encoder", "decoder"], layers: tuple[Layer, ...]) -> tuple[int, ...]:
        dense = tuple(layer.channels for layer in layers)
        if self.pruning.channels is not None:
            return getattr(self.pruning.channels, side)
        if self.pruning.ratio is None:
            return dense
        ratio = Fraction(str(self.pruning.ratio))  # 0.4 means two fifths, not the nearest double
        return tuple(max(1, n - math.ceil(n * ratio)) for n in dense[:-1]) + dense[-1:]

    @model_validator(mode="after")
    def _consistent(self) -> ModelSpec:
        scale = self.downscale
        for axis in ("width", "height"):
            size = getattr(self.frame, axis)
            if size % scale:
                raise wrong(f"a multiple of {scale} (the encoder's strides)", size, "frame", axis)
        self._check_decoder(scale)
        multiple, symbols = self.channel.symbol_multiple, self.frame_symbols(self.frame.width, self.frame.height)
        if symbols % multiple:
            raise wrong(f"a multiple of {multiple} symbols per frame (channel {self.channel.kind})", symbols, "frame")
        if self.pruning.channels is not None:
            _check_surviving("encoder", self.encoder, self.pruning.channels.encoder)
            _check_surviving("decoder", self.decoder, self.pruning.channels.decoder)
        latent = self.encoder[-1].channels * self.encoder[-1].parts
        _check_pairs("encoder", self.encoder, self.encoder_stream_channels, 3)
        _check_pairs("decoder", self.decoder, self.decoder_stream_channels, latent)
        if self.bandwidth_ratio is not None:
            ratio = Fraction(latent, 6 * scale * scale)  # 2 values a symbol, 3 samples a pixel
            if Fraction(self.bandwidth_ratio) != ratio:
                raise wrong(f"{ratio} (the last encoder layer's {latent} channels at "
                            f"1/{scale} of width and height)", self.bandwidth_ratio, "bandwidth_ratio")
        if self.training is not None:
            if not self.decoder:
                raise wrong("this key: a model with a training section needs a decoder", "nothing", "decoder")
            if self.training.crop % scale:
                raise wrong(f"a multiple of {scale} (the encoder's strides)", self.training.crop,
                            "training", "crop")
        return self

    def _check_decoder(self, scale: int) -> None:
        if not self.decoder:
            return
        for index, layer in enumerate(self.decoder[:-1]):
            if layer.activation in ("clamp", "sigmoid"):
                raise wrong("none, relu or prelu (clamp and sigmoid only in the last layer)",
                            layer.activation, "decoder", index, "activation")
        last, index = self.decoder[-1], len(self.decoder) - 1
        if last.channels != 3:
            raise wrong("3 (red, green, blue) in the last layer", last.channels, "decoder", index, "channels")
        if last.complex:
            raise wrong("false in the last layer", "true", "decoder", index, "complex")
        if last.activation not in ("clamp", "sigmoid"):
            raise wrong("clamp or sigmoid in the last layer", last.activation, "decoder", index, "activation")
        upscale = math.prod(layer.stride for layer in self.decoder)
        if upscale != scale:
            raise wrong(f"strides whose product is {scale}, as the encoder's", upscale, "decoder")


def stream_channels(layers: Sequence[Layer], channels: Sequence[int]) -> tuple[int, ...]:
    """Counts as the specification has them -> channels of the stream."""
    return tuple(count * layer.parts for layer, count in zip(layers, channels, strict=True))


def _check_pairs(side: str, layers: tuple[Layer, ...], surviving: tuple[int, ...], inputs: int) -> None:
    """Before a complex layer channels pair up, in the parent and in what pruning leaves."""
    dense = stream_channels(layers, [layer.channels for layer in layers])
    for counts in (dense, surviving):
        for index, (layer, before) in enumerate(zip(layers, (inputs, *counts), strict=False)):
            if layer.complex and before % 2:
                raise wrong("an even number of channels before a complex layer", before, side, index, "complex")


def _check_surviving(side: str, layers: tuple[Layer, ...], counts: tuple[int, ...]) -> None:
    if len(counts) != len(layers):
        raise wrong(f"{len(layers)} counts, one for each layer", len(counts), "pruning", "channels", side)
    for index, (layer, count) in enumerate(zip(layers, counts, strict=True)):
        if count > layer.channels:
            raise wrong(f"at most the parent's {layer.channels}", count, "pruning", "channels", side, index)
    if layers and counts[-1] != layers[-1].channels:
        raise wrong(f"{layers[-1].channels}: the last layer is not prunable", counts[-1],
                    "pruning", "channels", side, len(layers) - 1)


def available() -> list[str]:
    """The names of the models that come with hwgen, sorted."""
    return sorted(path.parent.name for path in MODELS.glob("*/spec.yaml"))


def load(model: str | Path) -> ModelSpec:
    """Read and validate a model specification.

    Parameters
    ----------
    model : str or Path
        A name under models/, a folder with a spec.yaml in it, or the path of a YAML file. A plain name
        means a model of hwgen's, even where the current folder has something of that name.

    Raises
    ------
    HwgenError
        There is no such model, or its specification is not as docs/model_spec.md says.
    """
    text = str(model)
    path = Path(model)
    if isinstance(model, str) and text in available():
        path = MODELS / text / "spec.yaml"
    elif path.is_dir():
        path = path / "spec.yaml"
    elif not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise HwgenError("--model", f"a path or one of {', '.join(available()) or 'no models yet'}",
                         show_value(text))
    spec, marks = load_yaml(path, ModelSpec)
    spec._marks = marks
    return spec
