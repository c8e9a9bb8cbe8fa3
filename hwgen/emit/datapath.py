"""Graph node -> component: the only place that knows both."""

from __future__ import annotations

from functools import singledispatch

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Value
from amaranth.lib.wiring import Component, In, Out

from hwgen.emit.ports import ports
from hwgen.ir.graph import Alamouti, Convolution, Gain, MatrixProduct, Power, Receive, Table
from hwgen.plan.ends import frame_of, shape_of, symbol_groups
from hwgen.plan.plan import Plan
from hwgen.rtl import (
    alamouti as rtl_alamouti,
    convolution as rtl_convolution,
    gain as rtl_gain,
    matrix_product as rtl_matrix_product,
    power as rtl_power,
    table as rtl_table,
)
from hwgen.rtl.pixels import PixelPacker, PixelSerialiser
from hwgen.rtl.received import Received
from hwgen.rtl.symbols import SymbolPacker, SymbolUnpacker


@singledispatch
def component(node: object, plan: Plan) -> Component:
    """The component that computes `node`."""
    raise TypeError(f"node: wanted one that has a component, got {type(node).__name__}")


@component.register
def _(node: Convolution, plan: Plan) -> Component:
    return rtl_convolution.Convolution(
        plan.foldings[node.name],
        weight=node.weight,
        weight_bits=node.weight_bits,
        bias=node.bias.tolist(),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.tolist(),
        slope_fraction=node.slope_fraction,
        accumulator_bits=node.accumulator_bits,
        output=shape_of(node.output),
        coarse=node.coarse,
    )


@component.register
def _(node: Gain, plan: Plan) -> Component:
    return rtl_gain.Gain(
        input=shape_of(node.input),
        factor=node.factor,
        shift=node.shift,
        output=shape_of(node.output),
        places=plan.places.get(node.name, rtl_gain.Gain.places),
    )


@component.register
def _(node: Receive, plan: Plan) -> Component:
    return Received(
        input=shape_of(node.input), shift=node.shift, output=shape_of(node.output), coarse=node.coarse
    )


@component.register
def _(node: Table, plan: Plan) -> Component:
    return rtl_table.Table(node.values.tolist(), shape_of(node.input), node.output.bits)


@component.register
def _(node: Power, plan: Plan) -> Component:
    return rtl_power.Power(input=shape_of(node.input), values=frame_of(plan).values, power=node.power)


@component.register
def _(node: MatrixProduct, plan: Plan) -> Component:
    return rtl_matrix_product.MatrixProduct(
        rows=node.rows,
        columns=node.columns,
        groups=symbol_groups(node, plan.graph.side, frame_of(plan)),
        conjugate=node.conjugate,
        tables=node.tables,
        form=plan.form,
    )


@component.register
def _(node: Alamouti, plan: Plan) -> Component:
    return rtl_alamouti.Alamouti(frame_of(plan).symbols // 2)


def chain(plan: Plan) -> dict[str, Component]:
    """The components of a plan by name, in the order of the data: every node's has its name, and beside them

    tx: `pixels` first, where the first layer takes its channels one by one, and `symbols` behind the last values
    rx: `symbols`, which makes values of them, and `pixels` last
    """
    graph = plan.graph
    values = frame_of(plan).values
    nodes = {node.name: component(node, plan) for node in graph.value_nodes}
    symbol_node = {} if graph.symbol_node is None else {graph.symbol_node.name: component(graph.symbol_node, plan)}
    if graph.side == "rx":
        unpacker = SymbolUnpacker(values, graph.input.bits)
        return symbol_node | {"symbols": unpacker} | nodes | {"pixels": PixelPacker(plan.width * plan.height)}
    pixels: dict[str, Component] = {}
    if plan.serialised:
        places = plan.places.get("pixels", PixelSerialiser.places)
        pixels["pixels"] = PixelSerialiser(graph.input_channels, graph.input.bits, places)
    packer = SymbolPacker(values, places=plan.places.get("symbols", SymbolPacker.places))
    return pixels | nodes | {"symbols": packer} | symbol_node


def add_layers(m: Module, plan: Plan) -> dict[str, Component]:
    """Add a plan's components to a module as submodules, connected in a row; see `chain`.

    The first one's `i`, the last one's `o` and the coefficients of the one that takes any stay open.
    """
    components = chain(plan)
    for name, layer in components.items():
        m.submodules[name] = layer
    layers = list(components.values())
    for source, sink in zip(layers, layers[1:], strict=False):
        m.d.comb += [
            # Values of a symbol need no TLAST.
            Value.cast(sink.i.payload).eq(Value.cast(source.o.payload)),
            sink.i.valid.eq(source.o.valid),
            source.o.ready.eq(sink.i.ready),
        ]
    return components


class Top(Component):
    """A design with AXI4-Stream ports (`hwgen.emit.ports`): pixels in and symbols out, or symbols in and pixels out."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {port.name: (In if port.direction == "input" else Out)(port.width) for port in ports(plan.graph)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        components = add_layers(m, self.plan)
        first, *_, last = components.values()
        m.d.comb += [
            Value.cast(first.i.payload).eq(self.s_axis_tdata),
            first.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(first.i.ready),
            Cat(self.m_axis_tdata, self.m_axis_tlast).eq(Value.cast(last.o.payload)),
            self.m_axis_tvalid.eq(last.o.valid),
            last.o.ready.eq(self.m_axis_tready),
        ]
        node = self.plan.graph.symbol_node
        if node is not None and self.plan.graph.coefficient_words:
            stream = components[node.name].coefficients
            m.d.comb += [
                stream.payload.eq(self.s_coef_tdata),
                stream.valid.eq(self.s_coef_tvalid),
                self.s_coef_tready.eq(stream.ready),
            ]
        return m
