"""Structured pruning removes channels and leaves the survivors' function."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch_pruning as tp
from support.train_samples import specification

from hwgen.spec.model import ModelSpec, load
from hwgen.train.complex_layers import ComplexConv2d
from hwgen.train.criteria import criterion as criterion_named, l1
from hwgen.train.network import DeepJSCC, dense
from hwgen.train.prune import _kernels as kernels_of_group, prune


def zero_channels(network: DeepJSCC, spec: ModelSpec) -> None:
    """Make exactly the surplus channels of every layer weightless, at indices spread over the layer."""
    for layers, counts in ((network.encoder, spec.encoder_channels), (network.decoder, spec.decoder_channels)):
        for layer, count in zip(list(layers)[:-1], counts[:-1], strict=True):
            transposed = isinstance(layer.conv, torch.nn.ConvTranspose2d)
            channels = layer.conv.out_channels
            for channel in [*range(0, channels, 2), *range(1, channels, 2)][: channels - count]:
                layer.conv.weight.select(1 if transposed else 0, channel).zero_()
                layer.conv.bias[channel] = 0


@pytest.mark.parametrize("hidden", ["relu", "prelu"])
def test_dead_channels_go_and_the_function_stays(tmp_path: Path, hidden: str) -> None:
    """Channels without weights carry zeros: removing them must change nothing at all."""
    spec = specification(tmp_path, hidden=hidden)
    torch.manual_seed(3)
    parent = dense(spec).eval()
    with torch.no_grad():
        for parameter in parent.parameters():
            parameter.normal_()
        zero_channels(parent, spec)
        smaller = prune(parent, spec).eval()
        images = torch.rand(2, 3, 16, 16)
        # every surviving channel's weights are the parent's, so only the order of float sums may differ
        torch.testing.assert_close(smaller.encode(images), parent.encode(images), rtol=1e-4, atol=1e-3)
        latent = torch.randn(2, 6, 4, 4)
        torch.testing.assert_close(smaller.decode(latent), parent.decode(latent), rtol=1e-4, atol=1e-3)
    assert [layer.conv.out_channels for layer in smaller.encoder] == [5, 7, 6]
    assert [layer.conv.in_channels for layer in smaller.encoder] == [3, 5, 7]
    assert [layer.conv.out_channels for layer in smaller.decoder] == [3, 5, 3]
    assert [layer.conv.in_channels for layer in smaller.decoder] == [6, 3, 5]


def test_smallest_l1_norms_are_removed(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    torch.manual_seed(4)
    parent = dense(spec)
    with torch.no_grad():
        for parameter in parent.parameters():
            parameter.fill_(1.0)
        for channel in (0, 3, 4, 8):
            parent.encoder[0].conv.weight[channel] *= 0.5
        parent.encoder[0].conv.bias.copy_(torch.arange(9.0))
    smaller = prune(parent, spec)
    assert smaller.encoder[0].conv.bias.tolist() == [1.0, 2.0, 5.0, 6.0, 7.0]
    assert parent.encoder[0].conv.out_channels == 9, "the parent is left as it is"


def test_no_pruning_is_the_parent(tmp_path: Path) -> None:
    spec = specification(tmp_path, "channels: {encoder: [9, 8, 6], decoder: [8, 7, 3]}")
    parent = dense(spec)
    for name, value in prune(parent, spec).state_dict().items():
        assert torch.equal(value, parent.state_dict()[name]), name


def test_ratio(tmp_path: Path) -> None:
    spec = specification(tmp_path, "ratio: 0.5")
    assert [layer.conv.out_channels for layer in prune(dense(spec), spec).encoder] == list(spec.encoder_channels)
    assert spec.encoder_channels[0] == 4


COMPLEX = """
format_version: 1
description: test
frame: {width: 32, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 10}
  - {kernel: 3, stride: 2, channels: 6, complex: true}
  - {kernel: 3, channels: 4, complex: true, activation: none}
decoder:
  - {kernel: 3, channels: 7, complex: true}
  - {kernel: 4, stride: 2, channels: 5, activation: relu}
  - {kernel: 5, stride: 2, channels: 3, activation: clamp}
pruning: {channels: {encoder: [6, 4, 4], decoder: [5, 3, 3]}}
"""


def complex_parent(folder: Path) -> tuple[ModelSpec, DeepJSCC]:
    (folder / "spec.yaml").write_text(COMPLEX)
    spec = load(folder / "spec.yaml")
    torch.manual_seed(5)
    parent = dense(spec).eval()
    for parameter in parent.parameters():
        torch.nn.init.normal_(parameter)
    return spec, parent


def silence(layer: torch.nn.Module, channels: list[int]) -> None:
    """No weight makes these channels, of the stream or, of a complex layer, complex ones."""
    conv = layer.conv
    assert isinstance(conv, torch.nn.Module)
    if isinstance(conv, ComplexConv2d):
        for kernel in conv.kernels:
            kernel[channels] = 0
        conv.bias.view(-1, 2)[channels] = 0
    else:
        conv.weight.transpose(0, int(isinstance(conv, torch.nn.ConvTranspose2d)))[channels] = 0  # type: ignore
        conv.bias[channels] = 0  # type: ignore[index]


def test_dead_complex_channels_go_and_the_function_stays(tmp_path: Path) -> None:
    """Before a complex layer real channels go in pairs, so that the others keep their partners."""
    spec, parent = complex_parent(tmp_path)
    with torch.no_grad():
        silence(parent.encoder[0], [2, 3, 8, 9])
        silence(parent.encoder[1], [0, 3])
        silence(parent.decoder[0], [1, 4])
        silence(parent.decoder[1], [0, 2])
        smaller = prune(parent, spec).eval()
        images, latent = torch.rand(2, 3, 16, 16), torch.randn(2, 8, 4, 4)
        torch.testing.assert_close(smaller.encode(images), parent.encode(images), rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(smaller.decode(latent), parent.decode(latent), rtol=1e-4, atol=1e-3)
    assert [layer.conv.out_channels for layer in smaller.encoder] == [6, 8, 8]
    assert [layer.conv.out_channels for layer in smaller.decoder] == [10, 3, 3]


def test_a_complex_channel_goes_only_when_both_parts_are_weak(tmp_path: Path) -> None:
    spec, parent = complex_parent(tmp_path)
    with torch.no_grad():
        for parameter in parent.parameters():
            parameter.fill_(1.0)
        first = parent.encoder[1].conv
        assert isinstance(first, ComplexConv2d)
        first.real.weight[0] = 0.0  # half of the weight is left: channels 2 and 5 lose more
        for part in first.kernels:
            part[[2, 5]] *= 0.25
        first.bias.copy_(torch.arange(12.0))
        smaller = prune(parent, spec)
    assert smaller.encoder[1].conv.bias.tolist() == [0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0]


@pytest.mark.parametrize("criterion", ["l1", "l2", "random"])
def test_the_specifications_criterion_decides(tmp_path: Path, criterion: str) -> None:
    """Channel by channel: few large weights are more than many small ones by their squares, less by their sums."""
    spec = specification(tmp_path)
    spec = spec.model_copy(update={"pruning": spec.pruning.model_copy(update={"criterion": criterion})})
    parent = dense(spec)
    with torch.no_grad():
        for parameter in parent.parameters():
            parameter.fill_(1.0)
        first = parent.encoder[0].conv
        for channel in (0, 3, 4, 8):
            first.weight[channel] = 0.0
            first.weight[channel, 0, 0, 0] = 60.0
        first.bias.copy_(torch.arange(9.0))
    kept = prune(parent, spec).encoder[0].conv.bias.tolist()
    few, generator = [0.0, 3.0, 4.0, 8.0], torch.Generator().manual_seed(spec.training.seed)
    if criterion == "l1":
        assert kept == [1.0, 2.0, 5.0, 6.0, 7.0]
    elif criterion == "l2":
        assert kept == sorted([*few, 7.0])
    else:
        assert kept == sorted(torch.rand(9, generator=generator).argsort()[4:].float().tolist())


@pytest.mark.parametrize("hidden", ["relu", "prelu"])
def test_l1_is_that_of_torch_pruning(tmp_path: Path, hidden: str) -> None:
    spec = specification(tmp_path, hidden=hidden)
    parent = dense(spec)
    images = torch.zeros(1, 3, 16, 16)
    graph = tp.DependencyGraph().build_dependency(
        parent, example_inputs=images, forward_fn=lambda model, x: model.decode(model.encode(x))
    )
    for layer in (*list(parent.encoder)[:-1], *list(parent.decoder)[:-1]):
        channels = list(range(layer.conv.out_channels))
        group = graph.get_pruning_group(layer.conv, tp.prune_conv_out_channels, channels)
        wanted = tp.importance.GroupMagnitudeImportance(p=1)(group)
        found = l1(kernels_of_group(group))
        assert found.argsort().tolist() == wanted.argsort().tolist()


def test_an_unknown_criterion_is_refused() -> None:
    with pytest.raises(ValueError, match="criterion: wanted l1, l2, random, got 'l3'"):
        criterion_named("l3", 1)
