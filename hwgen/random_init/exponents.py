"""One exponent for all edges that meet: branches of a sum or a concatenation, and what passes values on."""

from __future__ import annotations

from hwgen.errors import HwgenError
from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, MaxPool, SpaceToDepth
from hwgen.spec.layers import Layer
from hwgen.spec.network import Network, Placed

SAME = (Concat, SpaceToDepth, DepthToSpace, MaxPool, AveragePool)
"""Layers whose output has their inputs' exponent."""


def agreed(network: Network, port: int, fixed: dict[str, int], where: str) -> dict[str, int]:
    """An exponent for every layer's output and the port's.

    Parameters
    ----------
    port
        Exponent of the port's values.
    fixed
        Those of layers that have no choice.
    where
        The network's, for an error.

    Raises
    ------
    HwgenError
        Edges that meet have exponents that nobody can choose, and these differ.
    """
    groups = {name: name for name in (network.source, *(placed.name for placed in network.layers))}

    def group(name: str) -> str:
        while groups[name] != name:
            name = groups[name]
        return name

    for placed in network.layers:
        names = list(placed.sources) if isinstance(placed.layer, (Add, *SAME)) else []
        if isinstance(placed.layer, SAME):
            names.append(placed.name)
        for name in names[1:]:
            groups[group(name)] = group(names[0])
    found: dict[str, int] = {}
    for name, exponent in ({network.source: port} | fixed).items():
        if found.setdefault(group(name), exponent) != exponent:
            wanted = f"branches that meet on one exponent: {name} on {found[group(name)]}"
            raise HwgenError(where, wanted, str(exponent))
    held = set(found)
    for placed in network.layers:
        found.setdefault(group(placed.name), _own(placed, found[group(placed.sources[0])]))
    for _ in network.layers:  # a sum's exponent is at least its inputs'
        for placed in network.layers:
            if isinstance(placed.layer, Add):
                low, high = group(placed.sources[0]), group(placed.name)
                if found[high] < found[low]:
                    changed, value = (high, found[low]) if high not in held else (low, found[high])
                    if changed in held:
                        wanted = f"{placed.name} on an exponent of at least its inputs', {found[low]}"
                        raise HwgenError(where, wanted, str(found[high]))
                    found[changed] = value
    return {name: found[group(name)] for name in groups}


def _own(placed: Placed, source: int) -> int:
    """The exponent of a layer's output where nothing else asks for another one."""
    layer = placed.layer
    if isinstance(layer, Layer):
        ranges = {"sigmoid": -layer.activation_bits, "tanh": 1 - layer.activation_bits}  # 0 .. 1, -1 .. 1
        return ranges.get(layer.activation, 3 - layer.activation_bits)
    return source + 1 if isinstance(layer, Add) else source
