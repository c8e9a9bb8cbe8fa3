"""The options that say which hardware, once: command line, calls, reproduce line, manifest."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from hwgen.errors import HwgenError
from hwgen.ir.graph import SIDES
from hwgen.limits import MOST_FPS
from hwgen.model import channel_of
from hwgen.names import module_trouble
from hwgen.option_values import ENGINE, Engine, Number, frame, init
from hwgen.spec.model import Kind, ModelSpec

BOTH = "both"
"""For --side of the commands that take a transmitter and its receiver on one board; no side of a design."""
TOPS = {"tx": "hwgen_tx", "rx": "hwgen_rx"}
"""The top module's name by default."""


@dataclass(frozen=True)
class DesignOptions:
    """The choice of a design, which `emit`, `verify`, `synth`, `link` and the benches have in common.

    Parameters
    ----------
    model : name, folder or path of a specification
    side : 'tx', the transmitter, or 'rx', the receiver
    board : name or path
    fps : frames per second to reach; None takes what the board has
    frame : (width, height) in pixels; None takes the specification's
    init : seed of random weights; None takes the trained ones
    channel : kind of radio channel whose precoder or equaliser is part of the design; None takes the specification's
    engine : of convolutions, see `hwgen.option_values.Engine`; None for `ENGINE`
    top : name of the module, and the beginning of the names of all modules in it; None takes hwgen_tx or hwgen_rx
    fill : use the whole part, and not the board's `usable` shares alone

    Raises
    ------
    HwgenError : no such side, no name of a module
    """

    model: str | Path
    side: str = "tx"
    board: str | Path = "pynq_z2"
    fps: float | None = None
    frame: tuple[int, int] | None = None
    init: int | None = None
    channel: str | None = None
    engine: Engine | None = None
    top: str | None = None
    fill: bool = False

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise HwgenError("--side", " or ".join(SIDES), self.side)
        if self.top is not None and (wanted := module_trouble(self.top)) is not None:
            raise HwgenError("--top", wanted, repr(self.top))

    @property
    def module(self) -> str:
        """The name of the top module."""
        return self.top or TOPS[self.side]

    @classmethod
    def of(cls, arguments: Namespace) -> DesignOptions:
        """From a parsed command line; options that the command does not have keep their default."""
        return cls(**{name: getattr(arguments, name) for name in NAMES if hasattr(arguments, name)})

    def completed(self, spec: ModelSpec) -> DesignOptions:
        """With the specification's frame and channel where none is asked for.

        Raises
        ------
        HwgenError : no such kind of channel
        """
        own = spec.frame.width, spec.frame.height
        return replace(self, frame=self.frame or own, channel=channel_of(spec, self.channel).kind)

    def texts(self, *names: str) -> dict[str, str]:
        """The options as texts by name, in this order; all of them by default. None and a flag that is not set are left
        out; one that is set is empty."""
        values = {name: getattr(self, name) for name in names or NAMES}
        return {name: "" if value is True else _text(name, value)
                for name, value in values.items() if value is not None and value is not False}  # fmt: skip

    def words(self, *names: str) -> list[str]:
        """As `texts`, as words of a command line."""
        found: list[str] = []
        for name, text in self.texts(*names).items():
            found += [f"--{name}"] if getattr(self, name) is True else [f"--{name}", text]
        return found

    def manifest_entries(self) -> dict[str, Any]:
        """Entries of a manifest for completed options, beside the model, the side and the board's facts."""
        assert self.frame is not None, "completed"
        return {
            "frame": {"width": self.frame[0], "height": self.frame[1]},
            "requested_fps": self.fps,
            "init": None if self.init is None else _text("init", self.init),
            "channel": self.channel,
            "engine": self.engine or ENGINE,
            "fill": self.fill,
        }


def of_both_sides(options: DesignOptions) -> dict[str, DesignOptions]:
    """The options of each side of a pair, by side: the top of each is the asked one with `_tx` or `_rx` behind it.

    Raises
    ------
    HwgenError : names of modules that are too long
    """
    return {
        side: replace(options, side=side, top=None if options.top is None else f"{options.top}_{side}")
        for side in SIDES
    }


def wants_both(arguments: Namespace) -> bool:
    """Whether a command line asks for both sides; its `side` is then the transmitter's, so that options can be read."""
    both = arguments.side == BOTH
    if both:
        arguments.side = SIDES[0]
    return both


NAMES = tuple(field.name for field in fields(DesignOptions))
"""Every option's name, in order."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "model": {
        "required": True,
        "metavar": "M",
        "help": "a name that `hwgen models` lists, a folder with a spec.yaml, or a specification's path",
    },
    "side": {
        "choices": SIDES,
        "default": DesignOptions.side,
        "help": "tx: the transmitter, images to symbols (default); rx: the receiver, symbols to images",
    },
    "channel": {
        "choices": get_args(Kind),
        "help": "the channel that precoder and equaliser are for (default: the specification's)",
    },
    "board": {
        "default": DesignOptions.board,
        "metavar": "B",
        "help": f"a name that `hwgen boards` lists, or a board file's path (default: {DesignOptions.board})",
    },
    "fps": {
        "type": Number("--fps", float, 0.001, MOST_FPS),
        "metavar": "N",
        "help": "frames per second to reach at the board's clock with as little hardware as that takes "
                "(default: as many as the board allows)",
    },
    "frame": {
        "type": frame,
        "metavar": "WxH",
        "help": "frame size in pixels, a multiple of the strides (default: the specification's)",
    },
    "init": {
        "type": init,
        "metavar": "random:SEED",
        "help": "random integers as weights, for a specification that was never trained",
    },
    "engine": {
        "choices": get_args(Engine),
        "help": "multipliers of convolutions. best: sizing chooses for each layer what makes the whole design fastest "
                "(default); direct: one product a tap; winograd: Winograd's products; winograd2d: of two rows at a "
                "time as well; polynomial: products of polynomials, of few bits; layers without such ones direct",
    },
    "top": {
        "metavar": "NAME",
        "help": "name of the top module, which those of all other modules begin with, so that several designs can "
                "stand in one project (default: hwgen_tx or hwgen_rx)",
    },
    "fill": {
        "action": "store_true",
        "help": "use the whole part; by default sizing takes the shares that the board's file calls usable, and leaves "
                "the rest for DMA, interconnect and routing",
    },
}  # fmt: skip
"""Arguments of `add_argument` for each option, in the order of the help."""
SIDE_OR_BOTH: dict[str, Any] = {
    "choices": (*SIDES, BOTH),
    "help": f"{ARGUMENTS['side']['help']}; both: on one board, sized together",
}
"""Arguments of --side for the commands that take both."""


def add_options(parser: ArgumentParser, *names: str, **own: dict[str, Any]) -> None:
    """Add the options of these names, all of them by default, to a command.

    Parameters
    ----------
    own : by name of an option, what the command has otherwise: its help or its default (then it is not required)
    """
    for name, arguments in ARGUMENTS.items():
        if not names or name in names:
            told = arguments | own.get(name, {})
            parser.add_argument(f"--{name}", **(told | {"required": "required" in told and "default" not in told}))


def _text(name: str, value: Any) -> str:
    """An option's value as the command line takes it."""
    if name == "frame":
        return f"{value[0]}x{value[1]}"
    if name == "init":
        return f"random:{value}"
    return repr(value) if name == "fps" else str(value)
