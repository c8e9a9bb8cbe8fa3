"""A flat module as Yosys' `write_json` has it: cells, their pins, and names for the nets that have some."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Bit = int | str
"""A net's number, or a constant: "0", "1", "x", "z"."""


@dataclass(frozen=True)
class Cell:
    """One primitive. Parameters and pins by the library's names; a pin's bits from bit 0 up."""

    name: str
    type: str
    parameters: dict[str, str]
    pins: dict[str, tuple[Bit, ...]]

    def number(self, parameter: str, default: int = 0) -> int:
        """An integer parameter, which the netlist writes in binary."""
        text = self.parameters.get(parameter)
        return default if text is None else int(text, 2)


@dataclass(frozen=True)
class Netlist:
    """A flat module.

    Parameters: top, its name; cells; inputs and outputs: the nets of its ports, with the port's name; names, of nets by
    number: the hierarchical name of a signal, with the bit where it has several, such as ``mac.word[12]``.
    """

    top: str
    cells: tuple[Cell, ...]
    inputs: dict[int, str]
    outputs: dict[int, str]
    names: dict[int, str]


def pruned(text: str, top: str) -> str:
    """The netlist's JSON without what nothing here reads; of one module that is called `top`.

    Raises
    ------
    ValueError : no JSON of that form
    """
    try:
        module = json.loads(text)["modules"][top]
        kept = {
            "ports": module["ports"],
            "cells": {
                name: {key: cell[key] for key in ("type", "parameters", "connections")}
                for name, cell in module["cells"].items()
                if cell["type"] != "$scopeinfo"  # a note of where a flattened module was
            },
            "netnames": {
                name: {"bits": net["bits"]} for name, net in module["netnames"].items() if not net["hide_name"]
            },
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"netlist: wanted the cells, ports and nets of {top}, got {error!r}") from error
    return json.dumps({"modules": {top: kept}}, separators=(",", ":"))


def parse(text: str) -> Netlist:
    """A netlist that `pruned` wrote.

    Raises
    ------
    ValueError : no JSON of that form
    """
    try:
        ((top, module),) = json.loads(text)["modules"].items()
        return Netlist(
            top=top,
            cells=tuple(
                Cell(
                    name,
                    cell["type"],
                    cell["parameters"],
                    {pin: tuple(bits) for pin, bits in cell["connections"].items()},
                )
                for name, cell in module["cells"].items()
            ),
            inputs=_port_nets(module, "input"),
            outputs=_port_nets(module, "output"),
            names=_names(module["netnames"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"netlist: wanted one module's cells, ports and nets, got {error!r}") from error


def _port_nets(module: dict[str, Any], direction: str) -> dict[int, str]:
    return {
        bit: f"{name}[{place}]" if len(port["bits"]) > 1 else name
        for name, port in module["ports"].items()
        if port["direction"] == direction
        for place, bit in enumerate(port["bits"])
        if isinstance(bit, int)
    }


def _names(netnames: dict[str, Any]) -> dict[int, str]:
    """One name for each named net: a net may have several, from its source and from every module it enters.

    Names that tools made up (they have a $ or an underscore in front) come last, then the innermost module's, which
    says where the value is made or used, then the alphabet decides.
    """
    best: dict[int, tuple[tuple[bool, int, str], str]] = {}
    for name, net in netnames.items():
        last = name.rsplit(".", 1)[-1]
        rank = (last.lstrip("\\")[:1] in ("$", "_"), -name.count("."), name)
        for place, bit in enumerate(net["bits"]):
            if isinstance(bit, int) and (bit not in best or rank < best[bit][0]):
                best[bit] = (rank, f"{name}[{place}]" if len(net["bits"]) > 1 else name)
    return {bit: name for bit, (_, name) in best.items()}
