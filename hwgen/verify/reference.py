"""Stimuli of `verify` and the results expected for them: images, channel, golden model, integer graph.

    tx: images -> golden transmitter
    rx: images -> golden transmitter -> channel (float64, quantised once) -> golden receiver

Directed frames (`hwgen.verify.directed`) go into the verified end as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwgen.ir.execute import Frame, run
from hwgen.ir.graph import Graph, SymbolNode
from hwgen.ir.nodes import Gain, Power
from hwgen.ir.serialize import GRAPH_FILE
from hwgen.metrics.psnr import psnr
from hwgen.model import channel_of, graph_folder, load_graph
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_coefficients, pack_pixels, pack_symbols
from hwgen.reference.link import Outputs, ReferenceLink
from hwgen.sim.check import Finding
from hwgen.spec.model import ModelSpec
from hwgen.verify.directed import Directed
from hwgen.verify.meter import Meter

Expected = dict[str, npt.NDArray[np.int64]]


MODEL = threading.Lock()
"""PyTorch's settings are of the whole process: several threads may simulate, but one at a time runs the model."""


@dataclass(frozen=True)
class Setting:
    """The path of the frames: model, side, channel.

    checkpoint : of the trained network; None where weights are random
    channel : a kind; None takes the specification's
    seed : of the channel of the first frame; every other one has its own
    """

    spec: ModelSpec
    side: str
    init: int | None
    channel: str | None
    snr_db: float
    seed: int

    @property
    def checkpoint(self) -> Path | None:
        return None if self.init is not None else self.spec.checkpoint_path

    def graph(self, side: str) -> Graph:
        return load_graph(self.spec, self.init, side, self.channel)

    def sender(self) -> Graph:
        """A transmitter whose symbols have the power that the SNR is about.

        That of random integers has a gain for which they saturate now and then; here each image's power is set.
        """
        graph = self.graph("tx")
        if self.init is None:
            return graph
        power = round(self.spec.channel.power * 2**POWER.fraction)
        nodes = [
            Power(node.name, node.channels, power, node.input) if isinstance(node, Gain) else node
            for node in graph.nodes
        ]
        return replace(graph, nodes=tuple(nodes))

    def _trained_receiver(self) -> Graph | None:
        there = self.init is None and (graph_folder(self.spec, "rx") / GRAPH_FILE).is_file()
        return self.graph("rx") if there else None

    def link(self, graph: Graph, size: tuple[int, int]) -> ReferenceLink:
        """The link that the frames go through, with `graph` at the verified end; behind a verified transmitter it has a
        receiver where one was trained."""
        tx, rx = (graph, self._trained_receiver()) if self.side == "tx" else (self.sender(), graph)
        return ReferenceLink(self.spec, channel_of(self.spec, self.channel), tx, rx, size, self.checkpoint)


@dataclass
class Reference:
    """Per frame: what goes in and what must come out.

    link : through which they went
    words : what the input stream carries
    coefficients : what the second input stream carries; None where the design has none
    outputs : of the golden model, as `hwgen.ir.execute.execute` names them
    findings : where the integer graph differs
    meters : of what the frames of each profile have met in the layers
    profiles : of each frame
    """

    link: ReferenceLink
    graph: Graph
    words: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    coefficients: list[npt.NDArray[np.uint32]] | None = None
    outputs: list[Outputs] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    meters: tuple[Meter, ...] = field(default_factory=lambda: (Meter(),))
    profiles: list[int] = field(default_factory=list)

    def at(self, profile: int) -> ReferenceLink:
        """The link in a profile."""
        return self.link.at_profile(profile)

    def add(self, frame: Frame, outputs: Outputs, coefficients: IntArray | None, profile: int = 0) -> None:
        """Add a frame of the verified end, with the golden model's outputs, and run the integer graph on it.

        frame : (H, W, C) uint8 pixels, or (words,) uint32 received symbols
        """
        index, tx = len(self.words), self.graph.side == "tx"
        self.words.append(pack_pixels(frame.astype(np.uint8)[None])[0] if tx else frame.astype(np.uint32))
        if self.coefficients is not None:
            assert coefficients is not None, "the channel's own nodes need them"
            self.coefficients.append(pack_coefficients(coefficients[None])[0])
        self.outputs.append(outputs)
        self.profiles.append(profile)
        meter = self.meters[profile]
        meter.coefficients = coefficients if self.graph.coefficient_words else None
        plain = run(self.graph.at_profile(profile), frame, meter.answer, self.link.size)
        self.findings += _differences(self.graph, index, outputs, plain)

    def expected(self) -> Expected:
        """(frames, ...) integers of every stream and of "output", as the bench compares them."""
        found = {node.name: self._of(node.name, isinstance(node, SymbolNode)) for node in self.graph.nodes}
        if self.graph.side == "tx":
            return found | {"output": self._of("symbols", False)}
        images = np.stack([frame["pixels"] for frame in self.outputs])
        return found | {"output": pack_pixels(images.astype(np.uint8)).astype(np.int64)}

    def _of(self, name: str, symbols: bool) -> npt.NDArray[np.int64]:
        arrays = [pack_symbols(frame[name]) if symbols else frame[name] for frame in self.outputs]
        return np.stack(arrays).astype(np.int64)


def reference(
    setting: Setting, graph: Graph, images: npt.NDArray[np.uint8], meters: Sequence[Meter] | None = None,
    profiles: Sequence[int] | None = None,
) -> Reference:
    """Run the golden model, and the integer graph beside it, on (frames, H, W, 3) images.

    graph : of the side that is verified, with its channel's nodes
    meters : which the integer graph answers by, one of each profile; None takes new ones
    profiles : of each frame, which may be more than images, which then begin again; None: the first one
    """
    size = images.shape[2], images.shape[1]
    link = setting.link(graph, size)
    own_meters = tuple(meters or (Meter() for _ in range(graph.profiles)))
    assert len(own_meters) == graph.profiles, "each profile has a meter of its own"
    found = Reference(link, graph, coefficients=[] if graph.coefficient_words else None, meters=own_meters)
    for index, profile in enumerate(profiles or [0] * len(images)):
        image, own = images[index % len(images)], link.at_profile(profile)
        realisation = link.draw(setting.snr_db, setting.seed + index)
        outputs = own.transmit(image, realisation)
        if setting.side == "tx":
            found.add(image, outputs, realisation.tx_coefficients, profile)
        else:
            words = realisation.apply(outputs["symbols"])
            found.add(words, own.receive(words, realisation), realisation.rx_coefficients, profile)
    return found


def add_directed(setting: Setting, found: Reference, frames: Sequence[Directed], profile: int = 0) -> None:
    """The same for frames of a profile that go into the verified end as they are."""
    link = found.at(profile)
    for frame, coefficients in ((directed.frame, directed.coefficients) for directed in frames):
        drawn = link.draw(setting.snr_db, setting.seed)  # nothing but the coefficients is looked at
        drawn = replace(drawn, tx_coefficients=coefficients, rx_coefficients=coefficients)
        if setting.side == "tx":
            found.add(frame, link.transmit(frame.astype(np.uint8), drawn), coefficients, profile)
        else:
            found.add(frame, link.receive(frame.astype(np.uint32), drawn), coefficients, profile)


def _differences(graph: Graph, index: int, golden: Outputs, plain: Outputs) -> list[Finding]:
    """The first layer of a frame in which the integer graph is not the PyTorch model."""
    for node in graph.nodes:
        wrong = np.argwhere(golden[node.name] != plain[node.name])
        if len(wrong):
            y, x, channel = (int(v) for v in wrong[0])
            want, got = int(golden[node.name][y, x, channel]), int(plain[node.name][y, x, channel])
            text = (
                f"{node.name}: the integer graph differs from the PyTorch model: frame {index}, pixel (x {x},"
                f" y {y}), channel {channel}: expected {want}, got {got} ({len(wrong)} wrong)"
            )
            return [Finding("model", node.name, text, index, x, y, channel, want, got)]
    return []


def received_psnr(setting: Setting, found: Reference, images: npt.NDArray[np.uint8]) -> float | None:
    """Mean PSNR in dB of the golden receiver's images; None where there is no trained receiver."""
    link = found.link
    if link.checkpoint is None or link.rx is None:
        return None
    frames = found.outputs[: len(images)]
    if setting.side == "tx":
        drawn = [link.draw(setting.snr_db, setting.seed + index) for index in range(len(frames))]
        own = [found.at(profile) for profile in found.profiles]
        frames = [
            link.receive(on.apply(sent["symbols"]), on) for link, sent, on in zip(own, frames, drawn, strict=False)
        ]
    return float(np.mean([psnr(image, seen["pixels"]) for image, seen in zip(images, frames, strict=True)]))
