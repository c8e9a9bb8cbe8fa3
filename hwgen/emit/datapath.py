"""A plan as one Amaranth module: a component for every node, connected along the edges of the hardware's graph."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Value
from amaranth.lib.wiring import Component, In, Out, connect

from hwgen.emit.ports import FLAG, PROFILE, ports
from hwgen.plan.plan import Plan
from hwgen.rewrite.hardware import COEFFICIENTS, INPUT, InputFraming
from hwgen.rewrite.insert_framing import FRAMER


def components(plan: Plan) -> dict[str, Component]:
    """The component of every node that has one, by name, in topological order."""
    made = {name: one.build(plan.configs[name]) for name, one in plan.design.lowerings.items()}
    return {name: component for name, component in made.items() if component is not None}


def source_of(plan: Plan, made: dict[str, Component], name: str) -> str:
    """The nearest node at or before `name` that has a component; INPUT where none has."""
    while name != INPUT and name not in made:
        (name,) = plan.design.hardware.inputs[name]
    return name


def add_components(m: Module, plan: Plan) -> dict[str, Component]:
    """Add a plan's components to a module as submodules and connect them.

    What the input port feeds, what feeds the output port, and coefficients stay open.
    """
    made = components(plan)
    for name, component in made.items():
        m.submodules[name] = component
    for name, sink in made.items():
        for place, source in enumerate(plan.design.hardware.inputs[name]):
            before = source_of(plan, made, source)
            if before != INPUT:
                given, taken = output_of(plan, made, before, name, place), input_of(sink, place)
                m.d.comb += [
                    # Not `connect`, which wants equal widths: a symbol's highest bit, TLAST, may end here.
                    Value.cast(taken.payload).eq(Value.cast(given.payload)),
                    taken.valid.eq(given.valid),
                    given.ready.eq(taken.ready),
                ]
    framing = plan.design.hardware.by_name[FRAMER]
    assert isinstance(framing, InputFraming), "every design has one"
    framer: Any = made[FRAMER]
    for place, name in enumerate(framing.takers):
        taker: Any = made[name]
        connect(m, framer.profiles[place], taker.profile)
    return made


def input_of(component: Component, place: int) -> Any:
    """A component's input stream, or one of several."""
    return component.i[place] if isinstance(component.i, (list, tuple)) else component.i


def output_of(plan: Plan, made: dict[str, Component], name: str, consumer: str, place: int) -> Any:
    """The output stream of a node's component that goes to an input of a consumer: its only one, or a branch."""
    given = made[name].o
    if not isinstance(given, (list, tuple)):
        return given
    return given[plan.design.hardware.consumers[name].index((consumer, place))]


class Top(Component):
    """A design with AXI4-Stream ports (`hwgen.emit.ports`): pixels in and symbols out, or symbols in and pixels out.

    `hwgen.emit.parameter` makes its input `use_tlast` a parameter of the Verilog.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__(
            {
                FLAG: In(1),
                **{
                    port.name: (In if port.direction == "input" else Out)(port.width)
                    for port in ports(plan.design.hardware)
                },
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        made = add_components(m, self.plan)
        framer: Any = made[FRAMER]
        *_, last = made.values()
        m.d.comb += [
            framer.use_tlast.eq(getattr(self, FLAG)),
            self.frame_error.eq(framer.frame_error),
            self.frame_errors.eq(framer.frame_errors),
            Value.cast(framer.i.payload).eq(Cat(self.s_axis_tdata, self.s_axis_tlast)),
            framer.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(framer.i.ready),
            Cat(self.m_axis_tdata, self.m_axis_tlast).eq(Value.cast(last.o.payload)),
            self.m_axis_tvalid.eq(last.o.valid),
            last.o.ready.eq(self.m_axis_tready),
        ]
        if self.plan.graph.profiles > 1:
            m.d.comb += framer.profile.eq(getattr(self, PROFILE))
        if self.plan.design.hardware.port(COEFFICIENTS) is not None:
            (taker,) = (component for component in made.values() if hasattr(component, "coefficients"))
            m.d.comb += [
                Value.cast(framer.coefficients_i.payload).eq(Cat(self.s_coef_tdata, self.s_coef_tlast)),
                framer.coefficients_i.valid.eq(self.s_coef_tvalid),
                self.s_coef_tready.eq(framer.coefficients_i.ready),
            ]
            stream, given = taker.coefficients, framer.coefficients_o
            m.d.comb += [
                stream.payload.eq(given.payload),
                stream.valid.eq(given.valid),
                given.ready.eq(stream.ready),
            ]
        return m
