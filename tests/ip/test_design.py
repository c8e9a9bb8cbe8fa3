# amaranth: UnusedElaboratable=no
"""The registers of an IP as hardware against registers.rdl, address by address; what the manifest makes of an IP."""

from __future__ import annotations

from typing import Any

import pytest
from support.ip import ip_design
from support.streaming import simulate

from hwgen.errors import HwgenError
from hwgen.ip.design import ADDRESS_BITS
from hwgen.ip.names import field_name
from hwgen.ip.options import IpOptions
from hwgen.ip.registers import MEMORIES, REGISTERS


@pytest.mark.parametrize(("words", "profile"), [(0, 0), (6, 3)])
def test_every_address_is_what_the_description_says(words: int, profile: int) -> None:
    """Behind a reset, and behind a write of ones: each field by its access; all other addresses read 0."""
    ip = ip_design(words=words, profile=profile)
    dut = ip.registers.build()
    lacking = {"control_commit", "status_committed"} if not words else set()

    async def bench(ctx: Any) -> None:
        given = {
            field_name(one.name, field.name): 0x5A5A5A5A & ((1 << field.width) - 1)
            for one in REGISTERS for field in one.fields
            if field.access == "r" and field.reset is None
        }  # fmt: skip
        for name, value in given.items():
            if name not in ip.constants and name not in lacking:
                ctx.set(getattr(dut, name), value)
        for ones in (False, True):
            words_of = {}
            for one in REGISTERS:
                word = 0
                for field in one.fields:
                    name, most = field_name(one.name, field.name), (1 << field.width) - 1
                    if name in ip.constants:
                        value = ip.constants[name]
                    elif name in lacking or field.access == "pulse":
                        value = 0
                    elif name == "profile":
                        value = ((1 << profile) - 1) * ones
                    elif field.access == "r":
                        value = given[name] if field.reset is None else field.reset
                    else:
                        value = most if ones and field.access == "rw" else field.reset or 0
                    word |= value << field.low
                words_of[one.address] = word
            for address in range(0, 1 << ADDRESS_BITS, 4):
                if ones:
                    ctx.set(dut.write_address, address // 4)
                    ctx.set(dut.write_data, 0xFFFFFFFF)
                    ctx.set(dut.strobe, 15)
                    ctx.set(dut.write, 1)
                    window = any(one.address <= address < one.address + 4 * one.words for one in MEMORIES)
                    if words:
                        assert ctx.get(dut.window_write) == window
                    await ctx.tick()
                    ctx.set(dut.write, 0)
                ctx.set(dut.read_address, address // 4)
                assert ctx.get(dut.read_data) == words_of.get(address, 0), hex(address)

    simulate(dut, bench)


def test_what_an_ip_says_of_itself() -> None:
    ip = ip_design("rx", words=6, channels=1, beat_bits=64, pixels="rgbx", clocks=2)
    assert ip.constants == {
        "model_hash": 0x89ABCDEF, "capabilities_receiver": 1, "capabilities_packed": 0, "capabilities_profile": 0,
        "capabilities_coefficients": 1, "capabilities_gain": 1, "capabilities_clocks": 1, "capabilities_channels": 1,
        "capabilities_beat_bytes": 8, "frame_width": 5, "frame_height": 2, "input_bytes": 28, "output_bytes": 40,
        "coefficient_words": 6, "profiles": 1, "gain": 77, "gain_shift": (1 << 32) - 3,
    }  # fmt: skip
    assert ip_design(channels=3).frame_bytes == (30, 28)
    assert ip_design(channels=1).frame_bytes == (10, 28)
    names = [port.name for port in ip.ports]
    assert len(set(names)) == len(names)
    assert {"s_axi_aclk", "s_axi_aresetn"} <= set(names)
    assert not {"s_axi_aclk", "s_axi_aresetn"} & {port.name for port in ip_design().ports}


@pytest.mark.parametrize(("build", "message"), [
    (lambda: ip_design(words=257), "--ip: wanted at most 256 coefficients a frame, got 257"),
    (lambda: IpOptions(beat_bits=16), "--ip-bits: wanted 32 or 64 or 128, got 16"),
    (lambda: IpOptions(pixels="bgr"), "--ip-pixels: wanted rgb or rgbx, got bgr"),  # type: ignore[arg-type]
    (lambda: IpOptions(clocks=3), "--ip-clocks: wanted 1 or 2, got 3"),
])  # fmt: skip
def test_errors(build: Any, message: str) -> None:
    with pytest.raises(HwgenError, match=message):
        build()
