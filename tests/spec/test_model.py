"""Specifications: what is read from a good one, and the exact error of every bad one."""

from __future__ import annotations

import re
import typing
from fractions import Fraction
from pathlib import Path

import pydantic
import pytest

from hwgen.errors import HwgenError
from hwgen.spec import model as spec
from hwgen.spec.model import ModelSpec
from hwgen.yamlmarks import Frozen

GOOD = """\
format_version: 1
description: one line
frame: {width: 64, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 10}
  - kernel: 3
    channels: 7
    activation: relu
    weight_bits: 4
  - {kernel: 5, stride: 2, channels: 16, activation: none, activation_bits: 6}
decoder:
  - {kernel: 5, stride: 2, channels: 13}
  - {kernel: 5, stride: 2, channels: 3, activation: clamp}
pruning:
  ratio: 0.4
channel: {snr_db: [0, 20]}
bandwidth_ratio: 1/6
data: {license: free, source: nowhere}
training:
  crop: 32
  float: {steps: 10, lr: 1e-3}
  finetune: {steps: 5, lr: 5.0e-4}
  qat: {steps: 2, lr: 0.0001}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def error_of(path: Path | str) -> str:
    with pytest.raises(HwgenError) as caught:
        spec.load(path)
    return str(caught.value)


def test_values_and_defaults(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD))
    assert (model.frame.width, model.frame.height) == (64, 32)
    first, second, last = model.encoder
    assert first == spec.Layer(kernel=5, stride=2, channels=10, activation="prelu", weight_bits=8, activation_bits=8)
    assert (second.stride, second.activation, second.weight_bits) == (1, "relu", 4)
    assert (last.activation, last.activation_bits) == ("none", 6)
    assert [layer.activation for layer in model.decoder] == ["prelu", "clamp"]
    assert (model.channel.kind, model.channel.snr_db, model.channel.power) == ("awgn", (0.0, 20.0), 1.0)
    assert (model.symbols.bits, model.symbols.fraction, model.gain.mode) == (16, 12, "static")
    assert model.training is not None
    assert (model.training.seed, model.training.crop, model.training.batch) == (1, 32, 16)
    assert (model.training.float.lr, model.training.qat.lr) == (0.001, 0.0001)
    assert model.downscale == 4
    assert model.check_trainable() is model.training


def test_paths_follow_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    path = write(folder, GOOD)
    for model in (spec.load(path), spec.load(folder), spec.load(str(folder))):
        assert model.name == "mine"
        assert model.path == path
        assert model.checkpoint_path == folder / "checkpoint.safetensors"
        assert model.graph_path == folder / "graph.json"
        assert model.weights_path == folder / "weights.npz"
    other = path.rename(folder / "second.yaml")
    model = spec.load(other)
    assert (model.name, model.graph_path) == ("second", folder / "second" / "graph.json")


def test_is_frozen(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD))
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        model.frame = spec.Frame(width=4, height=4)  # type: ignore[misc]
    assert model == spec.load(model.path)
    assert hash(model) == hash(spec.load(model.path))


@pytest.mark.parametrize("name", ["tiny", "cifar10_int8", "cityscapes_int8", "mimo2x2_int8", "complex_int8"])
def test_shipped_models_are_valid(name: str) -> None:
    model = spec.load(name)
    assert model.name == name
    assert model.check_trainable().float.steps > 0
    assert model.bandwidth_ratio is not None


@pytest.mark.parametrize(("dense", "ratio", "surviving"), [
    # Removed channels are rounded up, so that the ratio is reached; the last layer is not prunable.
    ([10, 10, 16], 0.4, (6, 6, 16)),
    ([11, 7, 16], 0.4, (6, 4, 16)),
    ([30, 1, 16], 0.1, (27, 1, 16)),  # 30 * 0.1 is a little more than 3 in floating point
    ([10, 3, 16], 0.99, (1, 1, 16)),
    ([10, 3, 16], 0, (10, 3, 16)),
])
def test_ratio_gives_surviving_counts(tmp_path: Path, dense: list[int], ratio: float,
                                      surviving: tuple[int, ...]) -> None:
    layers = "".join(f"  - {{kernel: 3, channels: {n}}}\n" for n in dense)
    model = spec.load(write(tmp_path, f"format_version: 1\ndescription: d\nframe: {{width: 8, height: 8}}\n"
                                      f"encoder:\n{layers}pruning: {{ratio: {ratio}}}\n"))
    assert model.encoder_channels == surviving
    assert model.decoder_channels == ()
    removed = sum(dense[:-1]) - sum(surviving[:-1])
    assert ratio == 0.99 or removed >= Fraction(str(ratio)) * (sum(dense[:-1]) - 1)


def test_explicit_surviving_counts(tmp_path: Path) -> None:
    text = GOOD.replace("  ratio: 0.4", "  channels: {encoder: [3, 7, 16], decoder: [13, 3]}")
    model = spec.load(write(tmp_path, text))
    assert model.encoder_channels == (3, 7, 16)
    assert model.decoder_channels == (13, 3)


def test_without_pruning_every_channel_survives(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD.replace("pruning:\n  ratio: 0.4\n", "")))
    assert model.encoder_channels == (10, 7, 16)


COMPLEX = """\
format_version: 1
description: complex adaptation layers
frame: {width: 32, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 12}
  - {kernel: 3, channels: 8, complex: true, imag_weight_bits: 6, imag_activation_bits: 6, activation: none}
decoder:
  - {kernel: 3, channels: 7, complex: true, weight_bits: 7}
  - {kernel: 4, stride: 2, channels: 3, activation: sigmoid}
pruning: {channels: {encoder: [10, 8], decoder: [5, 3]}}
channel: {kind: mimo2x2, scheme: alamouti}
gain: {mode: per_image}
bandwidth_ratio: 2/3
"""


def test_complex_layers(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, COMPLEX))
    assert (model.encoder_channels, model.encoder_stream_channels) == ((10, 8), (10, 16))
    assert (model.decoder_channels, model.decoder_stream_channels) == ((5, 3), (10, 3))
    plain, last = model.encoder
    assert (plain.complex, plain.parts, plain.imag_weight_bits, plain.imag_activation_bits) == (False, 1, 0, 0)
    assert (last.complex, last.parts, last.imag_weight_bits, last.imag_activation_bits) == (True, 2, 6, 6)
    first = model.decoder[0]
    assert (first.imag_weight_bits, first.imag_activation_bits) == (7, 8), "as the real part's"
    assert model.received_imag_bits == 8
    assert (model.channel.scheme, model.channel.equaliser, model.gain.mode) == ("alamouti", "mmse", "per_image")
    assert model.frame_symbols(64, 32) == 8 * 32 * 16
    assert hash(model) == hash(spec.load(model.path))


@pytest.mark.parametrize(("kernel", "stride", "padding", "output_padding"), [
    (1, 1, 0, 0), (3, 1, 1, 0), (5, 1, 2, 0), (7, 1, 3, 0),
    (1, 2, 0, 1), (2, 2, 0, 0), (3, 2, 1, 1), (4, 2, 1, 0), (5, 2, 2, 1), (6, 2, 2, 0), (7, 2, 3, 1),
])
def test_transposed_layers_keep_the_size(kernel: int, stride: int, padding: int, output_padding: int) -> None:
    layer = spec.DecoderLayer(kernel=kernel, stride=stride, channels=1)
    assert (layer.padding, layer.output_padding) == (padding, output_padding)
    for size in (1, 2, 5, 8):
        assert (size - 1) * stride - 2 * layer.padding + kernel + layer.output_padding == stride * size


def test_ofdm(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD.replace("{snr_db: [0, 20]}", "{kind: ofdm}")))
    assert (model.channel.taps, model.channel.subcarriers, model.channel.equaliser) == (4, 64, "mmse")
    model.check_frame(32, 16, "--frame")
    model.check_frame(36, 16, "--frame", spec.Channel())
    with pytest.raises(HwgenError) as caught:
        model.check_frame(36, 16, "--frame")
    assert str(caught.value) == ("--frame: wanted a frame whose number of symbols is a multiple of 64 (channel ofdm), "
                                 "got 36x16 with 288 symbols")


FIRST = "{kernel: 5, stride: 2, channels: 10}"
LAST = "{kernel: 5, stride: 2, channels: 3, activation: clamp}"
LAYER_KEYS = ("kernel, stride, channels, activation, weight_bits, activation_bits, complex, imag_weight_bits, "
              "imag_activation_bits")
TOP_KEYS = ("format_version, description, frame, encoder, decoder, pruning, channel, symbols, gain, "
            "bandwidth_ratio, data, training")

BAD = {
    # YAML itself
    "not YAML": ("frame: {width: 64, height: 32}", "frame: {width: 64",
                 "4: wanted plain YAML, got expected ',' or '}', but got ':'"),
    "tab": ("  ratio: 0.4", "\tratio: 0.4",
            "15: wanted plain YAML, got found character '\\t' that cannot start any token"),
    "duplicate key": ("frame:", "format_version: 1\nframe:",
                      "3: format_version: wanted every key once, got a second 'format_version' (first in line 1)"),
    "alias": (FIRST, "&a {kernel: 5, stride: 2, channels: 10}\n  - *a",
              "6: wanted plain YAML, got an alias (*name): write the value out"),
    "tag": ("one line", "!!python/object:os.system x",
            "2: description: wanted plain YAML, got the tag tag:yaml.org,2002:python/object:os.system"),
    "list as key": ("frame:", "? [a, b]\n: 1\nframe:", "3: document: wanted text as a key, got a collection"),
    "two documents": ("frame:", "---\nframe:", "3: wanted plain YAML, got but found another document"),
    # keys
    "unknown key": ("frame:", "farme: 1\nframe:", f"3: farme: wanted one of the keys {TOP_KEYS}, got an unknown key"),
    "misspelt key": ("frame:", "farme:", f"3: farme: wanted one of the keys {TOP_KEYS}, got an unknown key"),
    "unknown layer key": (FIRST, "{kernel: 5, stride: 2, channels: 10, padding: 1}",
                          f"5: encoder[0].padding: wanted one of the keys {LAYER_KEYS}, got an unknown key"),
    "unknown training key": ("  crop: 32", "  corp: 32", "20: training.corp: wanted one of the keys seed, crop, batch, "
                                                         "finetune, qat, float, got an unknown key"),
    "missing key": ("description: one line\n", "", "1: description: wanted this key, got nothing"),
    "missing layer key": ("  - kernel: 3\n    channels: 7", "  - kernel: 3",
                          "6: encoder[1].channels: wanted this key, got nothing"),
    # types
    "unknown format": ("format_version: 1", "format_version: 2", "1: format_version: wanted 1, got 2"),
    "boolean as integer": ("format_version: 1", "format_version: true",
                           "1: format_version: wanted an integer, got True"),
    "text as integer": ("width: 64", "width: wide", "3: frame.width: wanted an integer, got 'wide'"),
    "quoted integer": ("width: 64", "width: '64'", "3: frame.width: wanted an integer, got '64'"),
    "fraction as integer": ("width: 64", "width: 64.5", "3: frame.width: wanted an integer, got 64.5"),
    "empty value": ("one line", "", "2: description: wanted text, got nothing"),
    "empty text": ("one line", "''", "2: description: wanted text that is not empty, got ''"),
    "integer as text": ("one line", "12", "2: description: wanted text, got 12"),
    "list as mapping": ("{width: 64, height: 32}", "[64, 32]", "3: frame: wanted a mapping, got [64, 32]"),
    "mapping as list": ("{snr_db: [0, 20]}", "{snr_db: 10}", "16: channel.snr_db: wanted a list, got 10"),
    "text as number": ("ratio: 0.4", "ratio: most", "15: pruning.ratio: wanted a number, got 'most'"),
    "infinite": ("lr: 0.0001", "lr: 1e999", "23: training.qat.lr: wanted a finite number, got inf"),
    # layers
    "zero channels": (FIRST, "{kernel: 5, stride: 2, channels: 0}",
                      "5: encoder[0].channels: wanted an integer from 1 to 4096, got 0"),
    "negative channels": ("channels: 7", "channels: -7",
                          "7: encoder[1].channels: wanted an integer from 1 to 4096, got -7"),
    "even kernel": ("kernel: 3", "kernel: 4", "6: encoder[1].kernel: wanted an odd number from 1 to 7, got 4"),
    "large kernel": ("kernel: 3", "kernel: 9", "6: encoder[1].kernel: wanted an odd number from 1 to 7, got 9"),
    "stride 3": (FIRST, "{kernel: 5, stride: 3, channels: 10}",
                 "5: encoder[0].stride: wanted an integer from 1 to 2, got 3"),
    "1 bit": ("weight_bits: 4", "weight_bits: 1", "9: encoder[1].weight_bits: wanted an integer from 2 to 8, got 1"),
    "9 bits": ("activation_bits: 6", "activation_bits: 9",
               "10: encoder[2].activation_bits: wanted an integer from 2 to 8, got 9"),
    "activation": ("relu", "gelu", "8: encoder[1].activation: wanted 'none', 'relu' or 'prelu', got 'gelu'"),
    "clamp in the encoder": ("relu", "clamp",
                             "8: encoder[1].activation: wanted 'none', 'relu' or 'prelu', got 'clamp'"),
    "no layers": (GOOD[GOOD.index("encoder:"):GOOD.index("decoder:")], "encoder: []\n",
                  "4: encoder: wanted at least 1 of them, got 0"),
    "complex in a real layer": ("{kernel: 5, stride: 2, channels: 10}",
                                "{kernel: 5, stride: 2, channels: 10, imag_weight_bits: 4}",
                                "5: encoder[0].imag_weight_bits: wanted this key in complex layers only, got 4"),
    "complex of an odd number": (FIRST, "{kernel: 5, stride: 2, channels: 10, complex: true}",
                                 "5: encoder[0].complex: wanted an even number of channels before a complex layer, "
                                 "got 3"),
    "complex of what is left": ("  - {kernel: 5, stride: 2, channels: 13}",
                                "  - {kernel: 5, channels: 6}\n  - {kernel: 3, channels: 4, complex: true}\n"
                                "  - {kernel: 5, stride: 2, channels: 13}\n  - {kernel: 5, channels: 13}\n",
                                "13: decoder[1].complex: wanted an even number of channels before a complex layer, "
                                "got 3"),
    "imaginary bits": ("activation: none, activation_bits: 6}",
                       "activation: none, activation_bits: 6, complex: true, imag_activation_bits: 7}",
                       "10: encoder[2].imag_activation_bits: wanted an integer from 2 to 6, the activation_bits, "
                       "got 7"),
    "complex relu": ("activation: none, activation_bits: 6}", "activation: relu, complex: true}",
                     "10: encoder[2].activation: wanted none or prelu in a complex layer, got relu"),
    "complex image": (LAST, "{kernel: 5, channels: 3, activation: none, complex: true}",
                      "13: decoder[1].complex: wanted false in the last layer, got true"),
    "complex stride": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 5, stride: 2, channels: 13, complex: true}",
                       "12: decoder[0].stride: wanted 1 in a complex layer of the decoder, got 2"),
    "even kernel at stride 1": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 4, channels: 13}",
                                "12: decoder[0].kernel: wanted an odd number from 1 to 7 (at stride 2 even ones too), "
                                "got 4"),
    "decoder's end": (LAST, "{kernel: 5, stride: 2, channels: 4, activation: clamp}",
                      "13: decoder[1].channels: wanted 3 (red, green, blue) in the last layer, got 4"),
    "decoder's last activation": (", activation: clamp", "",
                                  "13: decoder[1].activation: wanted clamp or sigmoid in the last layer, got prelu"),
    "clamp too early": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 5, channels: 13, activation: sigmoid}",
                        "12: decoder[0].activation: wanted none, relu or prelu (clamp and sigmoid only in the last "
                        "layer), got sigmoid"),
    "decoder's strides": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 5, channels: 13}",
                          "11: decoder: wanted strides whose product is 4, as the encoder's, got 2"),
    # pruning
    "ratio and channels": ("  ratio: 0.4", "  ratio: 0.4\n  channels: {encoder: [10, 7, 16]}",
                           "14: pruning: wanted exactly one of ratio and channels, got both"),
    "neither": ("  ratio: 0.4", "  criterion: l1",
                "14: pruning: wanted exactly one of ratio and channels, got neither"),
    "criterion none": ("  ratio: 0.4", "  criterion: none\n  ratio: 0.4",
                       "15: pruning.criterion: wanted neither ratio nor channels with criterion none, got one of them"),
    "unknown criterion": ("  ratio: 0.4", "  ratio: 0.4\n  criterion: l3",
                          "16: pruning.criterion: wanted 'l1', 'l2', 'random' or 'none', got 'l3'"),
    "all pruned": ("ratio: 0.4", "ratio: 1.0", "15: pruning.ratio: wanted less than 1.0, got 1.0"),
    "negative ratio": ("ratio: 0.4", "ratio: -0.1", "15: pruning.ratio: wanted at least 0.0, got -0.1"),
    "surviving > parent": ("ratio: 0.4", "channels: {encoder: [10, 8, 16], decoder: [13, 3]}",
                           "15: pruning.channels.encoder[1]: wanted at most the parent's 7, got 8"),
    "none surviving": ("ratio: 0.4", "channels: {encoder: [10, 0, 16], decoder: [13, 3]}",
                       "15: pruning.channels.encoder[1]: wanted at least 1, got 0"),
    "counts missing": ("ratio: 0.4", "channels: {encoder: [10, 16], decoder: [13, 3]}",
                       "15: pruning.channels.encoder: wanted 3 counts, one for each layer, got 2"),
    "decoder's counts missing": ("ratio: 0.4", "channels: {encoder: [10, 7, 16]}",
                                 "15: pruning.channels.decoder: wanted 2 counts, one for each layer, got 0"),
    "last layer pruned": ("ratio: 0.4", "channels: {encoder: [10, 7, 15], decoder: [13, 3]}",
                          "15: pruning.channels.encoder[2]: wanted 16: the last layer is not prunable, got 15"),
    # what follows from several keys
    "k/n": ("1/6", "1/12", "17: bandwidth_ratio: wanted 1/6 (the last encoder layer's 16 channels at 1/4 of width and "
                           "height), got 1/12"),
    "k/n as a number": ("1/6", "0.1667", "17: bandwidth_ratio: wanted text, got 0.1667"),
    "k/n as text": ("1/6", "1:6", "17: bandwidth_ratio: wanted k/n, such as 1/6, got '1:6'"),
    "frame": ("height: 32", "height: 30", "3: frame.height: wanted a multiple of 4 (the encoder's strides), got 30"),
    "crop": ("crop: 32", "crop: 33", "20: training.crop: wanted a multiple of 4 (the encoder's strides), got 33"),
    "trained without decoder": (GOOD[GOOD.index("decoder:"):GOOD.index("pruning:")], "",
                                "1: decoder: wanted this key: a model with a training section needs a decoder, "
                                "got nothing"),
    # the rest
    "SNRs": ("[0, 20]", "[20, 0]", "16: channel.snr_db: wanted the lowest SNR, then the highest, got [20.0, 0.0]"),
    "one SNR": ("[0, 20]", "[20]", "16: channel.snr_db: wanted at least 2 of them, got 1"),
    "three SNRs": ("[0, 20]", "[0, 10, 20]", "16: channel.snr_db: wanted at most 2 of them, got 3"),
    "no power": ("{snr_db: [0, 20]}", "{power: 0}", "16: channel.power: wanted a number from 2^-16 to 16, got 0.0"),
    "unknown channel": ("{snr_db: [0, 20]}", "{kind: fibre}",
                        "16: channel.kind: wanted 'awgn', 'rayleigh', 'mimo2x2' or 'ofdm', got 'fibre'"),
    "equaliser": ("{snr_db: [0, 20]}", "{equaliser: zf}",
                  "16: channel.equaliser: wanted this key with kind rayleigh or mimo2x2 or ofdm only, got kind awgn"),
    "scheme": ("{snr_db: [0, 20]}", "{kind: rayleigh, scheme: svd}",
               "16: channel.scheme: wanted this key with kind mimo2x2 only, got kind rayleigh"),
    "taps": ("{snr_db: [0, 20]}", "{kind: mimo2x2, taps: 2}",
             "16: channel.taps: wanted this key with kind ofdm only, got kind mimo2x2"),
    "no combiner": ("{snr_db: [0, 20]}", "{kind: mimo2x2, equaliser: none}",
                    "16: channel.equaliser: wanted zf or mmse with kind mimo2x2, got none"),
    "carriers": ("{snr_db: [0, 20]}", "{kind: ofdm, subcarriers: 48}",
                 "16: channel.subcarriers: wanted a power of two, got 48"),
    "too many taps": ("{snr_db: [0, 20]}", "{kind: ofdm, taps: 32, subcarriers: 16}",
                      "16: channel.taps: wanted at most the 16 subcarriers, got 32"),
    "symbols of a frame": ("{snr_db: [0, 20]}", "{kind: ofdm, subcarriers: 2048}",
                           "3: frame: wanted a multiple of 2048 symbols per frame (channel ofdm), got 1024"),
    "symbols": ("channel:", "symbols: {bits: 12}\nchannel:", "16: symbols.bits: wanted 16, got 12"),
    "gain": ("channel:", "gain: {mode: loud}\nchannel:",
             "16: gain.mode: wanted 'static' or 'per_image', got 'loud'"),
    "seed": ("  crop: 32", "  seed: -1", "20: training.seed: wanted at least 0, got -1"),
    "learning rate": ("lr: 0.0001", "lr: 0", "23: training.qat.lr: wanted more than 0.0, got 0"),
    "steps": ("steps: 2,", "steps: -2,", "23: training.qat.steps: wanted at least 0, got -2"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(tmp_path: Path, case: str) -> None:
    old, new, message = BAD[case]
    assert GOOD.count(old) == 1, "the table's text is not unique"
    path = write(tmp_path, GOOD.replace(old, new))
    assert error_of(path) == f"{path}:{message}"


def test_refuses_what_is_no_mapping(tmp_path: Path) -> None:
    for text, got in (("", "an empty file"), ("- a\n", "['a']"), ("text\n", "'text'")):
        path = write(tmp_path, text)
        assert error_of(path) == f"{path}:1: wanted a mapping with the keys {TOP_KEYS}, got {got}"


def test_refuses_binary(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"format_version: 1\xff\n")
    assert error_of(path) == f"{path}: wanted UTF-8 text, got byte 0xff at offset 17"
    path.write_bytes(b"a: \x00\n")
    assert error_of(path).startswith(f"{path}: wanted plain YAML, got unacceptable character #x0000")


def test_refuses_deep_nesting(tmp_path: Path) -> None:
    path = write(tmp_path, "a: " + "[" * 3000)
    assert error_of(path) == f"{path}: wanted plain YAML, got brackets nested too deeply"


def test_refuses_an_unreadable_file(tmp_path: Path) -> None:
    assert error_of(tmp_path) == f"{tmp_path}/spec.yaml: wanted a YAML file, got no such file"
    assert error_of(tmp_path / "x.yaml") == f"{tmp_path}/x.yaml: wanted a YAML file, got no such file"
    (tmp_path / "d.yaml").mkdir()
    (tmp_path / "d.yaml" / "spec.yaml").mkdir()
    assert error_of(tmp_path / "d.yaml") == (f"{tmp_path}/d.yaml/spec.yaml: wanted a readable YAML file, "
                                             "got Is a directory")


def test_unknown_name_lists_the_known() -> None:
    assert error_of("nix") == f"--model: wanted a path or one of {', '.join(spec.available())}, got 'nix'"
    assert {"tiny", "cifar10_int8", "cityscapes_int8"} <= set(spec.available())


def test_paths_below_the_current_folder_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD.replace("crop", "corp"))
    monkeypatch.chdir(tmp_path)
    assert error_of(tmp_path / "spec.yaml").startswith("spec.yaml:20: training.corp: ")


def test_names_a_key_for_later_errors(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD))
    assert model.where("encoder", 1, "channels") == f"{model.path}:7: encoder[1].channels"
    assert model.where("encoder", 1, "stride") == f"{model.path}:6: encoder[1].stride"  # left to its default
    assert model.where("gain", "mode") == f"{model.path}:1: gain.mode"


def test_check_frame(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD))
    model.check_frame(36, 20, "--frame")
    for width, height in ((34, 20), (36, 22), (0, 20)):
        with pytest.raises(HwgenError) as caught:
            model.check_frame(width, height, "--frame")
        assert str(caught.value) == ("--frame: wanted width and height that are multiples of 4 "
                                     f"(the encoder's strides), got {width}x{height}")


@pytest.mark.parametrize("missing", ["decoder", "training", "data"])
def test_check_trainable(tmp_path: Path, missing: str) -> None:
    text = GOOD
    for key in {missing} | ({"training"} if missing == "decoder" else set()):
        text = re.sub(rf"^{key}:.*\n(?: .*\n)*", "", text, flags=re.MULTILINE)
    model = spec.load(write(tmp_path, text))
    with pytest.raises(HwgenError) as caught:
        model.check_trainable()
    assert str(caught.value) == f"{model.path}:1: {missing}: wanted this key: training needs it, got nothing"


def keys(model: type[Frozen]) -> set[str]:
    """Every key of a model and of the models below it."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(name)
        stack: list[object] = [field.annotation]
        while stack:
            item = stack.pop()
            if isinstance(item, type) and issubclass(item, Frozen):
                found |= keys(item)
            stack.extend(typing.get_args(item))
    return found


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "model_spec.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", text))
    assert keys(ModelSpec) - documented == set()


def test_the_documents_example_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "model_spec.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    model = spec.load(write(tmp_path, example))
    assert set(re.findall(r"^([a-z_]+):", example, flags=re.MULTILINE)) == set(ModelSpec.model_fields), "show every key"
    assert model.check_trainable()
