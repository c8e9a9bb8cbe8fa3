"""The IP's module: an emitted design between an unpacker and a packer, with its registers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib.wiring import Component, In, Out, connect

from hwgen.emit.ports import PROFILE
from hwgen.ip.design import ANSWERS, CHANNELS, COUNTED, IpDesign
from hwgen.rtl.axi.crossing import synchronised

PAYLOADS = {"w": ("data", "strobe"), "r": ("data", "response")}
"""Members of a channel's payload, where it has several; in the order of CHANNELS."""


class IpTop(Component):
    """An IP with the ports of `IpDesign.ports`.

    `aresetn` resets everything; CONTROL.soft_reset the design alone, while the unpacker drops what comes and the packer
    ends what it has begun, so that no rule of AXI4-Stream is broken.

    Latency: those of unpacker and packer more than the design's. Interval: the design's, and at least a cycle an item.
    """

    def __init__(self, design: IpDesign) -> None:
        self.design = design
        super().__init__(
            {port.name: (In if port.direction == "input" else Out)(port.width) for port in design.ports}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(local=True)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        made = {name: config.build() for name, config in self.design.components.items()}
        for name, component in made.items():
            m.submodules[name] = component
        self._registers(m, made)
        self._streams(m, made)
        self._events(m, made, self._core(m, made))
        return m

    def _registers(self, m: Module, made: dict[str, Any]) -> None:
        """AXI4-Lite to the registers, by way of another clock where there is one."""
        lite, registers = made["lite"], made["registers"]
        slave = made.get("crossing", lite)
        if slave is not lite:
            m.domains.registers = ClockDomain(local=True)
            m.d.comb += [ClockSignal("registers").eq(self.s_axi_aclk), ResetSignal("registers").eq(~self.s_axi_aresetn)]
            for channel in CHANNELS:
                if channel in ANSWERS:
                    connect(m, getattr(lite, channel), getattr(slave, f"from_{channel}"))
                else:
                    connect(m, getattr(slave, f"to_{channel}"), getattr(lite, channel))
        for channel, payloads in CHANNELS.items():
            stream = getattr(slave, channel)
            ports = Cat(getattr(self, f"s_axi_{channel}{name}") for name, _ in payloads if name != "prot")
            parts = PAYLOADS.get(channel)
            payload = Cat(getattr(stream.payload, part) for part in parts) if parts else stream.payload
            self._join(m, f"s_axi_{channel}", stream, ports, payload, channel in ANSWERS)
        m.d.comb += [
            registers.write.eq(lite.write),
            registers.write_address.eq(lite.write_address),
            registers.write_data.eq(lite.write_data),
            registers.strobe.eq(lite.strobe),
            registers.read_address.eq(lite.read_address),
            lite.read_data.eq(registers.read_data),
        ]

    def _streams(self, m: Module, made: dict[str, Any]) -> None:
        """The ports of both streams, and the registers' control of unpacker, packer and coefficients."""
        unpacker, packer, registers = made["unpacker"], made["packer"], made["registers"]
        coefficients = made.get("coefficients")
        for name, port in (("s_axis", unpacker.i), ("m_axis", packer.o)):
            ports = Cat(getattr(self, f"{name}_{part}") for part in ("tdata", "tkeep", "tlast"))
            payload = Cat(port.payload.data, port.payload.keep, port.payload.last)
            self._join(m, f"{name}_t", port, ports, payload, name == "m_axis")
        room = 1 if coefficients is None else coefficients.room
        m.d.comb += [
            unpacker.enable.eq(registers.control_enable & room),
            unpacker.drop.eq(registers.control_soft_reset),
            packer.close.eq(registers.control_soft_reset),
            registers.status_output_frame.eq(packer.open),
        ]
        if coefficients is None:
            m.d.comb += registers.status_input_frame.eq(unpacker.begun)
            return
        m.d.comb += [
            coefficients.write.eq(registers.window_write),
            coefficients.address.eq(registers.window_address),
            coefficients.data.eq(registers.write_data),
            coefficients.commit.eq(registers.control_commit),
            coefficients.begins.eq(unpacker.begins),
            coefficients.forget.eq(registers.control_soft_reset),
            registers.status_committed.eq(coefficients.committed),
            registers.status_input_frame.eq(
                unpacker.begun | (registers.control_soft_reset & coefficients.sending)
            ),
        ]

    def _join(self, m: Module, prefix: str, stream: Any, ports: Value, payload: Value, sends: bool) -> None:
        """Connect a component's stream to the IP's ports, `prefix` with valid and ready; `sends`: out of the IP."""
        valid, ready = getattr(self, f"{prefix}valid"), getattr(self, f"{prefix}ready")
        if sends:
            m.d.comb += [ports.eq(payload), valid.eq(stream.valid), stream.ready.eq(ready)]
        else:
            m.d.comb += [payload.eq(ports), stream.valid.eq(valid), ready.eq(stream.ready)]

    def _core(self, m: Module, made: dict[str, Any]) -> Signal:
        """The design between both; its `frame_error`."""
        design, items, given = self.design, made["unpacker"].o, made["packer"].i
        resetn, frame_error = Signal(name="core_aresetn"), Signal(name="frame_error")
        m.d.sync += resetn.eq(~made["registers"].control_soft_reset)
        ports: dict[str, Any] = {
            "i_aclk": self.aclk, "i_aresetn": resetn, "o_frame_error": frame_error,
            "i_s_axis_tdata": items.payload.beat, "i_s_axis_tlast": items.payload.last,
            "i_s_axis_tvalid": items.valid, "o_s_axis_tready": items.ready,
            "o_m_axis_tdata": given.payload.beat, "o_m_axis_tlast": given.payload.last,
            "o_m_axis_tvalid": given.valid, "i_m_axis_tready": given.ready,
        }  # fmt: skip
        if "coefficients" in made:
            words = made["coefficients"].o
            ports |= {
                "i_s_coef_tdata": words.payload.beat, "i_s_coef_tlast": words.payload.last,
                "i_s_coef_tvalid": words.valid, "o_s_coef_tready": words.ready,
            }  # fmt: skip
        if design.profile_bits:
            ports[f"i_{PROFILE}"] = made["registers"].profile
        m.submodules.core = Instance(design.core, **ports)
        return frame_error

    def _events(self, m: Module, made: dict[str, Any], frame_error: Signal) -> None:
        """Events into the counters and IRQ_STATUS, and the interrupt."""
        unpacker, packer, registers, counters = (
            made[name] for name in ("unpacker", "packer", "registers", "counters")
        )
        events: dict[str, Any] = {
            "FRAMES_IN": unpacker.ends, "FRAMES_OUT": packer.ends, "FRAME_ERRORS": frame_error,
            "LENGTH_ERRORS": unpacker.length_error & ~registers.control_soft_reset, "CYCLES": 1,
        }  # fmt: skip
        for name, prefix in (("INPUT", "s_axis"), ("OUTPUT", "m_axis")):
            valid, ready = getattr(self, f"{prefix}_tvalid"), getattr(self, f"{prefix}_tready")
            events |= {
                f"{name}_BUSY": valid & ready, f"{name}_STALLED": valid & ~ready, f"{name}_STARVED": ready & ~valid,
            }  # fmt: skip
        for index, name in enumerate(COUNTED):
            shown = getattr(registers, name.lower())
            m.d.comb += [counters.event[index].eq(events[name]), shown.eq(counters.value[index])]
        raised = {"frame_out": "FRAMES_OUT", "frame_in": "FRAMES_IN", "frame_error": "FRAME_ERRORS",
                  "length_error": "LENGTH_ERRORS"}  # fmt: skip
        m.d.comb += [
            counters.clear.eq(registers.control_clear),
            counters.freeze.eq(registers.control_freeze),
            *(getattr(registers, f"irq_status_{name}_set").eq(events[counted]) for name, counted in raised.items()),
        ]
        level = Signal(name="irq_level")
        m.d.sync += level.eq(
            Cat(getattr(registers, f"irq_status_{name}") & getattr(registers, f"irq_enable_{name}") for name in raised)
            != 0
        )
        m.d.comb += registers.status_irq.eq(level)
        m.d.comb += self.irq.eq(level if "crossing" not in made else synchronised(m, level, "registers", "irq"))
