"""Exponents that streams of a network share, and bounds between them, as the graph's nodes ask for.

Inputs of a sum or of a concatenation have one exponent. A concatenation, blocks and pixels, and the largest values of
windows keep it, and averages whose kernel is no power of two: on a coarser exponent some would be ties that no
multiplier meets. A sum's is at least its inputs', another average's at least its input's - 2 log2(kernel), as shifts
go right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hwgen.errors import HwgenError
from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.network import Network

SAME = (Concat, SpaceToDepth, DepthToSpace, MaxPool)
"""Layers whose output has their inputs' exponent."""


def keeps_exponent(layer: Kinds) -> bool:
    """Whether a layer's output has its inputs' exponent."""
    return isinstance(layer, SAME) or (isinstance(layer, AveragePool) and layer.kernel & (layer.kernel - 1) != 0)


@dataclass(frozen=True)
class Bound:
    """exponent(of) >= exponent(source) - margin, of two groups by their first names."""

    name: str
    """The layer that asks for it."""
    of: str
    source: str
    margin: int


def groups(network: Network) -> dict[str, str]:
    """The port and every layer, by name, to the first one of those with whose outputs it shares an exponent."""
    order = [network.source, *(placed.name for placed in network.layers)]
    first = {name: name for name in order}
    for placed in network.layers:
        keeps = keeps_exponent(placed.layer)
        names = [*placed.sources] if keeps or isinstance(placed.layer, Add) else []
        if keeps:
            names.append(placed.name)
        joined = {first[name] for name in names}
        for name, group in first.items():
            if group in joined:
                first[name] = min(joined, key=order.index)
    return first


def bounds(network: Network) -> tuple[Bound, ...]:
    """The bounds on exponents that sums and averages set, in the layers' order."""
    first = groups(network)
    found = []
    for placed in network.layers:
        layer = placed.layer
        if isinstance(layer, (Add, AveragePool)) and not keeps_exponent(layer):
            margin = 2 * (layer.kernel.bit_length() - 1) if isinstance(layer, AveragePool) else 0
            found.append(Bound(placed.name, first[placed.name], first[placed.sources[0]], margin))
    return tuple(found)


def pixel_layers(network: Network) -> tuple[str, ...]:
    """Layers whose output has a pixel's exponent, whatever their values: the image's, and those clamped to pixels."""
    ends = network.ends if network.side == "decoder" else ()
    clamped = (one for one in network.layers if getattr(one.layer, "activation", "none") == "clamp")
    return tuple(dict.fromkeys(placed.name for placed in (*ends, *clamped)))


def settled(
    wanted: Mapping[str, int], bounds: Iterable[Bound], held: Iterable[str], where: str
) -> dict[str, int]:
    """Exponents of groups, changed as little as the bounds ask for: lowered where one that is held is reached from
    there, otherwise raised.

    Parameters
    ----------
    wanted
        By group; bounds of groups that are not there are left out.
    held
        Groups that have no choice.
    where
        The network's, for an error.

    Raises
    ------
    HwgenError
        Two groups that have no choice break a bound.
    """
    found, held = dict(wanted), set(held)
    known = [bound for bound in bounds if bound.of in found and bound.source in found]
    ceilings = {group: found[group] for group in held if group in found}
    for _ in found:
        for bound in known:
            if bound.of in ceilings:
                ceiling = ceilings[bound.of] + bound.margin
                ceilings[bound.source] = min(ceiling, ceilings.get(bound.source, ceiling))
    for group, ceiling in ceilings.items():
        if group not in held:
            found[group] = min(found[group], ceiling)
    for _ in found:
        for bound in known:
            least = found[bound.source] - bound.margin
            if found[bound.of] < least:
                if bound.of in held:
                    wanted_of = f"{bound.name} on an exponent of at least its inputs', {least}"
                    raise HwgenError(where, wanted_of, str(found[bound.of]))
                found[bound.of] = least
    return found
