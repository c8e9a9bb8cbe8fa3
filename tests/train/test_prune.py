"""Structured pruning removes channels and leaves the survivors' function."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch_pruning as tp
from support.spec_graphs import GRAPHS, graph_spec
from support.train_samples import specification

from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.layers import Layer as SpecLayer
from hwgen.spec.model import ModelSpec, load
from hwgen.train.complex_layers import ComplexConv2d
from hwgen.train.criteria.evidence import Evidence
from hwgen.train.criteria.magnitude import l1
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.float_layers import Convolution
from hwgen.train.group_kernels import group_kernels
from hwgen.train.kernels import stream_kernel
from hwgen.train.network import dense
from hwgen.train.prune import prune


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


def test_the_power_of_all_images_goes_along(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    spec.path.write_text(spec.path.read_text().replace("  crop: 16\n", "  crop: 16\n  power: average\n"))
    parent = dense(load(spec.path))
    parent.latent_power.fill_(3.0)
    assert prune(parent, load(spec.path)).latent_power == 3.0


def test_ratio(tmp_path: Path) -> None:
    spec = specification(tmp_path, "ratio: 0.5")
    assert [layer.conv.out_channels for layer in prune(dense(spec), spec).encoder] == list(spec.encoder_channels)
    assert spec.encoder_channels[0] == 4


@pytest.mark.parametrize("pruning", ["{criterion: none}", "{ratio: 0.5}"])
def test_layers_with_channels_in_several_groups(tmp_path: Path, pruning: str) -> None:
    """Pairs within either branch and one across both: the branches' counts alone do not tell which of them went."""
    (tmp_path / "spec.yaml").write_text(
        "format_version: 1\ndescription: d\nframe: {width: 16, height: 16}\nencoder:\n"
        "  - {name: one, kernel: 3, channels: 9}\n"
        "  - {name: two, kernel: 3, channels: 9, inputs: [pixels]}\n"
        "  - {kind: concat, inputs: [one, two]}\n"
        "  - {kernel: 1, channels: 2, complex: true}\n"
        "  - {kernel: 1, channels: 4, activation: none}\n"
        "decoder:\n  - {kernel: 3, channels: 3, activation: clamp}\n"
        f"pruning: {pruning}\n"
    )
    spec = load(tmp_path)
    assert spec.surviving_units("encoder") == ((4, 1, 4, 2, 4) if "none" in pruning else (2, 1, 2, 1, 4))
    smaller = prune(dense(spec), spec)
    shapes = [tuple(getattr(smaller.encoder[index].conv, "weight").shape[:2]) for index in (0, 1, 4)]  # noqa: B009
    assert shapes == ([(9, 3), (9, 3), (4, 4)] if "none" in pruning else [(5, 3), (5, 3), (4, 2)])


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


RESIDUAL = """
format_version: 1
description: test
frame: {width: 32, height: 32}
encoder:
  - {name: stem, kernel: 4, stride: 4, channels: 8}
  - {kernel: 3, channels: 7}
  - {name: outer, kernel: 3, channels: 8, activation: none}
  - {kind: add, inputs: [stem, outer], name: sum}
  - {kernel: 3, channels: 8, groups: 8}
  - {kernel: 1, channels: 4, activation: none}
decoder:
  - {kernel: 4, stride: 2, channels: 6}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
pruning: {channels: {encoder: [5, 4, 5, 5, 4], decoder: [6, 3]}}
"""


def loaded(folder: Path, text: str) -> ModelSpec:
    (folder / "spec.yaml").write_text(text)
    return load(folder)


def scores_of(spec: ModelSpec, parent: DeepJSCC, side: str) -> dict[str, torch.Tensor]:
    """L1 of every group of channels that is not fixed, by its convolutions' names."""
    network = spec.parent(side)  # type: ignore[arg-type]
    channels = channel_groups(network)
    kernels = {}
    for placed in network.layers:
        if isinstance(placed.layer, SpecLayer):
            conv = getattr(parent, side)[placed.index].conv
            kernels[placed.name] = stream_kernel(dict(parent.state_dict()), network.side, placed)
            assert kernels[placed.name].shape[0] == conv.out_channels
    alive = {unit for stream in channels.streams.values() for unit in stream}
    return {" ".join(group.channels): l1(Evidence(group_kernels(network, channels, group, kernels, alive)))
            for group in channels.groups if not group.fixed}  # fmt: skip


@pytest.mark.parametrize("text", ["row", RESIDUAL])
@pytest.mark.parametrize("hidden", ["relu", "prelu"])
def test_l1_is_that_of_torch_pruning(tmp_path: Path, hidden: str, text: str) -> None:
    """In a row, through a sum and a depthwise layer, all of which it knows (blocks of pixels and groups it does not).

    It takes a depthwise layer's own weights for nothing, so here they are so.
    """
    spec = specification(tmp_path, hidden=hidden) if text == "row" else loaded(tmp_path, text.replace("prelu", hidden))
    parent = dense(spec)
    for layer in parent.encoder:
        if isinstance(layer, Convolution) and getattr(layer.conv, "groups", 1) > 1:
            layer.conv.weight.data.zero_()  # type: ignore[union-attr, operator]
    images = torch.zeros(1, 3, 16, 16)
    graph = tp.DependencyGraph().build_dependency(
        parent, example_inputs=images, forward_fn=lambda model, x: model.decode(model.encode(x))
    )
    for side in ("encoder", "decoder"):
        names = {placed.name: placed.index for placed in spec.parent(side).layers}  # type: ignore[arg-type]
        for together, found in scores_of(spec, parent, side).items():
            conv = getattr(parent, side)[names[together.split()[0]]].conv
            group = graph.get_pruning_group(conv, tp.prune_conv_out_channels, list(range(conv.out_channels)))
            wanted = tp.importance.GroupMagnitudeImportance(p=1)(group)
            assert found.argsort().tolist() == wanted.argsort().tolist(), together


def test_what_meets_in_a_sum_goes_by_the_sum_of_all_its_weights(tmp_path: Path) -> None:
    """Channel by channel: a weak stem survives with a strong branch, and both lose the same channels."""
    spec = loaded(tmp_path, RESIDUAL)
    parent = dense(spec)
    with torch.no_grad():
        for parameter in parent.parameters():
            parameter.fill_(1.0)
        stem, outer, depthwise = (parent.encoder[index].conv for index in (0, 2, 4))  # type: ignore[union-attr]
        stem.weight[0] = 0.0  # 48 less
        stem.weight[1] = 0.0
        outer.weight[1] = 2.0  # 63 more
        outer.weight[5] = 0.0  # 63 less
        depthwise.weight[7] = -8.0  # 63 more
        stem.weight[7] = outer.weight[7] = 0.0  # 111 less
        outer.weight[2] = 0.0
        stem.weight[2] = 3.0  # 33 more
        for layer in (stem, outer, depthwise):
            layer.bias.copy_(torch.arange(8.0))
    smaller = prune(parent, spec)
    # -48, +15, +33, 0, 0, -63, 0, -48: of equal ones the first goes
    for index in (0, 2, 4):
        assert smaller.encoder[index].conv.bias.tolist() == [1.0, 2.0, 3.0, 4.0, 6.0]  # type: ignore[union-attr]


NORMALISED = """\
encoder:
  - {name: stem, kernel: 4, stride: 4, channels: 8, batch_norm: true}
  - {kernel: 3, channels: 8, groups: 8, batch_norm: true}
  - {kind: add, inputs: [stem, conv1], activation: relu}
  - {kernel: 3, channels: 10, groups: 2, batch_norm: true, activation: relu}
  - {kernel: 1, channels: 4, activation: none, batch_norm: true}
decoder:
  - {kernel: 4, stride: 2, channels: 6, batch_norm: true}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
"""
SHUFFLED = """\
encoder:
  - {kernel: 2, stride: 2, channels: 6}
  - {kind: space_to_depth, factor: 2, name: down}
  - {name: wide, kernel: 3, channels: 24}
  - {kind: add, inputs: [down, wide], name: sum}
  - {kind: depth_to_space, factor: 2, name: up}
  - {kind: concat, inputs: [conv0, up, conv0]}
  - {kernel: 2, stride: 2, channels: 6}
  - {kernel: 3, channels: 4, complex: true}
  - {kernel: 1, channels: 2, activation: none, complex: true}
decoder:
  - {kernel: 4, stride: 2, channels: 6}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
"""


@pytest.mark.parametrize("name", [*(name for name in GRAPHS if name != "grey"), "normalised", "shuffled"])
@torch.no_grad()
def test_the_pruned_network_is_its_parent_with_channels_of_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Which channels are left, their biases tell: the parent runs with all others set to 0 behind the activations."""
    monkeypatch.setitem(GRAPHS, "normalised", NORMALISED)
    monkeypatch.setitem(GRAPHS, "shuffled", SHUFFLED)
    monkeypatch.setitem(GRAPHS, name, GRAPHS[name] + "pruning: {ratio: 0.4}\n")
    spec = graph_spec(tmp_path, name)
    torch.manual_seed(2)
    parent = dense(spec)
    numbers = torch.arange(1000, dtype=torch.float32) / 1000
    for module in parent.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.bias.copy_(numbers[: module.num_features])
            for tensor in (module.weight, module.running_var):
                tensor.uniform_(0.5, 2.0)  # type: ignore[union-attr]
            module.running_mean.normal_()  # type: ignore[union-attr]
        elif getattr(module, "bias", None) is not None:
            module.bias.copy_(numbers[: len(module.bias)])  # type: ignore[arg-type, union-attr, operator]
    smaller = prune(parent, spec)
    gone = 0
    for large, small in ((parent.encoder, smaller.encoder), (parent.decoder, smaller.decoder)):
        for before, after in zip(large, small, strict=True):
            if isinstance(before, Convolution) and isinstance(after, Convolution):
                biases = [layer.norm.bias if isinstance(layer.norm, torch.nn.BatchNorm2d) else layer.conv.bias
                          for layer in (before, after)]  # fmt: skip
                alive = torch.isin(biases[0], biases[1]).double().view(1, -1, 1, 1)  # type: ignore[arg-type]
                assert alive.sum() == len(biases[1])  # type: ignore[arg-type]
                gone += int((alive == 0).sum())
                before.register_forward_hook(lambda module, inputs, output, alive=alive: output * alive)
    assert gone
    parent.double().eval(), smaller.double().eval()
    images = torch.rand(2, 3, 16, 32).double()
    latent = parent.encode(images)
    torch.testing.assert_close(smaller.encoder(images), parent.encoder(images), rtol=1e-11, atol=1e-11)
    wanted = parent.decoder(latent.double())
    torch.testing.assert_close(smaller.decoder(latent.double()), wanted, rtol=1e-11, atol=1e-11)
    assert ((wanted > 0) & (wanted < 1)).double().mean() > 0.1, "most pixels saturate"
