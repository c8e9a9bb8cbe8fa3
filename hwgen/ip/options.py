"""The options of an IP: widths, pixel packing and clocks of its interfaces."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from hwgen.errors import HwgenError

Pixels = Literal["rgb", "rgbx"]
BEAT_BITS = (32, 64, 128)
"""Widths of s_axis_tdata and m_axis_tdata."""


@dataclass(frozen=True)
class IpOptions:
    """Options of an IP's interfaces.

    Parameters
    ----------
    beat_bits : of either stream's data, one of BEAT_BITS
    pixels : rgb: a byte a value, one pixel behind the other (four pixels of three values in three 32-bit words);
        rgbx: a pixel in four bytes, of which only the lowest (three, or one of grey) are used
    clocks : 1, or 2: the registers have a clock of their own

    Raises
    ------
    HwgenError : another number or kind
    """

    beat_bits: int = 32
    pixels: Pixels = "rgb"
    clocks: int = 1

    def __post_init__(self) -> None:
        if self.beat_bits not in BEAT_BITS:
            raise HwgenError("--ip-bits", " or ".join(map(str, BEAT_BITS)), str(self.beat_bits))
        if self.pixels not in get_args(Pixels):
            raise HwgenError("--ip-pixels", " or ".join(get_args(Pixels)), str(self.pixels))
        if self.clocks not in (1, 2):
            raise HwgenError("--ip-clocks", "1 or 2", str(self.clocks))

    @classmethod
    def of(cls, arguments: Namespace) -> IpOptions | None:
        """From a parsed command line; None where no IP is asked for.

        Raises
        ------
        HwgenError : an option of an IP without --ip
        """
        given = {name: getattr(arguments, f"ip_{name}") for name in ("bits", "pixels", "clocks")}
        chosen = {name: value for name, value in given.items() if value is not None}
        if not arguments.ip:
            if chosen:
                raise HwgenError(f"--ip-{next(iter(chosen))}", "--ip beside it", "none")
            return None
        return cls(**{"beat_bits" if name == "bits" else name: value for name, value in chosen.items()})

    def words(self) -> list[str]:
        """As words of a command line, those that are not the default."""
        names = {"beat_bits": "bits", "pixels": "pixels", "clocks": "clocks"}
        given = {name: value for name, value in asdict(self).items() if value != getattr(IpOptions, name)}
        return ["--ip", *(word for name, value in given.items() for word in (f"--ip-{names[name]}", str(value)))]

    def record(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def add_options(parser: ArgumentParser, text: str) -> None:
    """Add --ip and what belongs to it to a command.

    text : help for --ip
    """
    parser.add_argument("--ip", action="store_true", help=text)
    parser.add_argument("--ip-bits", type=int, choices=BEAT_BITS,
                        help=f"width of the IP's stream data (default: {IpOptions.beat_bits})")
    parser.add_argument("--ip-pixels", choices=get_args(Pixels),
                        help="rgb: three bytes a pixel, four pixels in three 32-bit words (default); rgbx: four "
                             "bytes a pixel, the highest not used")
    parser.add_argument("--ip-clocks", type=int, choices=(1, 2),
                        help="2: the registers have a clock of their own (default: 1)")
