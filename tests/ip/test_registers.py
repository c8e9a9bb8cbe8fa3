"""The generated files are what registers.rdl says, and the map is one that software can rely on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hwgen.ip import registers
from hwgen.ip.generate import HERE, generated
from hwgen.ip.registers import MEMORIES, REGISTERS

FILES = generated()


@pytest.mark.parametrize("name", FILES)
def test_the_generated_files_are_the_descriptions(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") == FILES[name], "run python -m hwgen.ip.generate"


def test_registers_have_places_of_their_own() -> None:
    places = [register.address for register in REGISTERS]
    places += [memory.address + 4 * word for memory in MEMORIES for word in range(memory.words)]
    assert len(set(places)) == len(places)
    assert all(place % 4 == 0 and 0 <= place < 0x1000 for place in places)
    for register in REGISTERS:
        bits = [bit for field in register.fields for bit in range(field.low, field.low + field.width)]
        assert len(set(bits)) == len(bits), register.name
        assert max(bits) < 32, register.name


def test_constants_are_the_tables() -> None:
    for register in REGISTERS:
        assert getattr(registers, register.name) == register.address
        for field in register.fields:
            if field.width < 32:
                name = f"{register.name}_{field.name.upper()}"
                mask = getattr(registers, name)
                assert mask == ((1 << field.width) - 1) << field.low
                assert getattr(registers, f"{name}_LOW") == field.low


def test_the_header_has_every_register_at_its_address(tmp_path: Path) -> None:
    """By the compiler's own offsets."""
    checks = "".join(
        f'static_assert(offsetof(hwgen_ip_t, {name}) == {address}, "{name}");\n'
        for name, address in [*((one.name, one.address) for one in REGISTERS), *((m.name, m.address) for m in MEMORIES)]
    )
    file = tmp_path / "check.c"
    file.write_text(f'#include <stddef.h>\n#include "registers.h"\n{checks}')
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", f"-I{HERE}", str(file)], check=True)
