"""The manifest's entry of an IP, read from an emitted folder: what a bench needs to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hwgen.errors import HwgenError
from hwgen.ip.options import IpOptions, Pixels
from hwgen.names import module_trouble
from hwgen.sim.design import Design, refusal


def _file(text: str) -> str:
    if Path(text).name != text:
        raise ValueError("the name of a file in the folder")
    return text


def _module(text: str) -> str:
    if (wanted := module_trouble(text.removesuffix("_ip"))) is not None:
        raise ValueError(wanted)
    return text


Bytes = Annotated[int, Field(ge=1, le=2**31)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Options(_Part):
    beat_bits: Literal[32, 64, 128]
    pixels: Pixels
    clocks: Literal[1, 2]


class Port(_Part):
    """A stream: bytes of a frame, of an item, of the used ones among these, and of a beat."""

    bytes: Bytes
    item_bytes: Annotated[int, Field(ge=1, le=4)]
    used_bytes: Annotated[int, Field(ge=1, le=4)]
    beat_bytes: Literal[4, 8, 16]

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return -(-self.bytes // self.beat_bytes)


class _Registers(_Part):
    constants: dict[str, Annotated[int, Field(ge=0, lt=2**32)]]


class IpEntry(_Part):
    """An IP: its module, options, streams, the constants in its registers, its Verilog files."""

    top: Annotated[str, AfterValidator(_module)]
    options: _Options
    input: Port
    output: Port
    registers: _Registers
    sources: Annotated[list[Annotated[str, AfterValidator(_file)]], Field(min_length=1)]

    @property
    def ip_options(self) -> IpOptions:
        """The options that it was emitted with."""
        return IpOptions(**self.options.model_dump())


def ip_entry(design: Design) -> IpEntry:
    """What the manifest says of the IP.

    Raises
    ------
    HwgenError : the folder has none, or its entry is none
    """
    path = design.folder / "manifest.json"
    if "ip" not in design.manifest:
        raise HwgenError(f"{path}: ip", "an IP (`hwgen emit --ip`)", "none")
    try:
        entry = IpEntry.model_validate(design.manifest["ip"])
    except ValidationError as error:
        raise refusal(error, f"{path}: ip.") from None
    for name in entry.sources:
        if not (design.folder / name).is_file():
            raise HwgenError(f"{path}: ip.sources", "files that are there", f"no {name}")
    return entry
