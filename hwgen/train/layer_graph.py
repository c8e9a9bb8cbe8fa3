"""One side of a network as a module: its layers, each behind the layers whose outputs it takes."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from hwgen.spec.network import Network, Placed


class LayerGraph(nn.ModuleList):
    """Layers in the specification's order, executed along its `inputs:`.

    Submodules are named by their place in the list ("0", "1", ...), so that parameter names are INDEX.conv.weight ...
    and a network without branches has those of nn.Sequential.

    Parameters
    ----------
    network
        Names, sources and surviving channels of the side.
    make
        The module of one layer. It takes as many tensors (N, C, H, W) as the layer has sources, and gives one.
    """

    def __init__(self, network: Network, make: Callable[[Placed], nn.Module]) -> None:
        super().__init__([make(placed) for placed in network.layers])
        self.network = network

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """Outputs of every layer, by its name; under the port's name is the input."""
        found = {self.network.source: x}
        for placed, layer in zip(self.network.layers, self, strict=True):
            found[placed.name] = layer(*(found[name] for name in placed.sources))
        return found

    def forward(self, x: Tensor) -> Tensor:
        """The last layer's output."""
        return self.outputs(x)[self.network.last.name]
