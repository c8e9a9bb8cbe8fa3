"""Named layers: where they go, what they give, and the exact error of every network that does not fit together."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from support.spec_graphs import GRAPHS, graph_spec

from hwgen.errors import HwgenError
from hwgen.spec.model import load

HEAD = "format_version: 1\ndescription: d\nframe: {width: 16, height: 16}\n"
END = "  - {kernel: 3, channels: 4, activation: none}\n"


def error_of(folder: Path, text: str) -> str:
    path = folder / "spec.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(HwgenError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_valid(tmp_path: Path, name: str) -> None:
    spec = graph_spec(tmp_path, name)
    assert spec.latent_channels == 4
    assert spec.decoder_network.last.given.channels == spec.frame.channels
    assert spec.encoder_network.last.given.scale * spec.decoder_network.last.given.scale == 1
    spec.check_frame(64, 32, "--frame")


def test_names_and_sources(tmp_path: Path) -> None:
    network = graph_spec(tmp_path, "u").encoder_network
    assert [placed.name for placed in network.layers] == ["wide", "max_pool1", "conv2", "up", "concat4", "conv5"]
    assert [placed.sources for placed in network.layers][4:] == [("wide", "up"), ("concat4",)]
    assert [placed.given.channels for placed in network.layers] == [5, 5, 12, 3, 8, 4]
    assert [placed.given.scale for placed in network.layers] == [
        1, Fraction(1, 2), Fraction(1, 2), 1, 1, Fraction(1, 2)
    ]  # fmt: skip
    assert network.multiple == 2


def test_pruning_by_ratio_leaves_what_reaches_the_output(tmp_path: Path) -> None:
    text = GRAPHS["residual"].split(LATENT_LINE)[0]
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD + text + "pruning: {ratio: 0.5}\n")
    assert load(path).encoder_channels == (6, 3, 6, 6)


LATENT_LINE = "  - {kernel: 3, stride: 2, channels: 4, activation: none}\n"

BAD = {
    "unknown kind": ("encoder:\n  - {kind: lstm}\n",
                     "5: encoder[0].kind: wanted conv, deconv, add, concat, space_to_depth, depth_to_space, max_pool, "
                     "average_pool, got lstm"),
    "unknown key": ("encoder:\n  - {kind: add, inputs: [pixels, pixels], kernel: 3}\n",
                    "5: encoder[0].kernel: wanted one of the keys name, inputs, kind, activation, activation_bits, "
                    "got an unknown key"),
    "name": ("encoder:\n  - {kernel: 3, channels: 4, name: A-1}\n",
             "5: encoder[0].name: wanted a name of small letters, digits and _, at most 31, got 'A-1'"),
    "reserved name": ("encoder:\n  - {kernel: 3, channels: 4, name: gain}\n",
                      "5: encoder[0].name: wanted a name that nothing else has, got gain"),
    "name of a fork": ("encoder:\n  - {kernel: 3, channels: 4, name: stem}\n"
                       "  - {kernel: 3, channels: 4, name: stem_fork}\n",
                       "6: encoder[1].name: wanted another name: stem may get a stem_fork of its own, got stem_fork"),
    "name of a table": ("encoder:\n  - {kernel: 3, channels: 4, name: conv1_tanh}\n" + END,
                        "5: encoder[0].name: wanted another name: conv1 may get a conv1_tanh of its own, "
                        "got conv1_tanh"),
    "name of the port's fork": ("encoder:\n  - {kernel: 3, channels: 4, name: input_fork}\n",
                                "5: encoder[0].name: wanted another name: input may get a input_fork of its own, got "
                                "input_fork"),
    "name twice": ("encoder:\n  - {kernel: 3, channels: 4, name: conv1}\n" + END,
                   "6: encoder[1].name: wanted a name that nothing else has, got conv1"),
    "unknown input": ("encoder:\n  - {kernel: 3, channels: 4, inputs: [conv1]}\n" + END,
                      "5: encoder[0].inputs[0]: wanted the name of a layer before it, one of pixels, got conv1"),
    "one input": ("encoder:\n  - {kind: add, inputs: [pixels]}\n", "5: encoder[0].inputs: wanted 2 of them, got 1"),
    "five inputs": ("encoder:\n  - {kind: concat, inputs: [pixels, pixels, pixels, pixels, pixels]}\n",
                    "5: encoder[0].inputs: wanted 2 to 4 of them, got 5"),
    "dead end": ("encoder:\n  - {kernel: 3, channels: 4}\n  - {kernel: 3, channels: 4, inputs: [pixels]}\n",
                 "5: encoder[0]: wanted a layer that takes its output, got none for conv0"),
    "channels of a sum": ("encoder:\n  - {kernel: 3, channels: 4}\n  - {kind: add, inputs: [conv0, pixels]}\n",
                          "6: encoder[1].inputs: wanted two inputs of one number of channels, pruned alike, got "
                          "4 and 3"),
    "sizes of a sum": ("encoder:\n  - {kernel: 3, channels: 3, stride: 2}\n  - {kind: add, inputs: [conv0, pixels]}\n",
                       "6: encoder[1].inputs: wanted inputs of one size, got 1/2 and 1 of the port's"),
    "types of a concatenation": ("encoder:\n  - {kernel: 3, channels: 3}\n  - {kind: concat, inputs: [conv0, pixels]}\n"
                                 + END,
                                 "6: encoder[1].inputs: wanted inputs of one type, got 8 bits signed, 8 bits unsigned"),
    "paddings of branches": ("encoder:\n  - {kernel: 3, channels: 3, padding: 0}\n"
                             "  - {kind: add, inputs: [conv0, pixels]}\n",
                             "6: encoder[1].inputs: wanted inputs of one size, got 14x14 and 16x16"),
    "groups": ("encoder:\n  - {kernel: 3, channels: 4, groups: 2, activation: none}\n",
               "5: encoder[0].groups: wanted a divisor of the 3 channels that come in, got 2"),
    "groups of channels": ("encoder:\n  - {kernel: 3, channels: 4, groups: 3}\n",
                           "5: encoder[0].groups: wanted a divisor of 4, the channels, got 3"),
    "factor": ("encoder:\n  - {kind: depth_to_space, factor: 2}\n",
               "5: encoder[0].factor: wanted a factor whose square divides the 3 channels, got 2"),
    "windows apart": ("encoder:\n  - {kind: max_pool, kernel: 3, stride: 4}\n",
                      "5: encoder[0].stride: wanted at most the kernel, 3, got 4"),
    "a border wider than windows": ("encoder:\n  - {kind: max_pool, kernel: 3, padding: 2}\n",
                                    "5: encoder[0].padding: wanted at most half of the kernel, 1, got 2"),
    "an average without a multiplier": ("encoder:\n  - {kind: average_pool, kernel: 6}\n",
                                        "5: encoder[0].kernel: wanted a power of two or an odd number, got 6"),
    "slope": ("encoder:\n  - {kernel: 3, channels: 4, slope: 0.1}\n",
              "5: encoder[0].slope: wanted this key with activation leaky_relu only, got activation prelu"),
    "ceiling": ("encoder:\n  - {kernel: 3, channels: 4, activation: clip}\n",
                "5: encoder[0].ceiling: wanted this key: activation clip needs it, got nothing"),
    "codebook": ("encoder:\n  - {kernel: 3, channels: 4, weights: {codebook: 6}}\n",
                 "5: encoder[0].weights.codebook: wanted a power of two from 2 to 128, got 6"),
    "padding": ("encoder:\n  - {kernel: 3, channels: 4, padding: 3}\n", "5: encoder[0].padding: wanted 0 to 2, got 3"),
    "kernel": ("encoder:\n  - {kernel: [3, 1, 1], channels: 4}\n",
               "5: encoder[0].kernel: wanted an integer, or two: rows and columns, got [3, 1, 1]"),
    "patches with padding": ("encoder:\n  - {kernel: 4, stride: 4, channels: 4, padding: 1}\n",
                             "5: encoder[0].padding: wanted 0 where the kernel equals the stride, got 1"),
    "dilated patches": ("encoder:\n  - {kernel: 4, stride: 4, channels: 4, dilation: 2}\n",
                        "5: encoder[0].dilation: wanted 1 where the kernel equals the stride, got 2"),
    "complex groups": ("encoder:\n  - {kernel: 3, channels: 4}\n"
                       "  - {kernel: 3, channels: 4, complex: true, groups: 2}\n",
                       "6: encoder[1].complex: wanted neither groups nor weights in a complex layer, got one of them"),
    "deconv's padding": ("encoder:\n  - {kind: deconv, kernel: 3, channels: 4, padding: 1}\n",
                         "5: encoder[0].padding: wanted this key in layers of kind conv only, got 1"),
    "pruned apart": (GRAPHS["residual"] + "pruning: {channels: {encoder: [5, 6, 6, 6, 4], decoder: [6, 3]}}\n",
                     "15: pruning.channels.encoder[2]: wanted 5: channels of branch meet those of stem, got 6"),
    "nothing left": ("encoder:\n  - {kernel: 9, channels: 4, padding: 0, activation: none}\n"
                     "  - {kernel: 9, channels: 4, padding: 0, activation: none}\n",
                     "4: encoder: wanted layers that leave something of the frame, got 0x0"),
    "shrunk": ("encoder:\n  - {kernel: 3, channels: 4, padding: 0, activation: none}\n"
               "decoder:\n  - {kernel: 3, channels: 3, activation: clamp}\n",
               "6: decoder: wanted layers that lead back to 16x16, got 14x14"),
    "no image": ("encoder:\n" + END + "decoder:\n  - {kernel: 3, channels: 3}\n"
                 "  - {kind: add, inputs: [deconv0, deconv0]}\n",
                 "8: decoder[1].activation: wanted clamp in the last layer, got none"),
    "pooled image": ("encoder:\n" + END + "decoder:\n  - {kernel: 3, channels: 3}\n"
                     "  - {kind: max_pool, kernel: 2}\n",
                     "8: decoder[1]: wanted a convolution or a sum, before nothing but depth_to_space, got max_pool1"),
    "clamp inside": ("encoder:\n" + END + "decoder:\n  - {kernel: 3, channels: 3}\n"
                     "  - {kind: add, inputs: [deconv0, deconv0], activation: clamp}\n"
                     "  - {kernel: 3, channels: 3, activation: clamp}\n",
                     "8: decoder[1].activation: wanted another one (clamp only where values reach the image as "
                     "they are), got clamp"),
    "crop": ("encoder:\n  - {kernel: 9, channels: 4, padding: 0, activation: none}\n"
             "decoder:\n  - {kind: conv, kernel: 9, padding: 8, channels: 3, activation: clamp}\n"
             "data: {license: free, source: nowhere}\n"
             "training: {crop: 8, float: {steps: 1, lr: 1}, finetune: {steps: 1, lr: 1}, qat: {steps: 1, lr: 1}}\n",
             "9: training.crop: wanted a side for which there are layers that leave something of the frame, got 8"),
    "bits of a clamp": ("encoder:\n" + END + "decoder:\n  - {kernel: 3, channels: 3, activation: clamp, "
                        "activation_bits: 6}\n  - {kind: add, inputs: [deconv0, deconv0], activation: clamp}\n",
                        "7: decoder[0].activation_bits: wanted 8, a pixel's, got 6"),
    "grey image": ("encoder:\n" + END + "decoder:\n  - {kernel: 3, channels: 1, activation: clamp}\n",
                   "7: decoder[0].channels: wanted 3 (red, green, blue) in the last layer, got 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_refuses(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    assert error_of(tmp_path, text) == message
