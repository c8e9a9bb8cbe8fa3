"""The integer graph: everything the hardware needs of a trained network, as frozen, validated nodes.

A real value is integer * 2**exponent. A graph cannot be built in a state that the numeric contract
(hwgen/numerics/integer.py) does not cover: constructors raise `HwgenError` whose `where` is NODE.FIELD.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, SYMBOL, SYMBOL_EXPONENT, SYMBOLS, Edge, Shape
from hwgen.ir.node import Node
from hwgen.ir.nodes.alamouti import Alamouti
from hwgen.ir.nodes.convolution import Convolution
from hwgen.ir.nodes.matrix_product import MatrixProduct
from hwgen.ir.profiles import check_limits
from hwgen.ir.rules import RULES, Rule, check_rules
from hwgen.ir.types import MAX_CHANNELS, IntType, check, check_int
from hwgen.limits import MOST_PIXELS, MOST_PROFILES, MOST_SIDE
from hwgen.names import layer_trouble, text_trouble

SIDES: tuple[str, ...] = ("tx", "rx")

RESERVED_NAMES = ("pixels", "symbols", "input", "output")
"""Names of streams and components that stand beside the nodes'."""
PIXEL_CHANNELS = (1, 3)
"""Numbers of channels that an image may have: grey, or red, green and blue."""

SymbolNode = MatrixProduct | Alamouti
"""Nodes that take and give complex symbols."""


def words_of(shape: Shape) -> int:
    """Complex symbols that a frame of values makes: ceil(values / 2)."""
    return (math.prod(shape) + 1) // 2


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and the edges between them, from 8-bit pixels (value pixel * 2**-8) to channel symbols or back.

    Which nodes may follow which is in hwgen/ir/rules.py. Between values and symbols stand no nodes: where a node takes
    symbols and its source gives values, or the other way round, two values are one symbol (`pack_symbols`).

    Parameters
    ----------
    model
        Name of the model it was made from.
    frame
        Default (width, height) of the image in pixels.
    nodes
        In topological order: every one behind its sources. The last one gives the output.
    side
        "tx" or "rx".
    input_channels, input, input_exponent
        tx: 3 or 1, 8 bits unsigned, -8. rx: the latent's channels, 16 bits signed, -12.
    terms
        Licence and source of the weights, printed by whatever uses them.
    inputs
        Node's name to the names of its sources; completed here: by default the node before, of the first one the
        input port, `source`.
    profiles
        1, or the number of sets of biases, slopes and factors that some nodes have; 1 to 8.
    profile_limits
        SNRs in dB, ascending, at which one profile ends and the next begins; () of a single one.
    profile
        Which profile of another graph this one is (`at_profile`); no part of any file.

    Raises
    ------
    HwgenError
        The nodes do not fit together.
    """

    model: str
    frame: tuple[int, int]
    nodes: tuple[Node, ...]
    side: str = "tx"
    input_channels: int = 3
    input: IntType = PIXEL
    input_exponent: int = PIXEL_EXPONENT
    terms: dict[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    profiles: int = 1
    profile_limits: tuple[float, ...] = ()
    profile: int = 0

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = RULES

    def __post_init__(self) -> None:
        check(self.side in SIDES, "side", "tx or rx", repr(self.side))
        self._check_port()
        check(len(self.frame) == 2, "frame", "width and height", self.frame)
        for size in self.frame:
            check_int(size, "frame", 1, MOST_SIDE)
        pixels = math.prod(self.frame)
        check(pixels <= MOST_PIXELS, "frame", f"at most {MOST_PIXELS} pixels", pixels)
        names = [node.name for node in self.nodes]
        check(len(set(names)) == len(names), "nodes", "distinct names", names)
        for name in names:
            check(name not in RESERVED_NAMES, "nodes", f"names other than {', '.join(RESERVED_NAMES)}", name)
            trouble = layer_trouble(name)
            check(trouble is None, "nodes", str(trouble), repr(name))
        for where, text in [("model", self.model), *((f"terms.{key}", text) for key, text in self.terms.items())]:
            check(isinstance(text, str), where, "a text", repr(text))
            trouble = text_trouble(text) or text_trouble(where)
            check(trouble is None, where, str(trouble), repr(text))
        self._check_profiles()
        object.__setattr__(self, "inputs", self._completed())
        check_rules(self.rules[self.side], self.side, self.nodes, self.inputs)
        self._check_edges()

    def _check_port(self) -> None:
        if self.side == "tx":
            fits = type(self.input_channels) is int and self.input_channels in PIXEL_CHANNELS
            check(fits, "input_channels", "1 or 3", repr(self.input_channels))
            check(self.input == PIXEL, "input", str(PIXEL), self.input)
            fits = type(self.input_exponent) is int and self.input_exponent == PIXEL_EXPONENT
            check(fits, "input_exponent", f"{PIXEL_EXPONENT}, a pixel's", repr(self.input_exponent))
        else:
            check_int(self.input_channels, "input_channels", 1, MAX_CHANNELS)
            check(self.input == SYMBOL, "input", "16 bits, signed", self.input)
            check(self.input_exponent == SYMBOL_EXPONENT, "input_exponent", "-12", repr(self.input_exponent))

    def _check_profiles(self) -> None:
        check_int(self.profiles, "profiles", 1, MOST_PROFILES)
        object.__setattr__(self, "profile_limits", check_limits(self.profile_limits, self.profiles))
        for node in self.nodes:
            check(node.profiles in (1, self.profiles), node.name, f"numbers of {self.profiles} profiles", node.profiles)
        some = self.profiles == 1 or any(node.profiles > 1 for node in self.nodes)
        check(some, "profiles", "nodes with numbers of every profile", "none")

    def _completed(self) -> dict[str, tuple[str, ...]]:
        """The sources of every node, in the nodes' order."""
        given = dict(self.inputs)
        found: dict[str, tuple[str, ...]] = {}
        before = self.source
        for node in self.nodes:
            names = given.pop(node.name, (before,))
            fits = isinstance(names, tuple) and names and all(isinstance(name, str) for name in names)
            check(bool(fits), f"{node.name}.inputs", "names", repr(names))
            for name in names:
                check(name == self.source or name in found, f"{node.name}.inputs", "nodes before it", name)
            found[node.name] = names
            before = node.name
        check(not given, "inputs", "names of nodes", ", ".join(given))
        return found

    def _check_edges(self) -> None:
        for node in self.nodes:
            scales = sorted({self._scales[name] for name in self.inputs[node.name]})
            check(len(scales) == 1, f"{node.name}.inputs", "sources of one size", " and ".join(map(str, scales)))
        if self.side == "rx":
            at, edge = self.sink, self.edges[self.sink]
            wanted = "3 (red, green, blue) or 1 (grey)"
            check(edge.channels in PIXEL_CHANNELS, f"{at}.out_channels", wanted, edge.channels)
            check(edge.type == PIXEL, f"{at}.output", "pixels: 8 bits, unsigned", edge.type)
            check(edge.exponent == PIXEL_EXPONENT, f"{at}.output_exponent", "-8, a pixel's", edge.exponent)
        else:
            _ = self.edges

    # -- profiles ----------------------------------------------------------------------------------------------------

    def at_profile(self, profile: int) -> Graph:
        """The graph as it is in one profile: an ordinary one, with the same nodes and edges.

        Raises
        ------
        HwgenError
            At profile: not 0 .. profiles - 1.
        """
        check_int(profile, "profile", 0, self.profiles - 1)
        if self.profiles == 1:
            return self
        nodes = tuple(node.at_profile(profile) for node in self.nodes)
        return replace(self, nodes=nodes, profiles=1, profile_limits=(), profile=profile)

    def profile_of(self, snr_db: float) -> int:
        """The profile for a radio channel of that SNR; one that is a limit belongs to the profile above it."""
        return bisect_right(self.profile_limits, snr_db)

    # -- structure ---------------------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The name of the input port: "pixels" (tx) or "symbols" (rx)."""
        return "pixels" if self.side == "tx" else "symbols"

    @property
    def sink(self) -> str:
        """The name of the node that gives the output: the last one."""
        return self.nodes[-1].name

    def consumers(self, name: str) -> tuple[str, ...]:
        """The nodes that take the output of `name`, or the port's; a node that takes it twice is there twice."""
        return tuple(node.name for node in self.nodes for source in self.inputs[node.name] if source == name)

    @cached_property
    def edges(self) -> dict[str, Edge]:
        """Edges behind the port and behind every node, by name. The port of an rx gives symbols."""
        found = {self.source: self._values if self.side == "tx" else SYMBOLS}
        for node in self.nodes:
            found[node.name] = node.infer(*(self._taken(node, found[name]) for name in self.inputs[node.name]))
        return found

    @property
    def _values(self) -> Edge:
        """The values of the port: pixels, or what the parts of received symbols are."""
        return Edge(self.input_channels, self.input, self.input_exponent)

    def _taken(self, node: Node, edge: Edge) -> Edge:
        """An edge as a node takes it: symbols of values in pairs, or values that are symbols' parts."""
        if node.takes_symbols == edge.symbols:
            return edge
        if edge.symbols:
            return self._values
        assert (edge.type, edge.exponent) == (SYMBOL, SYMBOL_EXPONENT), "the rules let gains and powers stand here only"
        return SYMBOLS

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The convolutions, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Convolution))

    @property
    def value_nodes(self) -> tuple[Node, ...]:
        """The nodes between pixels and the pairs of values that make symbols, in order."""
        return tuple(node for node in self.nodes if not isinstance(node, SymbolNode))

    @property
    def symbol_node(self) -> SymbolNode | None:
        """The precoder or equaliser."""
        return next((node for node in self.nodes if isinstance(node, SymbolNode)), None)

    @property
    def coefficient_words(self) -> int:
        """Words of coefficients that come with every frame."""
        return sum(node.coefficient_words for node in self.nodes)

    # -- sizes -------------------------------------------------------------------------------------------------------

    @cached_property
    def _scales(self) -> dict[str, Fraction]:
        """The size of every edge's frames, relative to the port's; what paddings add or take is left out."""
        found = {self.source: Fraction(1)}
        for node in self.nodes:
            found[node.name] = found[self.inputs[node.name][0]] * node.multiplies / node.divides
        return found

    @property
    def _port_scale(self) -> Fraction:
        """The size of the port's frames, relative to the image."""
        return 1 / self._scales[self.sink] if self.side == "rx" else Fraction(1)

    @property
    def frame_multiple(self) -> int:
        """Divisor of an image's width and height with which every layer's stride or factor divides its input.

        Where paddings shrink or extend frames as well, `shapes` may refuse a multiple of it.
        """
        return math.lcm(*((scale * self._port_scale).denominator for scale in self._scales.values()))

    def shapes(self, width: int, height: int) -> dict[str, Shape]:
        """(rows, columns, channels) of the input and of every node's output, for an image of width x height.

        The input of an rx is the latent whose values the symbols carry. What a precoder or equaliser gives is
        (1, symbols, 2).

        Raises
        ------
        HwgenError
            A side is below 1 or not divisible by `frame_multiple`; a node cannot take its inputs' sizes; layers that
            do not lead back to the image's size; symbols that do not fit a precoder's or equaliser's groups.
        """
        multiple = self.frame_multiple
        for key, size in (("width", width), ("height", height)):
            check(size >= 1 and size % multiple == 0, f"frame {key}", f"a multiple of {multiple}", size)
        scale = self._port_scale
        latent = int(height * scale), int(width * scale), self.input_channels
        found: dict[str, Shape] = {self.source: latent}
        for node in self.nodes:
            names = self.inputs[node.name]
            if isinstance(node, MatrixProduct) and self.side == "rx":
                # It stands before the values, whose number says how many symbols it gives.
                node.words_in(words_of(latent))
                found[node.name] = 1, words_of(latent), 2
            elif node.takes_symbols:
                taken = (found[name] if self.edges[name].symbols else (1, words_of(found[name]), 2) for name in names)
                found[node.name] = node.output_shape(*taken)
            else:
                found[node.name] = node.output_shape(
                    *(latent if self.edges[name].symbols else found[name] for name in names)
                )
        if self.side == "rx":
            rows, columns, _ = found[self.sink]
            check((rows, columns) == (height, width), "nodes", f"layers that lead to {width}x{height} pixels",
                  f"{columns}x{rows}")  # fmt: skip
        return found

    def input_shapes(self, name: str, shapes: Mapping[str, Shape]) -> Sequence[Shape]:
        """The shapes of the inputs of a node of values, among those that `shapes` gave."""
        latent = shapes[self.source]
        return [latent if self.edges[source].symbols else shapes[source] for source in self.inputs[name]]

    def symbols(self, width: int, height: int) -> int:
        """Complex symbols per frame on the radio's side: ceil(latent values / 2), more where a code adds some."""
        shapes = self.shapes(width, height)
        if self.side == "tx":
            last = shapes[self.sink]
            return last[1] if self.edges[self.sink].symbols else words_of(last)
        words, node = words_of(shapes["symbols"]), self.symbol_node
        return node.words_in(words) if isinstance(node, MatrixProduct) else words

    def macs(self, width: int, height: int) -> dict[str, int]:
        """MACs of every node for one frame: output values x kernel taps x input channels, padding counted.

        Taps of transposed convolutions that fall between inputs are not counted; symbol-level nodes count none.
        """
        shapes = self.shapes(width, height)
        return {node.name: node.macs(*self.input_shapes(node.name, shapes)) for node in self.nodes}
