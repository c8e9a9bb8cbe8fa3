"""A plan, the result of planning: a design in which every node's hardware has been chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hwgen.board import Board
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Convolution
from hwgen.plan.design import Design
from hwgen.rtl.primitives import Cost

if TYPE_CHECKING:
    from hwgen.rtl.convolution_config import ConvolutionConfig


@dataclass(frozen=True, eq=False)
class Plan:
    """A design with the config of every node.

    Parameters
    ----------
    design
        Graph, board and frame.
    configs
        The chosen configs, by node, in topological order.
    """

    design: Design
    configs: Mapping[str, Any]

    @property
    def graph(self) -> Graph:
        """The network's."""
        return self.design.graph

    @property
    def board(self) -> Board:
        """The board that it is sized for."""
        return self.design.board

    @property
    def width(self) -> int:
        """Width of a frame in pixels."""
        return self.design.width

    @property
    def height(self) -> int:
        """Height of a frame in pixels."""
        return self.design.height

    @property
    def foldings(self) -> dict[str, ConvolutionConfig]:
        """Config of every convolution, by name."""
        nodes = self.design.hardware.by_name
        return {name: config for name, config in self.configs.items() if isinstance(nodes[name], Convolution)}

    @property
    def lanes(self) -> int:
        """Multipliers of all convolutions."""
        return sum(folding.lanes for folding in self.foldings.values())

    @property
    def frame_interval(self) -> int:
        """Cycles from one frame's TLAST to the next, frames back to back.

        Every stage works on its own and all buffers are deep enough that none waits for another in the steady state,
        so the interval is that of the busiest stage.
        """
        return max(one.cycles(self.configs[name]) for name, one in self.design.lowerings.items())

    @property
    def costs(self) -> dict[str, Cost]:
        """Resources of every component, by the name of its module below the top, before anything is synthesised."""
        family = self.board.family
        return {
            name: one.cost(self.configs[name], family)
            for name, one in self.design.lowerings.items()
            if not one.is_wire(self.configs[name])
        }

    @property
    def depths(self) -> dict[str, int]:
        """The depth of every buffer, by its name in the manifest."""
        found: dict[str, int] = {}
        for name, one in self.design.lowerings.items():
            found |= one.depths(self.configs[name])
        return found

    def with_configs(self, configs: Mapping[str, Any]) -> Plan:
        """The plan with some nodes' hardware chosen anew."""
        return replace(self, configs={**self.configs, **configs})


def plan_with(graph: Graph, board: Board, width: int, height: int, configs: Mapping[str, Any]) -> Plan:
    """A plan in which some nodes' hardware is given, usually every convolution's.

    All others are the first thing that they can be and that fits their consumers.
    """
    design = Design(graph, board, width, height)
    found = dict(configs)
    for name, one in reversed(design.lowerings.items()):
        if name in found:
            continue
        offered = one.options(board, [[1]] * len(one.inputs), one.lanes_offered).configs
        wanted = {design.lowerings[c].lanes_in(found[c]) for c, _ in design.hardware.consumers[name]}
        found[name] = next(
            config for config in offered if design.streams[name].symbols or {one.lanes_out(config)} >= wanted
        )
    return Plan(design, {name: found[name] for name in design.lowerings})
