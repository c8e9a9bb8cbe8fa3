"""The largest value, or the average, of windows of pixels that overlap or reach beyond the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from hwgen.rtl.add import typed
from hwgen.rtl.adders import tree_levels
from hwgen.rtl.counter import Counter, count
from hwgen.rtl.memory import RamConfig
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter_ff, multiplier_dsp
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.signals import signals
from hwgen.rtl.storage import Storage
from hwgen.rtl.stream import CreditFifoConfig, full_rate_depth
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig


@dataclass(frozen=True)
class WindowPoolingConfig:
    """max over a window, or requantise(sum over it * multiplier, shift, output).

    A window is read as a convolution's is: `window.words` words in turn, of which the last one goes when the FIFO has
    room for the results of all channels. These leave a beat a cycle, while the next window is read:

        issue(k) = max(arrival of the last pixel needed + arrival_latency + words - 1, issue(k - 1) + words,
                       left(first result of k + beats - 1 - depth) + 1)
        available(first result of k) = max(issue(k) + drain_latency, left(result before) + 1)

    Parameters
    ----------
    window
        Of one fold, and of as many values per beat as per word. Its padding is zeros for an average; for the largest
        value it does not count.
    shift
        None: the largest value. Else the right shift of a sum's product, at least 0.
    output
        Shape of a result; the input's for the largest value.
    multiplier
        Of a sum, at least 1.
    depth
        Of the FIFO in beats, at least a pixel's; None: what keeps the reader going.

    Raises
    ------
    ValueError
        Any of this does not hold.
    """

    window: WindowConfig
    shift: int | None
    output: Shape
    multiplier: int = 1
    depth: int | None = None

    runs: ClassVar[int] = 1
    run_folds: ClassVar[int] = 1
    """A pixel's results are one run of one fold (see ConvolutionConfig)."""
    product_cycles: ClassVar[int] = 2
    """Behind the product: the registers of a DSP slice after its multiplier and its adder."""

    def __post_init__(self) -> None:
        window = self.window
        if window.folds != 1 or window.groups != 1 or window.lanes != window.simd or window.transposed:
            got = f"{window.folds} folds, {window.lanes} of {window.simd} lanes"
            raise ValueError(f"window: wanted one fold, as many values per beat as per word, got {got}")
        if self.shift is not None and self.shift < 0:
            raise ValueError(f"shift: wanted at least 0, got {self.shift}")
        if self.multiplier < 1 or (self.shift is None and self.multiplier > 1):
            raise ValueError(f"multiplier: wanted at least 1, and 1 for the largest value, got {self.multiplier}")
        if self.shift is None and self.output != self.input:
            raise ValueError(f"output: wanted {self.input!r}, as the input, got {self.output!r}")
        if self.fifo_depth < self.beats_out:
            raise ValueError(f"depth: wanted at least a pixel's {self.beats_out} beats, got {self.depth}")

    @property
    def input(self) -> Shape:
        """Shape of an input value."""
        return Shape(self.window.bits, self.window.signed)

    @property
    def lanes(self) -> int:
        """Values per beat, of input and output."""
        return self.window.lanes

    @property
    def beats_out(self) -> int:
        """Beats of an output pixel, as of an input pixel."""
        return self.window.tap_words

    @property
    def fold_beats(self) -> int:
        """Beats that a window's last word brings: a pixel's."""
        return self.beats_out

    @property
    def last_beats(self) -> int:
        """The same: a pixel is one fold."""
        return self.beats_out

    @property
    def run_beats(self) -> int:
        """The same: a pixel is one run."""
        return self.beats_out

    @property
    def arrival_latency(self) -> int:
        """Cycles from the acceptance of a pixel's last beat to the earliest issue of a word that needs it."""
        return self.window.arrival_latency

    @property
    def tree(self) -> int:
        """Cycles in which the taps of a word become one."""
        return tree_levels(self.window.taps)

    @property
    def room_latency(self) -> int:
        """Cycles from a beat that leaves to the issue of a window's last word that needs its room."""
        return 1

    @property
    def drain_latency(self) -> int:
        """Cycles from the issue of a window's last word to its first result at the output: word 3, tree, combination 1,
        result 1, of an average product 0 or 2, round 1 and saturate 1, FIFO 2."""
        rounding = 0 if self.shift is None else 2 + (self.product_cycles if self.multiplier > 1 else 0)
        return WindowBuffer.word_latency + self.tree + 2 + rounding + CreditFifoConfig.latency

    @property
    def cycles(self) -> int:
        """Cycles per frame at least: of the reader, and of the streams of one beat per cycle."""
        window = self.window
        return max(window.frame_words, window.width * window.height * window.beats)

    @property
    def partial(self) -> Shape:
        """Shape of what is held of a window. Signed values are compared as unsigned ones, their sign inverted: then the
        zeros of the border are the smallest."""
        if self.shift is None:
            return unsigned(self.input.width)
        taps = self.window.kernel_height * self.window.kernel_width
        return Shape(self.input.width + bits_of(taps), self.input.signed)

    @property
    def memory(self) -> RamConfig:
        """The memory of a window's partial results, where a pixel has several beats."""
        storage = Storage(half_block_luts=self.window.half_block_luts)
        return storage.ram(self.beats_out, self.lanes * self.partial.width)

    @property
    def fifo_depth(self) -> int:
        """The FIFO's depth, in beats."""
        if self.depth is not None:
            return self.depth
        return full_rate_depth(self.beats_out, self.window.words, self.drain_latency)

    @property
    def fifo(self) -> CreditFifoConfig:
        """The FIFO."""
        return CreditFifoConfig(unsigned(self.lanes * self.output.width), self.fifo_depth, self.beats_out)

    @property
    def product_bits(self) -> int:
        """Signed width of a sum's product."""
        sum_bits = self.partial.width + (not self.partial.signed)
        return sum_bits + (self.multiplier.bit_length() if self.multiplier > 1 else 0)

    def cost(self, family: str) -> Cost:
        """Resources: block RAM and DSP exactly. LUTs were measured."""
        groups = self.beats_out
        cost = self.window.cost(family) + self.fifo.cost(family)
        if groups > 1:
            cost += self.memory.cost(family)
        lane = self._combination_cost() + self._rounding_cost(family)
        stages = WindowBuffer.word_latency + self.tree
        control = Cost(10 + 2 * bits_of(groups) if groups > 1 else 1,
                       2 * stages + 5 + 2 * counter_ff(groups) + bits_of(groups))  # fmt: skip
        return cost + lane * self.lanes + control

    def _combination_cost(self) -> Cost:
        """A lane's tree over a word's taps, and its combination with what is held. A sum grows by a bit a level.

        A comparison takes a LUT for two bits, the choice behind it one for each.
        """
        grows = self.shift is not None
        chain = 1 if grows else 1.5
        widths = [self.partial.width if not grows else self.input.width] * self.window.taps
        cost = Cost()
        while len(widths) > 1:
            pairs = [max(pair) + grows for pair in zip(widths[::2], widths[1::2], strict=False)]
            cost += Cost(round(chain * sum(map(adder_lut, pairs))), sum(pairs))
            widths = pairs + widths[2 * len(pairs) :]
            cost += Cost(0, sum(widths[len(pairs) :]))
        held = self.partial.width if self.beats_out == 1 else 0
        return cost + Cost(round(chain * adder_lut(self.partial.width)), widths[0] + held)

    def _rounding_cost(self, family: str) -> Cost:
        """A lane's multiplication and rounding."""
        if self.shift is None:
            return Cost()
        cost = add_round_saturate_cost(self.product_bits, self.shift, self.output)
        if not self.input.signed:  # nothing is below 0: what is beyond the largest value sets all bits
            cost += Cost(-self.output.width)
        if self.multiplier > 1:
            cost += Cost(0, 0, multiplier_dsp(self.multiplier.bit_length() + 1, family))
        return cost

    def build(self) -> WindowPooling:
        """The component."""
        return WindowPooling(self)


class WindowPooling(Component):
    """Reduces every window of pixels to one, channel by channel.

    What is there of a window, a word for each of a pixel's beats, is held in a memory: read, combined with the next
    tap's word and written back a cycle later. When the last tap's last word is combined, the results are read in turn.
    That needs no port of its own: in these cycles the next window's first tap is combined, with nothing.

    Latency: `config.drain_latency` behind the issue of a window's last word. Interval: `config.window.words` cycles for
    every output pixel, and one beat per cycle.

    Parameters
    ----------
    config
        See WindowPoolingConfig.

    Members
    -------
    i : In(stream of unsigned(lanes * width)), o : Out(stream of unsigned(lanes * width))
    """

    def __init__(self, config: WindowPoolingConfig) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(config.lanes * config.input.width))),
                "o": Out(stream.Signature(unsigned(config.lanes * config.output.width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, groups = self.config, self.config.beats_out
        m.submodules.window = window = WindowBuffer(config.window)
        m.submodules.fifo = fifo = config.fifo.build()
        connect(m, fifo.o, flipped(self.o))
        m.d.comb += [
            window.i.payload.eq(self.i.payload ^ self._signs()),
            window.i.valid.eq(self.i.valid),
            self.i.ready.eq(window.i.ready),
            window.room.eq(fifo.room),
            fifo.reserve.eq(Mux(window.end_fold, groups, 0)),
        ]
        taken, ends = (
            _late(m, flag, window.word_latency + config.tree, name)
            for flag, name in ((window.issue, "taken"), (window.end_fold, "ends"))
        )
        group = count(m, groups, taken, "group")
        begins = Signal(init=1)
        with m.If(taken & group.last):
            m.d.sync += begins.eq(ends)

        # Cycle 0: what is held is read. Cycle 1: it is combined and written; the first results are read.
        begun, valid, ended, emits = signals("begun valid ended emits")
        value = Signal(config.lanes * config.partial.width, reset_less=True)
        combined = Signal.like(value)
        last = Signal.like(value, reset_less=True)
        m.d.sync += [value.eq(self._reduced(m, window.word)), begun.eq(begins), valid.eq(taken), ended.eq(ends)]
        emitted = count(m, groups, emits, "emitted")
        m.d.comb += emits.eq(ended)
        held: Value = last
        if groups > 1:
            going = Signal()
            m.d.comb += emits.eq(ended | going)
            m.d.sync += going.eq(emits & ~emitted.last)
            held = self._memory(m, group, Mux(emits, emitted.place, group.place), valid, combined)
        else:
            with m.If(valid):
                m.d.sync += last.eq(combined)
        m.d.comb += combined.eq(self._combined(m, value, held, begun))
        done = Signal()
        m.d.sync += done.eq(emits)
        self._deliver(m, fifo, done, held)
        return m

    def _signs(self) -> int:
        """The bits of a beat that are inverted: the signs of values that are compared."""
        config = self.config
        sign = 1 << config.input.width - 1 if config.shift is None and config.input.signed else 0
        return sum(sign << lane * config.input.width for lane in range(config.lanes))

    def _larger(self, one: Value, other: Value) -> Value:
        """The larger one, or the sum."""
        return Mux(one > other, one, other) if self.config.shift is None else one + other

    def _reduced(self, m: Module, word: Value) -> Value:
        """The taps of a word as one value for each lane, `config.tree` cycles later."""
        config = self.config
        shape = config.partial if config.shift is None else config.input
        results = []
        for lane in range(config.lanes):
            values = [typed(word, tap * config.lanes + lane, shape) for tap in range(config.window.taps)]
            for level in range(config.tree):
                pairs = []
                for place in range(0, len(values), 2):
                    register = Signal(config.partial, name=f"tree{lane}_{level}_{place // 2}", reset_less=True)
                    alone = place + 1 == len(values)
                    m.d.sync += register.eq(values[place] if alone else self._larger(*values[place : place + 2]))
                    pairs.append(register)
                values = pairs
            total = Signal(config.partial, name=f"reduced{lane}")
            m.d.comb += total.eq(values[0])
            results.append(total.as_unsigned())
        return Cat(results)

    def _memory(self, m: Module, group: Counter, address: Value, write: Value, data: Value) -> Value:
        """The word at an address, a cycle later; its successor is written at the `group` of a cycle ago."""
        groups = self.config.beats_out
        m.submodules.memory = ram = self.config.memory.build()
        written = Signal(range(groups))
        m.d.sync += written.eq(group.place)
        m.d.comb += [
            ram.address.eq(address),
            ram.write.eq(write),
            ram.write_address.eq(written),
            ram.write_data.eq(data),
        ]
        return ram.data

    def _combined(self, m: Module, value: Value, held: Value, begun: Value) -> Value:
        """Lane by lane the larger one or the sum, or the value alone where a window begins."""
        config = self.config
        results = []
        for lane in range(config.lanes):
            new, old = typed(value, lane, config.partial), typed(held, lane, config.partial)
            result = Signal(config.partial, name=f"combined{lane}")
            # Nothing is smaller than 0, and nothing less to add.
            m.d.comb += result.eq(self._larger(new, Mux(begun, 0, old)))
            results.append(result.as_unsigned())
        return Cat(results)

    def _deliver(self, m: Module, fifo: Component, done: Value, result: Value) -> None:
        """Write what was read into the FIFO: as it is, or multiplied, rounded and saturated."""
        config = self.config
        if config.shift is None:
            m.d.comb += [fifo.write.eq(done), fifo.payload.eq(result ^ self._signs())]
            return
        cycles = 2
        totals: list[Value] = []
        for lane in range(config.lanes):
            # The saturation reads the sign: an unsigned sum gets one.
            total = Signal(signed(config.product_bits), name=f"sum{lane}")
            m.d.comb += total.eq(typed(result, lane, config.partial))
            if config.multiplier > 1:
                product, scaled = (Signal.like(total, name=f"{name}{lane}") for name in ("product", "scaled"))
                m.d.sync += [product.eq(typed(result, lane, config.partial) * config.multiplier), scaled.eq(product)]
                total = scaled
            totals.append(total)
        if config.multiplier > 1:
            cycles += config.product_cycles
        results = [
            add_round_saturate(m, total, config.shift, config.output, f"result{lane}")
            for lane, total in enumerate(totals)
        ]
        m.d.comb += [
            fifo.write.eq(_late(m, done, cycles, "done")),
            fifo.payload.eq(Cat(each.as_unsigned() for each in results)),
        ]


def _late(m: Module, flag: Value, cycles: int, name: str) -> Value:
    """A flag so many cycles later, low after a reset."""
    for cycle in range(cycles):
        register = Signal(name=f"{name}{cycle}")
        m.d.sync += register.eq(flag)
        flag = register
    return flag
