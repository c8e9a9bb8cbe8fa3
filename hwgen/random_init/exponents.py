"""The exponents of a random network's streams: each layer's own choice, where branches meet one for all."""

from __future__ import annotations

from hwgen.assembly.exponents import bounds, groups, settled
from hwgen.errors import HwgenError
from hwgen.spec.branches import Add
from hwgen.spec.layers import Layer
from hwgen.spec.network import Network, Placed


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
    group = groups(network)
    found: dict[str, int] = {}
    for name, exponent in ({network.source: port} | fixed).items():
        if found.setdefault(group[name], exponent) != exponent:
            wanted = f"branches that meet on one exponent: {name} on {found[group[name]]}"
            raise HwgenError(where, wanted, str(exponent))
    held = set(found)
    for placed in network.layers:
        found.setdefault(group[placed.name], _own(placed, found[group[placed.sources[0]]]))
    found = settled(found, bounds(network), held, where)
    return {name: found[first] for name, first in group.items()}


def _own(placed: Placed, source: int) -> int:
    """The exponent of a layer's output where nothing else asks for another one."""
    layer = placed.layer
    if isinstance(layer, Layer):
        ranges = {"sigmoid": -layer.activation_bits, "tanh": 1 - layer.activation_bits}  # 0 .. 1, -1 .. 1
        return ranges.get(layer.activation, 3 - layer.activation_bits)
    return source + 1 if isinstance(layer, Add) else source
