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
from pydantic_core import PydanticCustomError

from hwgen.errors import HwgenError
from hwgen.limits import MOST_LAYERS, MOST_PIXELS, MOST_SIDE
from hwgen.names import printable
from hwgen.spec.branches import Add, DecoderEntry, EncoderEntry, Kinds
from hwgen.spec.channel_groups import by_ratio, channel_groups, surviving, units_by_ratio
from hwgen.spec.layers import DecoderLayer as DecoderLayer, Layer as Layer
from hwgen.spec.network import Network, Side, Stream, place
from hwgen.spec.pruning import Pruning as Pruning, SurvivingChannels as SurvivingChannels
from hwgen.spec.quantisers import Quantisers as Quantisers
from hwgen.spec.radio import Channel as Channel, Gain as Gain, Kind as Kind, Symbols as Symbols
from hwgen.spec.training import Data, Training
from hwgen.spec.values import Side as Pixels
from hwgen.yamlmarks import Frozen, Marks, Text, between, load as load_yaml, show_key, show_value, wrong

MODELS = Path(__file__).resolve().parents[1] / "models"
"""The models that come with hwgen."""
RECEIVED_BITS = 8
"""Bits of the quantised parts of a received symbol, signed."""


def _ratio(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}/[1-9][0-9]{0,8}", text):
        raise wrong("k/n, such as 1/6", show_value(text))
    return text


class Frame(Frozen):
    """Size of one image in pixels, and its channels: red, green and blue, or grey alone."""

    width: Pixels
    height: Pixels
    channels: Literal[1, 3] = 3

    @model_validator(mode="after")
    def _bounded(self) -> Frame:
        if self.width * self.height > MOST_PIXELS:
            raise wrong(f"at most {MOST_PIXELS} pixels", f"{self.width}x{self.height}")
        return self


class ModelSpec(Frozen):
    """A validated model specification. Build it with `load`.

    Attributes
    ----------
    name : str
        The folder's name (or the file's, where it is not called spec.yaml).
    path : Path
        The file it was read from.
    encoder_channels, decoder_channels : tuple of int
        Output channels of every convolution that survive pruning, as the specification counts them: complex ones of
        complex layers.
    """

    format_version: Annotated[int, Strict(), between(1, 1)]
    description: Text
    frame: Frame
    encoder: Annotated[tuple[EncoderEntry, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    decoder: Annotated[tuple[DecoderEntry, ...], Field(max_length=MOST_LAYERS)] = ()
    pruning: Pruning = Pruning(criterion="none")
    quantisers: Quantisers = Quantisers()
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
        return printable(self.folder.resolve().name)

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
        return self._surviving("encoder")

    @property
    def decoder_channels(self) -> tuple[int, ...]:
        return self._surviving("decoder")

    @property
    def encoder_network(self) -> Network:
        """The encoder's layers with their surviving channels."""
        return self._placed("encoder", self.encoder_channels)

    @property
    def decoder_network(self) -> Network:
        """The decoder's layers with their surviving channels."""
        return self._placed("decoder", self.decoder_channels)

    @property
    def latent_channels(self) -> int:
        """Channels of the stream behind the encoder: never pruned."""
        return self.encoder_network.last.given.channels

    @property
    def received_imag_bits(self) -> int:
        """Bits to which Q of a received symbol is quantised, where they are not those of I: before a complex layer."""
        return getattr(self.decoder[0], "imag_activation_bits", 0) if self.decoder else 0

    def parent(self, side: Side) -> Network:
        """A side's layers with the channels of the dense parent, before pruning."""
        return self._placed(side, None)

    def surviving_units(self, side: Side) -> tuple[int, ...]:
        """What pruning leaves of every group of `hwgen.spec.channel_groups`, of the parent's network."""
        parent = self.parent(side)
        groups = channel_groups(parent).groups
        if self.pruning.channels is None:  # channels of one layer may be in several groups: counts would not tell
            return units_by_ratio(groups, self._pruned_share or Fraction(0), self._protected(side))
        return surviving(groups, parent, self._surviving(side))

    def convolutions(self, side: Side) -> tuple[Layer, ...]:
        """The layers of a side that have weights."""
        layers: tuple[Kinds, ...] = self.encoder if side == "encoder" else self.decoder
        return tuple(layer for layer in layers if isinstance(layer, Layer))

    @property
    def downscale(self) -> int:
        """Divisor of an image's width and height that the encoder's strides and factors ask for."""
        return self.encoder_network.multiple

    def where(self, *key: str | int) -> str:
        """``FILE:LINE: KEY`` of a key in this specification, for an `HwgenError`."""
        return self._marks.where(*key)

    def frame_symbols(self, width: int, height: int) -> int:
        """k: complex symbols of one frame, before any precoding."""
        return (self.latent_channels * math.prod(self.encoder_network.output_size(height, width)) + 1) // 2

    def check_frame(self, width: int, height: int, where: str, channel: Channel | None = None) -> None:
        """Refuse a frame that the encoder's strides do not divide, or whose symbols a channel cannot carry.

        Parameters
        ----------
        channel : Channel, optional
            Instead of the specification's.

        Raises
        ------
        HwgenError
            At `where`, for a width or height that is not a positive multiple of `downscale`, layers that do not lead
            back to it, or a number of symbols that the channel cannot carry.
        """
        if width < 1 or height < 1 or width % self.downscale or height % self.downscale:
            raise HwgenError(where, f"width and height that are multiples of {self.downscale} "
                                    f"(the encoder's strides)", f"{width}x{height}")
        try:
            self._check_sizes(width, height)
        except PydanticCustomError as error:
            found = error.context or {}
            at = f"{where}: {show_key(found['key'])}"
            raise HwgenError(at, found["wanted"], found["got"]) from None
        if max(width, height) > MOST_SIDE:
            raise HwgenError(where, f"a width and a height of at most {MOST_SIDE}", f"{width}x{height}")
        if width * height > MOST_PIXELS:
            raise HwgenError(where, f"at most {MOST_PIXELS} pixels", f"{width}x{height}")
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
            There is no decoder, no `training` or no `data` section, or images are grey.
        """
        for key, value in (("decoder", self.decoder), ("training", self.training), ("data", self.data)):
            if not value:
                raise HwgenError(self.where(key), "this key: training needs it", "nothing")
        if self.frame.channels != 3:
            wanted = "3: training knows colour images"
            raise HwgenError(self.where("frame", "channels"), wanted, str(self.frame.channels))
        assert self.training is not None
        return self.training

    @property
    def _networks(self) -> tuple[Network, ...]:
        return (self.encoder_network, self.decoder_network) if self.decoder else (self.encoder_network,)

    def _placed(self, side: Side, counts: Sequence[int] | None) -> Network:
        if side == "encoder":
            return place(side, self.encoder, Stream(self.frame.channels, 8, False), counts)
        return place(side, self.decoder, Stream(self.latent_channels, RECEIVED_BITS, True), counts)

    def _surviving(self, side: Side) -> tuple[int, ...]:
        layers: tuple[Kinds, ...] = self.encoder if side == "encoder" else self.decoder
        dense = tuple(layer.channels for layer in self.convolutions(side))
        if self.pruning.channels is not None:
            return getattr(self.pruning.channels, side)
        if self._pruned_share is None or not layers:
            return dense
        return by_ratio(self.parent(side), self._pruned_share, self._protected(side))

    def _protected(self, side: Side) -> tuple[str, ...]:
        """Convolutions that keep all their channels."""
        return getattr(self.pruning.protected, side, ())

    @property
    def _pruned_share(self) -> Fraction | None:
        """Pruning's: 0.4 means two fifths, not the nearest double."""
        return None if self.pruning.ratio is None else Fraction(str(self.pruning.ratio))

    @model_validator(mode="after")
    def _consistent(self) -> ModelSpec:
        for index, layer in enumerate(self.encoder):
            if getattr(layer, "activation", "none") == "clamp":
                raise wrong("another one: clamp is the image's", "clamp", "encoder", index, "activation")
        dense = self.parent("encoder")
        multiple = dense.multiple
        for axis in ("width", "height"):
            size = getattr(self.frame, axis)
            if size % multiple:
                raise wrong(f"a multiple of {multiple} (the encoder's strides)", size, "frame", axis)
        latent = dense.last.given
        decoder = None
        if self.decoder:
            decoder = place("decoder", self.decoder, Stream(latent.channels, RECEIVED_BITS, True))
            _check_decoder(decoder, latent.scale, self.frame.channels)
        if self.pruning.protected is not None:
            _check_protected(dense, self.pruning.protected.encoder)
            _check_protected(decoder, self.pruning.protected.decoder)
        if self.pruning.channels is not None:
            _check_surviving(dense, self.pruning.channels.encoder)
            if decoder is not None or self.pruning.channels.decoder:
                _check_surviving(decoder, self.pruning.channels.decoder)
        _ = self._networks  # what pruning leaves fits together too
        self._check_sizes(self.frame.width, self.frame.height)
        multiple, symbols = self.channel.symbol_multiple, self.frame_symbols(self.frame.width, self.frame.height)
        if symbols % multiple:
            raise wrong(f"a multiple of {multiple} symbols per frame (channel {self.channel.kind})", symbols, "frame")
        if self.bandwidth_ratio is not None:
            ratio = latent.channels * latent.scale**2 / (2 * self.frame.channels)  # 2 values a symbol
            if Fraction(self.bandwidth_ratio) != ratio:
                raise wrong(f"{ratio} (the last encoder layer's {latent.channels} channels at "
                            f"{latent.scale} of width and height)", self.bandwidth_ratio, "bandwidth_ratio")
        if self.training is not None:
            if not self.decoder:
                raise wrong("this key: a model with a training section needs a decoder", "nothing", "decoder")
            if self.training.power == "average" and self.gain.mode != "static":
                raise wrong("image with gain.mode per_image", "average", "training", "power")
            if self.training.crop % self.downscale:
                raise wrong(f"a multiple of {self.downscale} (the encoder's strides)", self.training.crop,
                            "training", "crop")
            self._check_crop(self.training.crop)
        return self

    def _check_crop(self, side: int) -> None:
        try:
            self._check_sizes(side, side)
        except PydanticCustomError as error:
            found = error.context or {}
            raise wrong(f"a side for which there are {found['wanted']}", side, "training", "crop") from None

    def _check_sizes(self, width: int, height: int) -> None:
        rows, columns = self.encoder_network.output_size(height, width)
        if rows < 1 or columns < 1:
            raise wrong("layers that leave something of the frame", f"{columns}x{rows}", "encoder")
        if self.decoder:
            found = self.decoder_network.output_size(rows, columns)
            if found != (height, width):
                raise wrong(f"layers that lead back to {width}x{height}", f"{found[1]}x{found[0]}", "decoder")


def _check_decoder(network: Network, scale: Fraction, colours: int) -> None:
    """The decoder leads back to the image, which only its end makes."""
    end, last = network.ends[0], network.last
    for placed in network.layers:
        activation = getattr(placed.layer, "activation", "none")
        if placed.name not in network.fixed and activation == "clamp":
            wanted = "another one (clamp only where values reach the image as they are)"
            raise wrong(wanted, activation, "decoder", placed.index, "activation")
        if placed is not end and activation == "clamp" and placed.given.bits != 8:
            raise wrong("8, a pixel's", placed.given.bits, "decoder", placed.index, "activation_bits")
    if not isinstance(end.layer, (Layer, Add)):
        raise wrong("a convolution or a sum, before nothing but depth_to_space", end.name, "decoder", end.index)
    if isinstance(end.layer, Layer) and end.layer.complex:
        raise wrong("false in the last layer", "true", "decoder", end.index, "complex")
    if last.given.channels != colours:
        what = "3 (red, green, blue)" if colours == 3 else "1 (grey)"
        raise wrong(f"{what} in the last layer", last.given.channels, "decoder", last.index, "channels")
    known = ("clamp",) if isinstance(end.layer, Add) else ("clamp", "sigmoid")
    if end.layer.activation not in known:
        wanted = f"{' or '.join(known)} in the last layer"
        raise wrong(wanted, end.layer.activation, "decoder", end.index, "activation")
    if last.given.scale * scale != 1:
        raise wrong(f"strides whose product is {1 / scale}, as the encoder's", last.given.scale, "decoder")


def _check_protected(network: Network | None, names: tuple[str, ...]) -> None:
    layers = [one.name for one in network.layers if isinstance(one.layer, Layer)] if network else []
    for index, name in enumerate(names):
        if name not in layers:
            at = "pruning", "protected", network.side if network else "decoder", index
            raise wrong(f"a convolution of it: {', '.join(layers) or 'none'}", name, *at)


def _check_surviving(network: Network | None, counts: tuple[int, ...]) -> None:
    side = network.side if network else "decoder"
    layers = [one for one in network.layers if isinstance(one.layer, Layer)] if network else []
    if len(counts) != len(layers):
        raise wrong(f"{len(layers)} counts, one for each layer", len(counts), "pruning", "channels", side)
    assert network is not None, "without layers there are no counts"
    for index, (placed, count) in enumerate(zip(layers, counts, strict=True)):
        assert isinstance(placed.layer, Layer)
        dense = placed.layer.channels
        if count > dense:
            raise wrong(f"at most the parent's {dense}", count, "pruning", "channels", side, index)
        if count != dense and placed.name in network.fixed:
            what = "the last layer is" if placed is network.last else "channels of the output are"
            raise wrong(f"{dense}: {what} not prunable", count, "pruning", "channels", side, index)
    surviving(channel_groups(network).groups, network, counts)


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
    elif text and path.is_dir():
        path = path / "spec.yaml"
    elif not text or not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise HwgenError("--model", f"a path or one of {', '.join(available()) or 'no models yet'}",
                         show_value(text))
    spec, marks = load_yaml(path, ModelSpec)
    spec._marks = marks
    return spec
