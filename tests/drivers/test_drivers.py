"""The drivers, as they are emitted, on the RTL: equal to the model, every error, and after each an exact frame."""

from __future__ import annotations

import ctypes
import re
import socket
from pathlib import Path

import pytest
from support import c_driver_programs as in_c, driver_simulation as simulation

from hwgen import drivers
from hwgen.design_options import DesignOptions
from hwgen.drivers import hwgen_driver as driver
from hwgen.emit import emit
from hwgen.ip import registers
from hwgen.ip.emit import writer
from hwgen.ip.options import IpOptions
from hwgen.numerics.formats import COEFFICIENT, SYMBOL


@pytest.mark.parametrize(("side", "pixels"), [("tx", "rgb"), ("rx", "rgbx")])
def test_python_and_c_on_the_rtl(side: str, pixels: str, objects: Path, tmp_path: Path) -> None:
    """What runs is in support/driver_programs.py, c_driver_programs.py and notebook_programs.py."""
    options = IpOptions(pixels=pixels)  # type: ignore[arg-type]
    emit(DesignOptions("tiny", side, frame=(8, 8)), tmp_path / side, quiet=True, beside=writer(options))
    for name in drivers.files(side):
        assert (tmp_path / side / "ip" / name).read_bytes() == (drivers.FOLDER / name).read_bytes()
    simulation.build(tmp_path / side, f"hwgen_{side}", objects)
    program = {"tx": "transmitter", "rx": "receiver"}[side]
    simulation.run(tmp_path / side, f"hwgen_{side}", f"support.driver_programs:{program}",
                   f"support.c_driver_programs:{program}", f"support.notebook_programs:{program}")  # fmt: skip


def test_the_python_drivers_registers_are_the_designs() -> None:
    names = {one.name: one.address for one in (*registers.REGISTERS, *registers.MEMORIES)}
    assert {name: getattr(driver, name) for name in names} == names
    for name in ("ENABLE", "SOFT_RESET", "FREEZE", "CLEAR", "COMMIT"):
        assert getattr(driver, name) == getattr(registers, f"CONTROL_{name}")
    for name in ("OUTPUT_FRAME", "COMMITTED"):
        assert getattr(driver, name) == getattr(registers, f"STATUS_{name}")
    for name in ("FRAME_ERROR", "LENGTH_ERROR"):
        assert getattr(driver, name) == getattr(registers, f"IRQ_STATUS_{name}")
    (magic, version) = registers.REGISTERS[:2]
    assert [field.reset for field in (magic.fields[0], version.fields[1])] == [driver.MAGIC, driver.MAJOR]
    counted = [one for one in registers.REGISTERS if driver.FRAMES_IN <= one.address <= driver.OUTPUT_STARVED]
    assert tuple(one.name.lower() for one in counted) == driver.Counters._fields
    assert (SYMBOL.scale, COEFFICIENT.scale) == (driver.SYMBOL_UNIT, driver.COEFFICIENT_UNIT)


def test_the_python_driver_needs_numpy_alone() -> None:
    text = (drivers.FOLDER / "hwgen_driver.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)) == {
        "__future__", "collections", "numpy", "time", "typing",
    }  # fmt: skip


def test_complex_numbers() -> None:
    assert driver.from_complex([0.5 - 0.25j, 9 - 9j, 2.0**-13]).tolist() == [[2048, -1024], [32767, -32768], [0, 0]]
    assert driver.to_complex([[2048, -1024]]).tolist() == [0.5 - 0.25j]
    assert driver.from_complex([1 - 2j, 32], driver.COEFFICIENT_UNIT).tolist() == [[1024, -2048], [32767, 0]]


def test_uio_maps_registers_and_memory(tmp_path: Path) -> None:
    """On files, which are mapped in the same way as devices."""
    library, bus, memory = in_c.compiled(tmp_path), in_c.Bus(), in_c.Memory()
    (tmp_path / "uio0").write_bytes(bytes.fromhex("4e475748") + bytes(4092))
    assert library.hwgen_uio_open(str(tmp_path / "uio0").encode(), 4096, ctypes.byref(bus)) == in_c.OK
    assert bus.read(bus.context, 0) == driver.MAGIC
    bus.write(bus.context, 8, 0x01020304)
    assert (tmp_path / "uio0").read_bytes()[8:12] == b"\x04\x03\x02\x01"
    (tmp_path / "phys_addr").write_text("0x38000000\n")
    (tmp_path / "size").write_text("8192\n")
    (tmp_path / "udmabuf0").write_bytes(b"ab" + bytes(8190))
    paths = str(tmp_path / "udmabuf0").encode(), str(tmp_path).encode()
    assert library.hwgen_uio_buffer(*paths, ctypes.byref(memory)) == in_c.OK
    assert (memory.address, memory.bytes, ctypes.string_at(memory.data, 2)) == (0x38000000, 8192, b"ab")
    (tmp_path / "size").write_text("0\n")
    assert library.hwgen_uio_buffer(*paths, ctypes.byref(memory)) == in_c.WRONG_SIZE
    assert library.hwgen_uio_buffer(paths[0], b"/nowhere", ctypes.byref(memory)) == in_c.SYSTEM
    assert library.hwgen_uio_open(b"/nowhere", 4096, ctypes.byref(bus)) == in_c.SYSTEM


def test_uio_waits_for_the_interrupt(tmp_path: Path) -> None:
    """A pair of sockets stands for the device: what is written enables it, what comes is the count."""
    library = in_c.compiled(tmp_path)
    device, kernel = socket.socketpair()
    with device, kernel:
        assert library.hwgen_uio_wait(device.fileno(), 0) == in_c.TIMED_OUT
        kernel.send((7).to_bytes(4, "little"))
        assert library.hwgen_uio_wait(device.fileno(), 1000) == in_c.OK
        assert kernel.recv(8) == (1).to_bytes(4, "little") * 2
    assert library.hwgen_uio_wait(-1, 0) == in_c.SYSTEM
