"""Specifications: what is read from a good one, and the exact error of every bad one."""

from __future__ import annotations

import os
import re
import typing
from fractions import Fraction
from pathlib import Path

import pydantic
import pytest
from support.spec_texts import GOOD, TOP_KEYS, error_of, write

from hwgen.bench import shipped
from hwgen.errors import HwgenError
from hwgen.spec import model as spec
from hwgen.spec.model import ModelSpec
from hwgen.yamlmarks import Frozen


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


@pytest.mark.parametrize("name", shipped.MODELS)
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
    streams = [[one.given.channels for one in network.layers]
               for network in (model.encoder_network, model.decoder_network)]  # fmt: skip
    assert (model.encoder_channels, model.decoder_channels) == ((10, 8), (5, 3))
    assert streams == [[10, 16], [10, 3]]
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
    assert (layer.pads, layer.output_padding) == ((padding, padding), output_padding)
    for size in (1, 2, 5, 8):
        assert (size - 1) * stride - 2 * layer.pads[0] + kernel + layer.output_padding == stride * size


def test_ofdm(tmp_path: Path) -> None:
    model = spec.load(write(tmp_path, GOOD.replace("{snr_db: [0, 20]}", "{kind: ofdm}")))
    assert (model.channel.taps, model.channel.subcarriers, model.channel.equaliser) == (4, 64, "mmse")
    model.check_frame(32, 16, "--frame")
    model.check_frame(36, 16, "--frame", spec.Channel())
    with pytest.raises(HwgenError) as caught:
        model.check_frame(36, 16, "--frame")
    assert str(caught.value) == ("--frame: wanted a frame whose number of symbols is a multiple of 64 (channel ofdm), "
                                 "got 36x16 with 288 symbols")


def test_refuses_what_is_no_mapping(tmp_path: Path) -> None:
    for text, got in (("", "an empty file"), ("- a\n", "['a']"), ("text\n", "'text'")):
        path = write(tmp_path, text)
        assert error_of(path) == f"{path}:1: wanted a mapping with the keys {TOP_KEYS}, got {got}"


def test_refuses_binary(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"format_version: 1\xff\n")
    assert error_of(path) == f"{path}: wanted UTF-8 text, got byte 0xff at offset 17"
    path.write_bytes(b"a: \x00\n")
    assert error_of(path).startswith(f"{path}:1: wanted plain YAML, got the character U+0000")


def test_refuses_deep_nesting(tmp_path: Path) -> None:
    path = write(tmp_path, "a: " + "[" * 3000)
    assert error_of(path) == f"{path}:1: wanted plain YAML, got more than 16 levels, one in another"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "9" * 5000, ":1: a: wanted a number of at most 64 characters, got one of 5000"),
        ("a: [0." + "9" * 64 + "]", ":1: a[0]: wanted a number of at most 64 characters, got one of 66"),
        ("a: '" + "x" * (1 << 18) + "'", ": wanted a YAML file of at most 262144 bytes, got 262149 bytes"),
        ("".join(" " * level + "a:\n" for level in range(20)), ":16: wanted plain YAML, got more than 16 levels"),
    ],
)
def test_refuses_what_is_too_much(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    assert error_of(path).startswith(f"{path}{message}")


def test_refuses_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "spec.yaml")
    assert error_of(tmp_path / "spec.yaml") == f"{tmp_path}/spec.yaml: wanted a YAML file, got no regular file"


def test_refuses_too_many_layers_and_pixels(tmp_path: Path) -> None:
    start = "format_version: 1\ndescription: d\nframe: {width: 8, height: 8}\nencoder:\n"
    layer = "  - {kernel: 1, channels: 2, activation: none, weight_bits: 8, activation_bits: 8}\n"
    assert error_of(write(tmp_path, start + 257 * layer)).endswith("encoder: wanted at most 256 of them, got 257")
    path = write(tmp_path, (start + layer).replace("width: 8, height: 8", "width: 8193, height: 8192"))
    assert error_of(path).endswith(":3: frame: wanted at most 67108864 pixels, got 8193x8192")
    with pytest.raises(HwgenError, match="--frame: wanted at most 67108864 pixels, got 8193x8192"):
        spec.load(write(tmp_path, start + layer)).check_frame(8193, 8192, "--frame")


def test_refuses_an_unreadable_file(tmp_path: Path) -> None:
    assert error_of(tmp_path) == f"{tmp_path}/spec.yaml: wanted a YAML file, got no such file"
    assert error_of(tmp_path / "x.yaml") == f"{tmp_path}/x.yaml: wanted a YAML file, got no such file"
    (tmp_path / "d.yaml").mkdir()
    (tmp_path / "d.yaml" / "spec.yaml").mkdir()
    assert error_of(tmp_path / "d.yaml") == (f"{tmp_path}/d.yaml/spec.yaml: wanted a readable YAML file, "
                                             "got Is a directory")


def test_unknown_name_lists_the_known() -> None:
    assert error_of("nix") == f"--model: wanted a path or one of {', '.join(spec.available())}, got 'nix'"
    assert {"tiny", "cifar10_conv", "cityscapes_conv"} <= set(spec.available())


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
