"""Graph node -> component: the only place that knows both."""

from __future__ import annotations

from functools import singledispatch

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Shape
from amaranth.lib.wiring import Component, In, Out

from hwgen.ir.graph import Conv2d, Gain, IntType
from hwgen.passes.plan import Plan
from hwgen.rtl import gain as rtl_gain
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.pixels import PixelSerialiser
from hwgen.rtl.symbols import SymbolPacker


def _shape(kind: IntType) -> Shape:
    return Shape(kind.bits, kind.signed)


@singledispatch
def component(node: object, plan: Plan) -> Component:
    """The component that computes `node`."""
    raise TypeError(f"node: wanted one that has a component, got {type(node).__name__}")


@component.register
def _(node: Conv2d, plan: Plan) -> Component:
    return Convolution(
        plan.foldings[node.name],
        weight=node.weight,
        weight_bits=node.weight_bits,
        bias=node.bias.tolist(),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.tolist(),
        slope_fraction=node.slope_fraction,
        accumulator_bits=node.accumulator_bits,
        output=_shape(node.output),
    )


@component.register
def _(node: Gain, plan: Plan) -> Component:
    return rtl_gain.Gain(
        input=_shape(node.input),
        factor=node.factor,
        shift=node.shift,
        output=_shape(node.output),
        places=plan.places.get(node.name, rtl_gain.Gain.places),
    )


def add_layers(m: Module, plan: Plan) -> tuple[Component, Component]:
    """Add a plan's layers to a module, connected in a row; the first one's `i` and the last one's `o` stay open.

    Every layer is a submodule named after its node. Before them stands `pixels` where the first layer takes its
    channels one by one, behind them `symbols`.
    """
    graph = plan.graph
    chain: dict[str, Component] = {}
    if plan.pixel_lanes == 1:
        places = plan.places.get("pixels", PixelSerialiser.places)
        chain["pixels"] = PixelSerialiser(graph.input_channels, graph.input.bits, places)
    for node in graph.nodes:
        chain[node.name] = component(node, plan)
    height, width, channels = graph.shapes(plan.width, plan.height)[graph.nodes[-1].name]
    places = plan.places.get("symbols", SymbolPacker.places)
    chain["symbols"] = SymbolPacker(height * width * channels, places=places)

    for name, layer in chain.items():
        m.submodules[name] = layer
    layers = list(chain.values())
    for source, sink in zip(layers, layers[1:], strict=False):
        m.d.comb += [
            sink.i.payload.eq(source.o.payload),
            sink.i.valid.eq(source.o.valid),
            source.o.ready.eq(sink.i.ready),
        ]
    return layers[0], layers[-1]


class Transmitter(Component):
    """Pixels in, symbols out: the layers of a transmitter in a row, with AXI4-Stream ports.

    Members
    -------
    aclk, aresetn : clock; synchronous reset, active low
    s_axis_tdata (24), s_axis_tvalid, s_axis_tready : R, G, B from bit 0 up, raster order
    m_axis_tdata (32), m_axis_tvalid, m_axis_tready, m_axis_tlast : I in the low half, Q in the high half
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                "aclk": In(1),
                "aresetn": In(1),
                "s_axis_tdata": In(24),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "m_axis_tdata": Out(32),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        pixels, symbols = add_layers(m, self.plan)
        m.d.comb += [
            pixels.i.payload.eq(self.s_axis_tdata),
            pixels.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(pixels.i.ready),
            self.m_axis_tdata.eq(symbols.o.payload.iq),
            self.m_axis_tlast.eq(symbols.o.payload.last),
            self.m_axis_tvalid.eq(symbols.o.valid),
            symbols.o.ready.eq(self.m_axis_tready),
        ]
        return m
