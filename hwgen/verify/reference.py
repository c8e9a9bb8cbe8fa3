"""Stimuli of `verify` and the results expected for them: images, channel, golden model, integer graph.

    tx: images -> golden transmitter
    rx: images -> golden transmitter -> channel (float64, quantised once) -> golden receiver
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwgen.ir.execute import run
from hwgen.ir.graph import Graph, SymbolNode
from hwgen.ir.nodes import Gain, Power
from hwgen.ir.serialize import GRAPH_FILE
from hwgen.metrics.psnr import psnr
from hwgen.model import channel_of, graph_folder, load_graph
from hwgen.numerics.formats import POWER
from hwgen.numerics.words import pack_coefficients, pack_pixels, pack_symbols
from hwgen.reference.link import Outputs, ReferenceLink
from hwgen.sim.check import Finding
from hwgen.spec.model import ModelSpec
from hwgen.verify.meter import Meter

Expected = dict[str, npt.NDArray[np.int64]]


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
    meter : of what the frames have met in the layers
    """

    link: ReferenceLink
    graph: Graph
    words: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    coefficients: list[npt.NDArray[np.uint32]] | None = None
    outputs: list[Outputs] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)

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


def reference(setting: Setting, graph: Graph, images: npt.NDArray[np.uint8]) -> Reference:
    """Run the golden model, and the integer graph beside it, on (frames, H, W, 3) images.

    graph : of the side that is verified, with its channel's nodes
    """
    size = images.shape[2], images.shape[1]
    link = setting.link(graph, size)
    found = Reference(link, graph, coefficients=[] if graph.coefficient_words else None)
    for index, image in enumerate(images):
        realisation = link.draw(setting.snr_db, setting.seed + index)
        outputs, coefficients = link.transmit(image, realisation), realisation.tx_coefficients
        frame: npt.NDArray[Any] = image
        if setting.side == "rx":
            frame, coefficients = realisation.apply(outputs["symbols"]), realisation.rx_coefficients
            outputs = link.receive(frame, realisation)
        found.words.append(frame if setting.side == "rx" else pack_pixels(image[None])[0])
        if found.coefficients is not None:
            assert coefficients is not None, "the channel's own nodes need them"
            found.coefficients.append(pack_coefficients(coefficients[None])[0])
        found.outputs.append(outputs)
        found.meter.coefficients = coefficients if graph.coefficient_words else None
        plain = run(graph, frame, found.meter.answer, size)
        found.findings += _differences(graph, index, outputs, plain)
    return found


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
    frames = found.outputs
    if setting.side == "tx":
        drawn = [link.draw(setting.snr_db, setting.seed + index) for index in range(len(frames))]
        frames = [link.receive(on.apply(sent["symbols"]), on) for sent, on in zip(frames, drawn, strict=True)]
    return float(np.mean([psnr(image, seen["pixels"]) for image, seen in zip(images, frames, strict=True)]))
