"""The manifest agrees with the files beside it, with the graph and with the plan."""

from __future__ import annotations

import hashlib
import json
import re

from support.emission import FRAME, files_of

from hwgen import board as boards
from hwgen.emit import Emitted
from hwgen.ir import serialize
from hwgen.plan.schedule import latency
from hwgen.spec import model as specs


def test_manifest_agrees_with_the_files(variant: Emitted) -> None:
    design, side = variant, variant.manifest["side"]
    manifest = json.loads((design.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == design.manifest
    assert (manifest["format_version"], manifest["top"], manifest["side"]) == (1, f"hwgen_{side}", side)
    assert set(manifest["files"]) == files_of(variant) - {"manifest.json", "README.md"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((design.folder / name).read_bytes()).hexdigest() == digest
    assert manifest["inputs"] == {
        "spec.yaml": hashlib.sha256(specs.load("tiny").path.read_bytes()).hexdigest(),
        "pynq_z2.yaml": hashlib.sha256(boards.load("pynq_z2").path.read_bytes()).hexdigest(),
    }


def test_manifest_agrees_with_the_graph_and_the_plan(variant: Emitted) -> None:
    manifest, graph, plan = variant.manifest, serialize.load(variant.folder), variant.plan
    shapes = graph.shapes(*FRAME)
    assert [stream["name"] for stream in manifest["streams"]] == [node.name for node in graph.nodes]
    for stream, node in zip(manifest["streams"], graph.nodes, strict=True):
        assert stream["path"] == f"{node.name}.o"
        if node is graph.symbol_node:  # word by word
            words = shapes[node.name][1]
            assert (stream["height"], stream["width"], stream["channels"], stream["lanes"]) == (1, words, 1, 1)
            assert (stream["bits"], stream["signed"]) == (32, False)
            continue
        assert (stream["height"], stream["width"], stream["channels"]) == shapes[node.name]
        assert (stream["bits"], stream["signed"]) == (node.output.bits, node.output.signed)
    predicted = manifest["predicted"]
    macs = sum(graph.macs(*FRAME).values())
    assert predicted["frame_interval_cycles"] == plan.frame_interval
    assert predicted["latency_cycles"] == latency(plan)
    assert predicted["macs_per_frame"] == macs
    lanes = (folding.pe * folding.window.word_values for folding in plan.foldings.values())
    assert predicted["multipliers"] == sum(lanes)
    values, symbol_node = [n.name for n in graph.value_nodes], [n.name for n in graph.nodes if n is graph.symbol_node]
    around = {"tx": [*values, "symbols", *symbol_node], "rx": [*symbol_node, "symbols", *values, "pixels"]}
    assert list(predicted["components"]) == ["framer", *around[graph.side]]
    for key in ("dsp", "lut", "ff", "bram36"):
        assert predicted[key] == sum(cost[key] for cost in predicted["components"].values())
    assert sum(layer.get("macs", 0) for layer in predicted["layers"]) == macs
    for layer in (layer for layer in predicted["layers"] if "pe" in layer):
        folding = plan.foldings[layer["name"]]
        assert layer["products"] == folding.products(layer["macs"])
        assert layer["form"] == folding.form
        assert (layer["form"] in ("1-D", "2-D")) == (layer["products"] < layer["macs"])
        assert layer["utilisation"] == round(layer["products"] / folding.compute_cycles / folding.lanes, 4) <= 1
    assert predicted["fps"] == round(manifest["clock_mhz"] * 1e6 / predicted["frame_interval_cycles"], 3)
    pixels, symbols = ("input", "output") if graph.side == "tx" else ("output", "input")
    assert (manifest[pixels]["bits"], manifest[pixels]["beats"]) == (24, 64)
    assert (manifest[symbols]["bits"], manifest[symbols]["beats"]) == (32, graph.symbols(*FRAME))
    words = {"bits": 32, "beats": graph.coefficient_words, "fraction": 10} if graph.coefficient_words else None
    assert manifest["coefficients"] == words
    assert manifest["terms"] == graph.terms


def test_every_stream_between_components_is_a_layers_or_a_link(variant: Emitted) -> None:
    """As the Verilog has them, bit for bit; but for the last component's, which is the output port."""
    top = variant.manifest["top"]
    text = (variant.folder / f"{top}.v").read_text(encoding="utf-8")
    found = {}
    for module in re.finditer(rf"^module \\?{top}\.(\w+) ?\(.*?^endmodule", text, re.MULTILINE | re.DOTALL):
        for high, port in re.findall(r"^  output (?:\[(\d+):0\] )?(\w+)__payload;", module[0], re.MULTILINE):
            found[f"{module[1]}.{port}"] = int(high or 0) + 1
    links = {link["path"]: link["bits"] for link in variant.manifest["links"]}
    layers = {stream["path"] for stream in variant.manifest["streams"]}
    assert links.items() <= found.items() and links.keys().isdisjoint(layers)
    last = f"{variant.plan.design.hardware.sink}.o"
    assert found.keys() == links.keys() | layers | {last}
    names = [None, *(stream["name"] for stream in variant.manifest["streams"])]
    assert all(link["behind"] in names for link in variant.manifest["links"])
