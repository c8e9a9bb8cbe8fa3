"""The model specification: what the network, its bits, its pruning and its channel are.

`load` reads ``models/NAME/spec.yaml`` (or anybody's) into a frozen, validated `ModelSpec`.
Every key with its range, default and an example: docs/model_spec.md.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr, Strict, model_validator

from hwgen.errors import HwgenError
from hwgen.yamlmarks import Frozen, Marks, between, load as load_yaml, show_value, wrong

MODELS = Path(__file__).resolve().parent / "models"
"""The models that come with hwgen."""

Count = Annotated[int, Strict(), Field(ge=1)]
Side = Annotated[int, Strict(), between(1, 65536)]
Bits = Annotated[int, Strict(), between(2, 8)]
Number = Annotated[float, Strict()]
Text = Annotated[str, Field(min_length=1)]


def _kernel(size: int) -> int:
    if size not in (1, 3, 5, 7):
        raise wrong("an odd number from 1 to 7", size)
    return size


def _ratio(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}/[1-9][0-9]{0,8}", text):
        raise wrong("k/n, such as 1/6", show_value(text))
    return text


class Frame(Frozen):
    """Size of one image in pixels."""

    width: Side
    height: Side


class Layer(Frozen):
    """One convolution of the encoder: `kernel` x `kernel`, padding ``kernel // 2``."""

    kernel: Annotated[int, Strict(), AfterValidator(_kernel)]
    stride: Annotated[int, Strict(), between(1, 2)] = 1
    channels: Annotated[int, Strict(), between(1, 4096)]
    activation: Literal["none", "relu", "prelu"] = "prelu"
    weight_bits: Bits = 8
    activation_bits: Bits = 8


class DecoderLayer(Layer):
    """One transposed convolution: padding ``kernel // 2``, output padding ``stride - 1``."""

    activation: Literal["none", "relu", "prelu", "clamp", "sigmoid"] = "prelu"  # type: ignore[assignment]


class SurvivingChannels(Frozen):
    """Output channels left after pruning, one count for every layer."""

    encoder: Annotated[tuple[Count, ...], Field(min_length=1)]
    decoder: tuple[Count, ...] = ()


class Pruning(Frozen):
    """How many channels are removed, by a ratio or by explicit surviving counts, and by what criterion."""

    criterion: Literal["l1", "none"] = "l1"
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


class Channel(Frozen):
    """The radio channel that training simulates."""

    kind: Literal["awgn"] = "awgn"
    snr_db: Annotated[tuple[Number, ...], Field(min_length=2, max_length=2)] = (0.0, 20.0)
    power: Annotated[Number, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Channel:
        if self.snr_db[0] > self.snr_db[1]:
            raise wrong("the lowest SNR, then the highest", show_value(list(self.snr_db)), "snr_db")
        return self


class Symbols(Frozen):
    """Number format of I and of Q: signed, `bits` in all, `fraction` of them behind the point."""

    bits: Annotated[int, Strict(), between(16, 16)] = 16
    fraction: Annotated[int, Strict(), between(12, 12)] = 12


class Gain(Frozen):
    """How the symbols' power is set; ``static``: one factor, calibrated on the training data."""

    mode: Literal["static"] = "static"


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
        Output channels of every layer that survive pruning.
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
    def downscale(self) -> int:
        """Product of the encoder's strides: pixels per latent position, in each direction."""
        return math.prod(layer.stride for layer in self.encoder)

    def where(self, *key: str | int) -> str:
        """``FILE:LINE: KEY`` of a key in this specification, for an `HwgenError`."""
        return self._marks.where(*key)

    def check_frame(self, width: int, height: int, where: str) -> None:
        """Refuse a frame that the encoder's strides do not divide.

        Raises
        ------
        HwgenError
            At `where`, for a width or height that is not a positive multiple of `downscale`.
        """
        if width < 1 or height < 1 or width % self.downscale or height % self.downscale:
            raise HwgenError(where, f"width and height that are multiples of {self.downscale} "
                                    f"(the encoder's strides)", f"{width}x{height}")

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
        if self.pruning.channels is not None:
            _check_surviving("encoder", self.encoder, self.pruning.channels.encoder)
            _check_surviving("decoder", self.decoder, self.pruning.channels.decoder)
        if self.bandwidth_ratio is not None:
            ratio = Fraction(self.encoder[-1].channels, 6 * scale * scale)  # 2 values a symbol, 3 samples a pixel
            if Fraction(self.bandwidth_ratio) != ratio:
                raise wrong(f"{ratio} (the last encoder layer's {self.encoder[-1].channels} channels at "
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
        if last.activation not in ("clamp", "sigmoid"):
            raise wrong("clamp or sigmoid in the last layer", last.activation, "decoder", index, "activation")
        upscale = math.prod(layer.stride for layer in self.decoder)
        if upscale != scale:
            raise wrong(f"strides whose product is {scale}, as the encoder's", upscale, "decoder")


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
