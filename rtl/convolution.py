"""One convolution layer: values in, values out, one engine.

    values -> WindowBuffer -> words -> MacArray -> sums -> Requantiser -> CreditFifo -> values

Nothing between the window and the FIFO stalls. A fold's last word is issued when the FIFO has room for the fold's
results; everything behind that word then runs to its end by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.rtl.adders import delay
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.counter import count
from hwgen.rtl.fanout import copies, group_items, registers
from hwgen.rtl.mac import MacArray
from hwgen.rtl.pipeline import connect_in_order
from hwgen.rtl.primitives import bits_of
from hwgen.rtl.weight_reader import WORD_LATENCY
from hwgen.rtl.window import WindowBuffer

assert WindowBuffer.word_latency == WORD_LATENCY, "the weights come with the word"


class Convolution(Component):
    """Streaming convolution with requantisation; bit-exact to hwgen.numerics.integer.

    Latency and interval: `ConvolutionConfig` states them. Values go in raster order, channel last; a beat holds
    consecutive channels of one pixel, the first in the low bits, and what a pixel's last beat has too many may be
    anything. Where the requantiser has a coarse grid, the odd output channels are on it.

    Parameters
    ----------
    config
        See ConvolutionConfig.
    weight
        int (O, I / groups, rows, columns), of a transposed convolution by its own taps.
    bias, shift, slope
        By output channel: see Requantiser. Bias and slope may be those of several profiles, a sequence of each.

    Members
    -------
    i : In(stream of in_lanes values), o : Out(stream of out_lanes values)
    profile : In(stream of a profile's number), where the requantiser has several: that of the frame whose sums are next
        done, which must be there by then; it is taken with the frame's last ones
    """

    def __init__(
        self,
        config: ConvolutionConfig,
        *,
        weight: np.ndarray,
        bias: Sequence[int] | Sequence[Sequence[int]],
        shift: Sequence[int],
        slope: Sequence[int] | Sequence[Sequence[int]] | None = None,
    ) -> None:
        window = config.window
        wanted = (config.out_channels, window.group_channels, window.kernel_height, window.kernel_width)
        if weight.shape != wanted:
            raise ValueError(f"weight: wanted shape {wanted}, got {weight.shape}")
        self.config = config
        self.profiles = config.requantiser.profiles
        by_profile = [config.biases(weight, own) for own in _by_profile("bias", bias, self.profiles)]
        slopes = None if slope is None else _by_profile("slope", slope, self.profiles)
        self.phases = len(by_profile[0])  # the same of all: they differ by what belongs to the kernels
        self.window, self.mac = self._engine(weight)
        lanes = config.out_lanes
        requantiser = replace(config.requantiser, channels=config.beats_in_turn, phases=self.phases)

        def in_turn(values: Sequence[int], lane: int) -> list[int]:
            return config.in_turn(_strided(values, lane, lanes, config.beats_out))

        self.requantisers = [
            [
                requantiser.build(
                    bias=[b for biases in by_profile for own in biases for b in in_turn(own, lane)],
                    shift=in_turn(shift, lane),
                    slope=None if slopes is None else [s for own in slopes for s in in_turn(own, lane)],
                    is_coarse=[channel % 2 == 1 for channel in in_turn(range(len(shift)), lane)],
                )
                for lane in range(lanes)
            ]
            for _ in range(config.requantiser_sets)
        ]
        self.fifos = [fifo.build() for fifo in config.fifos]
        super().__init__(
            {
                "i": In(stream.Signature(self.window.i.payload.shape())),
                "o": Out(stream.Signature(config.fifo.payload)),
                **({"profile": In(stream.Signature(unsigned(bits_of(self.profiles))))} if self.profiles > 1 else {}),
            }
        )

    def _engine(self, weight: np.ndarray) -> tuple[WindowBuffer, MacArray]:
        """The window and the multipliers."""
        memories = self.config.memories(weight)  # refuses weights before anything is made
        return WindowBuffer(self.config.window), self.config.mac.build(memories)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.window = window = self.window
        m.submodules.mac = mac = self.mac
        for place, fifo in enumerate(self.fifos):
            which = ("", "second_", "third_", "fourth_")[place]
            for lane, requantiser in enumerate(self.requantisers[place] if place < len(self.requantisers) else ()):
                m.submodules[f"{which}requantiser{lane or ''}"] = requantiser
            m.submodules[f"{which}fifo"] = fifo
        config, folds = self.config, self.config.run_folds
        beats, last_beats = config.fold_beats, config.last_beats

        # Room is taken when a fold's last word goes.
        last_fold = count(m, folds, window.end_fold, "fold").last
        with m.If(window.end_fold):
            m.d.comb += self.fifos[0].reserve.eq(Mux(last_fold, last_beats, beats))
        connect_in_order(m, flipped(self.i), window.i)
        m.d.comb += [
            window.room.eq(self._room(m, last_fold)),
            mac.issue.eq(window.issue),
            mac.first.eq(window.first),
            mac.last.eq(window.last),
            mac.word.eq(self._sections(window.word)),
        ]
        self._steer(m)
        if config.window.phases > 1:
            m.d.comb += [mac.end_pixel.eq(window.end_pixel), mac.next_phase.eq(window.next_phase)]

        if self.phases > 1:
            phase = Signal(range(self.phases), name="sums_phase", reset_less=True)
            done_phase = delay(m, window.phase, config.mac.latency, "phase")
            with m.If(mac.done):
                m.d.sync += phase.eq(done_phase)
            m.d.comb += [requantiser.phase.eq(phase) for own in self.requantisers for requantiser in own]
        if self.profiles > 1:
            self._take_profile(m)
        self._leave(m, count(m, folds, mac.done, "done_fold").last)
        self._give(m)
        return m

    def _take_profile(self, m: Module) -> None:
        """The profile of the sums that leave: they do so behind their fold's last word, before the next fold's."""
        profile = Signal(range(self.profiles), name="sums_profile", reset_less=True)
        done = self.mac.done
        with m.If(done):
            m.d.sync += profile.eq(self.profile.payload)
        m.d.comb += [
            self.profile.ready.eq(done & count(m, self.config.frame_folds, done, "frame_fold").last),
            *(requantiser.profile.eq(profile) for own in self.requantisers for requantiser in own),
        ]

    def _leave(self, m: Module, last_done: Value) -> None:
        """The sums through the requantisers into the FIFOs; last_done: those that are done are of a run's last fold."""
        config, mac = self.config, self.mac
        beats, last_beats = config.fold_beats, config.last_beats
        accumulator_bits = config.requantiser.accumulator_bits
        # The sums of a fold leave beat by beat, while the next fold is summed.
        left = Signal(range(beats + 1))
        waiting = Signal()  # left != 0
        with m.If(mac.done):
            m.d.sync += [left.eq(Mux(last_done, last_beats, beats)), waiting.eq(1)]
        with m.Elif(waiting):
            m.d.sync += [left.eq(left - 1), waiting.eq(left != 1)]
        sums = self._waiting_sums(m, waiting, left)
        for place, (requantisers, fifo) in enumerate(zip(self.requantisers, self.fifos, strict=True)):
            valid = waiting & self._second_done(m) if place else waiting
            for lane, requantiser in enumerate(requantisers):
                m.d.comb += [
                    requantiser.valid.eq(valid),
                    requantiser.accumulator.eq(sums[place].word_select(lane, accumulator_bits).as_signed()),
                ]
            m.d.comb += [
                fifo.write.eq(requantisers[0].o_valid),
                fifo.payload.eq(Cat(requantiser.o for requantiser in requantisers)),
            ]

    def _waiting_sums(self, m: Module, waiting: Signal, left: Signal) -> list[Signal]:
        """The sums of a fold, of each of its output pixels: the next beat's in the low bits."""
        config, mac = self.config, self.mac
        own, beat = config.pe * config.requantiser.accumulator_bits, config.beat_bits
        number = config.copies
        dones, waitings = [mac.done], [waiting]
        if number > 1:
            dones, waitings = copies(m, mac.ending, number, "done"), registers(number, "waiting")
            with m.If(mac.done):
                m.d.sync += [each.eq(1) for each in waitings]
            with m.Elif(waiting):
                m.d.sync += [each.eq(left != 1) for each in waitings]
        found = []
        bits = group_items(beat) * beat
        for place in range(len(self.fifos)):
            sums = Signal(config.fold_beats * beat, name="second_sums" if place else "sums", reset_less=True)
            loaded = mac.accumulators.word_select(place, own)
            for begin, done, moves in zip(range(0, len(sums), bits), dones, waitings, strict=True):
                part = sums[begin : begin + bits]
                with m.If(done):
                    m.d.sync += part.eq(loaded[begin : begin + bits])
                with m.Elif(moves):
                    m.d.sync += part.eq(sums[beat:][begin : begin + bits])
            found.append(sums)
        return found

    def _steer(self, m: Module) -> None:
        """What else goes from the window to the multipliers beside a word."""

    def _room(self, m: Module, last_fold: Value) -> Value:
        """Whether a fold's last word may go."""
        return self.fifos[0].room

    def _second_done(self, m: Module) -> Value:
        """Whether the pixel is there whose sums leave, where several output pixels are computed at once."""
        raise NotImplementedError

    def _give(self, m: Module) -> None:
        """The results to the output."""
        (fifo,) = self.fifos
        connect_in_order(m, fifo.o, flipped(self.o))

    def _sections(self, word: Value) -> Value:
        """A word's values group by group: of each output pixel they come tap row by tap row."""
        shape, sections = self.config.window, self.config.mac.sections
        if sections == 1:
            return word
        width = shape.section_channels * shape.bits
        parts = [word.word_select(part, width) for part in range(len(word) // width)]
        own = shape.taps * sections
        pixels = [parts[first : first + own] for first in range(0, len(parts), own)]
        return Cat(part for pixel in pixels for section in range(sections) for part in pixel[section::sections])


def _strided(values: Sequence[int], lane: int, lanes: int, beats: int) -> list[int]:
    """A lane's share of a layer's values, channel `lane` first; a last beat that is not full has any value there."""
    own = list(values[lane::lanes])
    return own + own[:1] * (beats - len(own))


def _by_profile(
    key: str, values: Sequence[int] | Sequence[Sequence[int]], profiles: int
) -> list[list[int]]:
    """Numbers of each profile by channel; those that are given once are all profiles'."""
    array = np.array(values)
    found: list[list[int]] = array.tolist() if array.ndim == 2 else [array.tolist()] * profiles
    if len(found) != profiles:
        raise ValueError(f"{key}: wanted those of {profiles} profiles, got {len(found)}")
    return found
