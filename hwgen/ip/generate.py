"""`python -m hwgen.ip.generate`: what is made of registers.rdl, a file each for Python, C and readers.

Needs the extra `registers`. Whoever emits does not: the files are in the package, and a test makes them anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peakrdl_cheader.exporter import CHeaderExporter
from peakrdl_markdown import MarkdownExporter
from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode, MemNode, RegNode
from systemrdl.rdltypes import OnWriteType

from hwgen.process import private_folder

HERE = Path(__file__).parent
SOURCE = HERE / "registers.rdl"

HEAD = '''\
"""Addresses, fields and masks of the registers of an hwgen IP. Generated from registers.rdl; needs nothing of hwgen."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """Bits `low` .. `low + width - 1` of a register.

    access : "r" the design gives it; "rw" it keeps what is written; "w1c" a 1 stays until a 1 is written; "pulse" a 1
        that is written lasts one cycle, it reads 0
    reset : its value then; None where the design gives it all the time
    """

    name: str
    low: int
    width: int
    access: str
    reset: int | None


class Register(NamedTuple):
    """A 32-bit word at a byte address."""

    name: str
    address: int
    fields: tuple[Field, ...]


class Memory(NamedTuple):
    """32-bit words from a byte address on, which can be written and read 0."""

    name: str
    address: int
    words: int


'''


def address_map() -> AddrmapNode:
    """The description, compiled.

    Raises
    ------
    systemrdl.RDLCompileError : registers.rdl has errors, which are on standard error
    """
    compiler = RDLCompiler()
    compiler.compile_file(str(SOURCE))
    return compiler.elaborate().top


def access_of(field: FieldNode) -> str:
    """A field's access as registers.py has it.

    Raises
    ------
    ValueError : none of the kinds that the register file builds
    """
    if field.get_property("singlepulse"):
        return "pulse"
    if field.get_property("onwrite") == OnWriteType.woclr:
        return "w1c"
    if field.is_sw_writable and field.is_sw_readable and not field.is_hw_writable:
        return "rw"
    if not field.is_sw_writable:
        return "r"
    raise ValueError(f"{field.get_path()}: wanted r, rw, w1c or a pulse, got another kind")


def python_text() -> str:
    """registers.py."""
    top = address_map()
    registers = [node for node in top.children() if isinstance(node, RegNode)]
    memories = [node for node in top.children() if isinstance(node, MemNode)]
    return HEAD + "".join(
        line + "\n" for line in (*_constants(registers, memories), *_tables(registers), *_memories(memories))
    )


def _constants(registers: list[RegNode], memories: list[MemNode]) -> Iterator[str]:
    for node in registers:
        yield f"{node.inst_name} = 0x{node.absolute_address:03X}"
        for field in node.fields():
            if (field.low, field.width) != (0, 32):
                name = f"{node.inst_name}_{field.inst_name.upper()}"
                yield f"{name} = 0x{((1 << field.width) - 1) << field.low:08X}"
                yield f"{name}_LOW = {field.low}"
    for memory in memories:
        yield f"{memory.inst_name} = 0x{memory.absolute_address:03X}"
    yield ""


def _tables(registers: list[RegNode]) -> Iterator[str]:
    yield "REGISTERS = ("
    for node in registers:
        yield f'    Register("{node.inst_name}", 0x{node.absolute_address:03X}, ('
        for field in node.fields():
            reset: Any = field.get_property("reset")
            access = access_of(field)
            given = None if access == "r" and field.is_hw_writable else reset
            text = "None" if given is None else hex(given)
            yield f'        Field("{field.inst_name}", {field.low}, {field.width}, "{access}", {text}),'
        yield "    )),"
    yield ")  # fmt: skip"


def _memories(memories: list[MemNode]) -> Iterator[str]:
    for node in memories:
        entries = node.get_property("mementries")
        yield "MEMORIES = ("
        yield f'    Memory("{node.inst_name}", 0x{node.absolute_address:03X}, {entries}),'
        yield ")"


def generated() -> dict[str, str]:
    """Text of every generated file by its name."""
    found = {"registers.py": python_text()}
    with private_folder("hwgen_registers_") as folder:
        CHeaderExporter().export(address_map(), str(folder / "registers.h"))
        MarkdownExporter().export(address_map(), str(folder / "registers.md"))
        for name in ("registers.h", "registers.md"):
            found[name] = "\n".join(line.rstrip() for line in (folder / name).read_text("utf-8").splitlines()) + "\n"
    return found


def main() -> int:
    """Write them; 0."""
    for name, text in generated().items():
        (HERE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
