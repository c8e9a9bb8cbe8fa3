"""Two cocotb tests of one's own around an emitted design: with the whole bench, and with its parts one by one.

Copy it beside a design folder's files, or say where they are: the plusarg +folder=DIR.
"""

from itertools import cycle, islice
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from hwgen.testbench.bench import Bench
from hwgen.testbench.golden import GoldenModel
from hwgen.testbench.scoreboard import Scoreboard
from hwgen.testbench.streams import Monitor, Sink, Source, pauses

FOLDER = Path(cocotb.plusargs.get("folder", "."))


@cocotb.test()
async def whole_bench(dut):
    """Frames of many kinds at every rate: pauses never, seldom, often. The bench resets before each."""
    bench = Bench(dut, FOLDER)
    for seed, stall in enumerate([0, 0.1, 0.6]):
        await bench.run(frames=2, seed=seed, stall=stall)


@cocotb.test()
async def parts(dut):
    """Frames of one's own, a slow receiver, and coefficients where the design takes any."""
    golden = GoldenModel(FOLDER)
    scoreboard = Scoreboard(golden.design)
    Clock(dut.aclk, 6.7, "ns").start()
    dut.aresetn.value = 0
    # The last of the golden model's frames as they are; then the same input backwards, with the answer for that.
    frame = next(islice(golden.frames(seed=3), 5, None))
    backwards = golden.frame(np.ascontiguousarray(frame.input[::-1]), frame.coefficients)

    sources = {name: Source(dut, name) for name in frame.inputs}
    sink = Sink(dut)
    monitors = {name: Monitor(dut, name) for name in [*sources, "m_axis"]}
    for source in sources.values():
        source.set_pause_generator(pauses(seed=1, probability=0.3))
    sink.set_pause_generator(cycle([True, True, False]))  # any iterable of cocotbext-axi's

    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    for one in (frame, backwards):
        for name, words in one.inputs.items():
            sources[name].send_words(words)
        scoreboard.expect(one.output)
    for _ in range(2):
        scoreboard.check(await sink.receive_words())
    await ClockCycles(dut.aclk, 1000)
    assert sink.empty() and sink.idle(), "the design gives more than was asked for"
    scoreboard.finish()
    assert monitors["m_axis"].stalled, "the design's output never waited"
    assert monitors["m_axis"].beats == 2 * golden.design.output_beats
