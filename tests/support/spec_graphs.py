"""Specifications whose networks are graphs, by name: the text of encoder and decoder."""

from __future__ import annotations

from pathlib import Path

from hwgen.spec.model import ModelSpec, load

BACK = """\
decoder:
  - {kernel: 4, stride: 2, channels: 6}
  - {kernel: 3, channels: 3, activation: clamp}
"""
LATENT = "  - {kernel: 3, stride: 2, channels: 4, activation: none}\n"

GRAPHS = {
    "residual": "encoder:\n"
    "  - {name: stem, kernel: 3, channels: 6, activation: relu, activation_bits: 7}\n"
    "  - {kernel: 3, channels: 6, activation: relu}\n"
    "  - {name: branch, kernel: 3, channels: 6, activation: none}\n"
    "  - {kind: add, inputs: [stem, branch], activation: relu, name: sum}\n"
    "  - {name: again, kernel: 1, channels: 6, activation: none}\n"
    "  - {kind: add, inputs: [again, sum], activation_bits: 6}\n" + LATENT + BACK,
    "u": "encoder:\n"
    "  - {name: wide, kernel: 3, channels: 5, activation: relu}\n"
    "  - {kind: max_pool, kernel: 2}\n"
    "  - {kernel: 3, channels: 12, activation: relu}\n"
    "  - {kind: depth_to_space, factor: 2, name: up}\n"
    "  - {kind: concat, inputs: [wide, up]}\n" + LATENT + BACK,
    "depthwise": "encoder:\n"
    "  - {kernel: 3, channels: 8, activation: relu6}\n"
    "  - {kernel: 3, channels: 8, groups: 8, activation: relu6, stride: 2}\n"
    "  - {kernel: 1, channels: 10, activation: none}\n"
    "  - {kernel: 3, channels: 6, groups: 2, activation: leaky_relu, slope: 0.125}\n"
    "  - {kernel: 1, channels: 4, activation: none}\n" + BACK,
    "pooling": "encoder:\n"
    "  - {kernel: 3, channels: 5, activation: relu}\n"
    "  - {kind: average_pool, kernel: 2, activation_bits: 6, name: mean}\n"
    "  - {kind: max_pool, kernel: 2, inputs: [conv0]}\n"
    "  - {kernel: 1, channels: 5, activation: none}\n"
    "  - {kind: add, inputs: [mean, conv3]}\n"
    "  - {kernel: 1, channels: 4, activation: none}\n" + BACK,
    "windows": "encoder:\n"
    "  - {kernel: 3, channels: 5, activation: none}\n"
    "  - {kind: max_pool, kernel: 3, stride: 1, padding: 1}\n"
    "  - {kind: average_pool, kernel: 3, stride: 2, padding: 1, name: mean}\n"
    "  - {kind: max_pool, kernel: 3, stride: 2, padding: 1, inputs: [max_pool1], name: most}\n"
    "  - {kind: add, inputs: [mean, most]}\n"
    "  - {kind: average_pool, kernel: 4, stride: 1, padding: 2, activation_bits: 6, name: wide}\n"
    "  - {kind: average_pool, kernel: 2, stride: 1}\n"
    "  - {kernel: 1, channels: 4, activation: none}\n" + BACK,
    "blocks": "encoder:\n"
    "  - {kind: space_to_depth, factor: 2}\n"
    "  - {kernel: 3, channels: 6, activation: silu, activation_bits: 6}\n"
    "  - {kernel: 3, channels: 6, activation: tanh}\n"
    "  - {kernel: 3, channels: 6, activation: sigmoid}\n"
    "  - {kernel: 3, channels: 4, activation: none}\n"
    "decoder:\n"
    "  - {kind: conv, kernel: 3, channels: 8}\n"
    "  - {kind: conv, kernel: 3, channels: 12, activation: sigmoid}\n"
    "  - {kind: depth_to_space, factor: 2}\n",
    "patches": "encoder:\n"
    "  - {kernel: 4, stride: 4, channels: 9, activation: clip, ceiling: 3.5}\n"
    "  - {kernel: [1, 5], channels: 6}\n"
    "  - {kernel: [3, 1], channels: 6, dilation: 2}\n"
    "  - {kernel: 9, channels: 4, activation: none}\n"
    "decoder:\n"
    "  - {kernel: 4, stride: 2, channels: 6}\n"
    "  - {kernel: 4, stride: 2, channels: 3, activation: clamp}\n",
    "codebook": "encoder:\n"
    "  - {kernel: 3, channels: 6, activation: relu, weights: {codebook: 16}}\n"
    "  - {kernel: 3, stride: 2, channels: 4, activation: none, weight_bits: 5, weights: {codebook: 4}}\n" + BACK,
    "branching receiver": "encoder:\n" + LATENT + "decoder:\n"
    "  - {kernel: 3, channels: 6, activation: none, name: first}\n"
    "  - {kind: conv, kernel: 3, channels: 6, inputs: [symbols], activation: none, name: second}\n"
    "  - {kind: add, inputs: [first, second], activation: relu, name: sum}\n"
    "  - {kernel: 4, stride: 2, channels: 6, activation: relu}\n"
    "  - {kind: conv, kernel: 3, channels: 3, activation: clamp}\n",
    "image from a sum": "encoder:\n"
    "  - {kernel: 4, stride: 4, channels: 4, activation: none}\n"
    "decoder:\n"
    "  - {kind: conv, kernel: 1, channels: 48, activation: clamp}\n"
    "  - {kind: depth_to_space, factor: 4, name: picture}\n"
    "  - {kind: space_to_depth, factor: 2}\n"
    "  - {kind: conv, kernel: 3, channels: 6}\n"
    "  - {kind: conv, kernel: 3, channels: 12, activation: none}\n"
    "  - {kind: depth_to_space, factor: 2, name: detail}\n"
    "  - {kind: add, inputs: [picture, detail], activation: clamp}\n",
    "grey": "encoder:\n" + LATENT + BACK.replace("channels: 3", "channels: 1"),
}  # fmt: skip
"""Each with frames that multiples of 4 divide."""


def graph_spec(folder: Path, name: str, width: int = 32, height: int = 16) -> ModelSpec:
    """One of them, loaded from folder/spec.yaml."""
    colours = 1 if name == "grey" else 3
    frame = f"{{width: {width}, height: {height}, channels: {colours}}}"
    text = f"format_version: 1\ndescription: {name}\nframe: {frame}\n{GRAPHS[name]}"
    (folder / "spec.yaml").write_text(text)
    return load(folder)
