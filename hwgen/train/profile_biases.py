"""The convolutions with biases of every profile: of branches that are added up, one for all.

Each profile's biases of a sum's two branches do the same, and a table for both would be twice the memory. So the
second branch has them; the first one's, and those that a float network has behind the sum, move there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.spec.branches import Add, DepthToSpace
from hwgen.spec.layers import Layer
from hwgen.spec.network import Network, Placed

OFFSET = "activation.bias_offset"


def biased(network: Network) -> set[str]:
    """Names of the convolutions with biases of every profile."""
    freed = {first.name for _, first, _ in _sums(network) if first is not None}
    return {placed.name for placed in network.layers if isinstance(placed.layer, Layer)} - freed


def without_sums(state: Mapping[str, Tensor], network: Network) -> dict[str, Tensor]:
    """A float network's state with offsets, (profiles, C) each, of the convolutions of `biased` alone.

    A first branch that is clamped gives its offsets to the second one too: nothing changes where it does not clip.

    Raises
    ------
    HwgenError
        A sum has offsets and no second branch that could take them.
    """
    result = dict(state)
    for add, first, second in _sums(network):
        if (key := _key(network, add)) not in result:
            continue
        if second is None:
            wanted = "a second branch that is a convolution without activation, for the profiles' biases"
            raise HwgenError(f"{network.side} {add.name}", wanted, add.sources[1])
        offset = result.pop(key)
        if first is not None:
            offset = offset + result.pop(_key(network, first))
        bearer, channels = second
        result[_key(network, bearer)] = result[_key(network, bearer)] + offset.repeat_interleave(channels, dim=1)
    return result


def _sums(network: Network) -> Iterator[tuple[Placed, Placed | None, tuple[Placed, int] | None]]:
    """Every sum; the convolution that has the biases of its first branch, where they can go; that of its second branch,
    and how many of its channels are one of the sum's. None: there is none."""
    for placed in network.layers:
        if isinstance(placed.layer, Add):
            second = _bearer(network, placed.sources[1], ("none",))
            first = _bearer(network, placed.sources[0], ("none", "clamp")) if second is not None else None
            alike = first is not None and second is not None and first[1] == second[1] == 1
            yield placed, first[0] if first is not None and alike else None, second


def _bearer(network: Network, name: str, activations: tuple[str, ...]) -> tuple[Placed, int] | None:
    """The convolution whose biases are a branch's, which goes nowhere else, and how many of its channels become one."""
    placed = next((one for one in network.layers if one.name == name), None)
    if placed is None or sum(name in other.sources for other in network.layers) != 1:
        return None
    if isinstance(placed.layer, Add) and placed.layer.activation == "none":
        return _bearer(network, placed.sources[1], activations)
    if isinstance(placed.layer, DepthToSpace):
        found = _bearer(network, placed.sources[0], activations)
        return None if found is None else (found[0], found[1] * placed.layer.factor**2)
    if isinstance(placed.layer, Layer) and placed.layer.activation in activations:
        return placed, 1
    return None


def _key(network: Network, placed: Placed) -> str:
    return f"{network.side}.{placed.index}.{OFFSET}"
