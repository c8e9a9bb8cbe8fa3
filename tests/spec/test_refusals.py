"""The exact error of every bad specification."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.spec_texts import GOOD, TOP_KEYS, error_of, write

FIRST = "{kernel: 5, stride: 2, channels: 10}"
LAST = "{kernel: 5, stride: 2, channels: 3, activation: clamp}"
LAYER_KEYS = ("name, inputs, kind, kernel, stride, channels, activation, weight_bits, activation_bits, complex, "
              "imag_weight_bits, imag_activation_bits, padding, dilation, groups, slope, ceiling, weights, "
              "batch_norm")

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
    "unknown layer key": (FIRST, "{kernel: 5, stride: 2, channels: 10, pad: 1}",
                          f"5: encoder[0].pad: wanted one of the keys {LAYER_KEYS}, got an unknown key"),
    "unknown training key": ("  crop: 32", "  corp: 32", "20: training.corp: wanted one of the keys seed, crop, batch, "
                             "start, power, profiles, shares, augment, smoothing, slimming, polarisation, "
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
    "binary with more bits": (FIRST, "{kernel: 5, stride: 2, channels: 10, weights: {codebook: 2, binary: true}}",
                              "5: encoder[0].weights.binary: wanted this key with a codebook of 2 and weight_bits 2 "
                              "only, got 2 and 8"),
    "protected with counts": ("  ratio: 0.4", "  channels: {encoder: [5, 5, 16], decoder: [13, 3]}\n"
                              "  protected: {encoder: [conv0]}",
                              "16: pruning.protected: wanted this key with a ratio only, got counts"),
    "protected by another name": ("  ratio: 0.4", "  ratio: 0.4\n  protected: {decoder: [conv0]}",
                                  "16: pruning.protected.decoder[0]: wanted a convolution of it: deconv0, deconv1, got "
                                  "conv0"),
    "rounds and soft": ("  ratio: 0.4", "  ratio: 0.4\n  rounds: 2\n  soft: true",
                        "17: pruning.soft: wanted one of rounds and soft, got both"),
    "rounds of nothing": ("  ratio: 0.4", "  criterion: none\n  rounds: 2",
                          "16: pruning.rounds: wanted this key with another criterion than none only, "
                          "got criterion none"),
    "no calibration": ("pruning:", "quantisers: {weights: max}\npruning:",
                       "14: quantisers.weights: wanted 'mse', 'kl', 'min_max', 'percentile' or 'sigma', got 'max'"),
    # layers
    "zero channels": (FIRST, "{kernel: 5, stride: 2, channels: 0}",
                      "5: encoder[0].channels: wanted an integer from 1 to 4096, got 0"),
    "negative channels": ("channels: 7", "channels: -7",
                          "7: encoder[1].channels: wanted an integer from 1 to 4096, got -7"),
    "even kernel": ("kernel: 3", "kernel: 4",
                    "6: encoder[1].kernel: wanted an odd number from 1 to 9 (with padding even ones too), got 4"),
    "large kernel": ("kernel: 3", "kernel: 11",
                     "6: encoder[1].kernel: wanted an odd number from 1 to 9 (with padding even ones too), got 11"),
    "stride 3": (FIRST, "{kernel: 5, stride: 3, channels: 10}",
                 "5: encoder[0].stride: wanted 1 or 2, or 5, the kernel's, got 3"),
    "1 bit": ("weight_bits: 4", "weight_bits: 1", "9: encoder[1].weight_bits: wanted an integer from 2 to 8, got 1"),
    "9 bits": ("activation_bits: 6", "activation_bits: 9",
               "10: encoder[2].activation_bits: wanted an integer from 2 to 8, got 9"),
    "activation": ("relu", "gelu", "8: encoder[1].activation: wanted 'none', 'relu', 'prelu', 'leaky_relu', 'relu6', "
                                   "'clip', 'sigmoid', 'tanh', 'silu' or 'clamp', got 'gelu'"),
    "clamp in the encoder": ("relu", "clamp",
                             "8: encoder[1].activation: wanted another one: clamp is the image's, got clamp"),
    "no layers": (GOOD[GOOD.index("encoder:"):GOOD.index("decoder:")], "encoder: []\n",
                  "4: encoder: wanted at least 1 of them, got 0"),
    "complex in a real layer": ("{kernel: 5, stride: 2, channels: 10}",
                                "{kernel: 5, stride: 2, channels: 10, imag_weight_bits: 4}",
                                "5: encoder[0].imag_weight_bits: wanted this key in complex layers only, got 4"),
    "complex of an odd number": (FIRST, "{kernel: 5, stride: 2, channels: 10, complex: true}",
                                 "5: encoder[0].complex: wanted an even number of channels before a complex layer, "
                                 "got 3"),
    "imaginary bits": ("activation: none, activation_bits: 6}",
                       "activation: none, activation_bits: 6, complex: true, imag_activation_bits: 7}",
                       "10: encoder[2].imag_activation_bits: wanted an integer from 2 to 6, the activation_bits, "
                       "got 7"),
    "complex relu": ("activation: none, activation_bits: 6}", "activation: relu, complex: true}",
                     "10: encoder[2].activation: wanted none or prelu in a complex layer, got relu"),
    "complex image": (LAST, "{kernel: 5, stride: 2, channels: 4}\n  - {kernel: 5, channels: 3, activation: none, "
                            "complex: true}",
                      "14: decoder[2].complex: wanted false in the last layer, got true"),
    "complex stride": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 5, stride: 2, channels: 13, complex: true}",
                       "12: decoder[0].stride: wanted 1 in a complex layer of the decoder, got 2"),
    "even kernel at stride 1": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 4, channels: 13}",
                                "12: decoder[0].kernel: wanted an odd number from 1 to 7 (at stride 2 even ones too), "
                                "got 4"),
    "decoder's end": (LAST, "{kernel: 5, stride: 2, channels: 4, activation: clamp}",
                      "13: decoder[1].channels: wanted 3 (red, green, blue) in the last layer, got 4"),
    "decoder's last activation": (", activation: clamp", "",
                                  "13: decoder[1].activation: wanted clamp or sigmoid in the last layer, got prelu"),
    "clamp too early": ("{kernel: 5, stride: 2, channels: 13}", "{kernel: 5, channels: 13, activation: clamp}",
                        "12: decoder[0].activation: wanted another one (clamp only where values reach the image as "
                        "they are), got clamp"),
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
                          "16: pruning.criterion: wanted 'l1', 'l2', 'random', 'fpgm', 'taylor', 'snip', "
                          "'mean_gradient', 'apoz', 'hrank', 'similarity', 'joint', 'usc', 'slimming' or 'none', "
                          "got 'l3'"),
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
    "linear rate": ("lr: 0.0001", "lr: 0.0001, linear_lr: 0.0001",
                    "23: training.qat.linear_lr: wanted this key with start linear_code only, got start random"),
    "average power": ("training:\n", "gain: {mode: per_image}\ntraining:\n  power: average\n",
                      "21: training.power: wanted image with gain.mode per_image, got average"),
    "smoothing": ("  crop: 32", "  smoothing: 1.0", "20: training.smoothing: wanted less than 1.0, got 1.0"),
    "steps": ("steps: 2,", "steps: -2,", "23: training.qat.steps: wanted an integer from 0 to 1000000000, got -2"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(tmp_path: Path, case: str) -> None:
    old, new, message = BAD[case]
    assert GOOD.count(old) == 1, "the table's text is not unique"
    path = write(tmp_path, GOOD.replace(old, new))
    assert error_of(path) == f"{path}:{message}"
