"""A layer as counters: what the planner's cycles are compared with."""

from __future__ import annotations

from collections import deque

from hwgen.rtl.convolution_config import ConvolutionConfig

GAIN_AND_SYMBOLS = 7 + 3
"""Cycles from the last value to TLAST: neither the gain nor the packer ever waits."""


class LayerModel:
    """One layer as counters: a ring of pixels, a reader, a FIFO with credits. One `step` is one cycle.

    Needs of the windows come from their taps, not from the component's own counts.
    """

    def __init__(self, folding: ConvolutionConfig, frames: int) -> None:
        window = folding.window
        self.folding, self.window = folding, window
        self.beats_per_pixel = -(-window.channels // folding.in_lanes)
        self.arrival = 1 if folding.in_lanes == window.simd else 2
        self.needed: list[int] = []
        self.released: list[int] = []
        self.words: list[int] = []
        width, height = window.width, window.height
        groups = -(-window.channels // window.simd)
        for frame in range(frames):
            before = frame * width * height
            rows = [self.taps(y) for y in range(window.out_height)]
            columns = [self.taps(x) for x in range(window.out_width)]
            for y, own_rows in enumerate(rows):
                # A row of outputs that begins where the next one does keeps what that one needs.
                below = max(rows[y + 1][0], 0) * width if y + 1 < len(rows) else height * width
                for own_columns in columns:
                    last = min(own_rows[-1], height - 1) * width + min(own_columns[-1], width - 1)
                    first = own_rows[0] * width + max(own_columns[0], 0) if own_rows[0] >= 0 else 0
                    self.needed.append(before + last + 1)
                    self.released.append(before + (min(first, below) if window.transposed else first))
                    self.words.append(len(own_rows) * len(own_columns) // window.taps * groups)
        self.released.append(frames * width * height)
        self.beats = self.pixels = self.there = self.position = self.word = self.fold = 0
        self.arrivals: deque[int] = deque()
        self.results: deque[int] = deque()  # the cycle from which on each one may leave
        self.credits = folding.fifo_depth

    def taps(self, place: int) -> list[int]:
        """The input rows (columns) that an output row (column) reads, those outside the frame too."""
        window = self.window
        if not window.transposed:
            return [place * window.stride - window.padding_height + tap for tap in range(window.kernel_height)]
        # A phase that no tap reaches reads one all the same.
        kernel = max(window.kernel_height, window.stride)
        return sorted(
            (place + window.padding_height - tap) // window.stride
            for tap in range(kernel)
            if (place + window.padding_height - tap) % window.stride == 0
        )

    @property
    def ready(self) -> bool:
        return self.window.capacity + self.released[self.position] > self.pixels

    def valid(self, cycle: int) -> bool:
        return bool(self.results) and self.results[0] <= cycle

    def step(self, cycle: int, accepts: bool, gives: bool) -> None:
        while self.arrivals and self.arrivals[0] <= cycle:
            self.arrivals.popleft()
            self.there += 1
        if accepts:
            self.beats += 1
            if self.beats % self.beats_per_pixel == 0:
                self.pixels += 1
                self.arrivals.append(cycle + self.arrival)
        if gives:
            self.results.popleft()
        reserved = 0
        if self.position < len(self.needed) and self.needed[self.position] <= self.there:
            if self.word < self.words[self.position] - 1:
                self.word += 1
            elif self.credits >= -(-self.folding.pe // self.folding.out_lanes):
                done = self.fold * self.folding.pe
                results = min(self.folding.pe, self.folding.out_channels - done)
                reserved = -(-results // self.folding.out_lanes)
                self.results.extend(cycle + self.folding.drain_latency + place for place in range(reserved))
                self.word = 0
                self.fold += 1
                if self.fold == self.window.folds:
                    self.fold = 0
                    self.position += 1
        self.credits += gives - reserved


def model_ends(
    foldings: list[ConvolutionConfig], frames: int, head: int | None = None, tail: int = GAIN_AND_SYMBOLS
) -> list[int]:
    """The cycle of each frame's TLAST, from the first accepted beat on; the source always offers, nothing stalls.

    head, tail : cycles before the first layer and behind the last, where nothing waits
    """
    layers = [LayerModel(folding, frames) for folding in foldings]
    first, last = foldings[0].window, foldings[-1]
    whole = foldings[0].in_lanes == first.channels
    beats = frames * first.width * first.height * layers[0].beats_per_pixel
    per_frame = last.window.out_width * last.window.out_height * last.out_channels
    ends: list[int] = []
    sent = received = cycle = 0
    while received < frames * per_frame:
        # Pixels that are taken apart into values come a cycle later.
        offered = sent < beats and cycle >= (1 - whole if head is None else head)
        ready = [layer.ready for layer in layers] + [True]
        valid = [offered] + [layer.valid(cycle) for layer in layers]
        passes = [v and r for v, r in zip(valid, ready, strict=True)]
        for index, layer in enumerate(layers):
            layer.step(cycle, passes[index], passes[index + 1])
        sent += passes[0]
        received += passes[-1]
        if passes[-1] and received % per_frame == 0:
            ends.append(cycle + tail)
        cycle += 1
        assert cycle < 1_000_000
    return ends
