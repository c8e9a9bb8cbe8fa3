"""Writes the encoder as NNgen makes it: Verilog, a memory image, and a test bench that checks every output value.

A plain script: it runs in NNgen's own environment (see environment.py) and imports nothing from hwgen.

    python nngen_design.py SETTING.json FOLDER

SETTING.json holds ``width`` and ``height`` (pixels), ``layers`` (a list of [kernel, stride, channels, relu]),
``par_ich``, ``par_och``, ``axi_bits`` and ``seed``. FOLDER gets

    nngen_encoder.v  the design alone: what is synthesised
    bench.v          the design, NNgen's memory model with its default waits, and a controller: what is simulated
    memory.hex       the memory's content: input, weights, expected output

The controller starts two frames, one after the other; for each it prints ``cycles N``, from the start to the idle
flag read through the control port, and ``wrong N``, the 32-bit words of output that are not as expected.

The numbers are NNgen's: activations int8 (0 to 127 behind a ReLU), one power-of-two shift a layer, rounded half away
from zero, clipped to -127..127. What is expected is computed twice, by NNgen's software model and by `convolution`
below; the script fails where the two differ.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

import nngen
import numpy as np
import veriloggen
import veriloggen.thread as vthread
from numpy.typing import NDArray
from veriloggen.types.axi import AxiMemoryModel, set_memory

CHUNK = 64
"""Bytes that NNgen aligns the regions of its memory to."""
FRAMES = 2
CONTROL_WAIT = 100
"""Cycles before the first start: behind the reset."""


def convolution(
    values: NDArray[np.int64], weight: NDArray[np.int64], bias: NDArray[np.int64], stride: int, relu: bool
) -> tuple[NDArray[np.int64], int]:
    """One layer in integers.

    values : int64 (height, width, in channels). weight : int64 (out channels, kernel, kernel, in channels).
    bias : int64 (out channels).
    Returns int64 (height / stride, width / stride, out channels) and the bits that were dropped from the sums: as
    many as clip no more than about one value in a hundred.
    """
    kernel = weight.shape[1]
    edge = kernel // 2
    padded = np.pad(values, ((edge, edge), (edge, edge), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(0, 1))[::stride, ::stride]
    sums = np.tensordot(windows, weight, axes=((2, 3, 4), (3, 1, 2))) + bias
    shift = max(1, math.ceil(math.log2(np.quantile(np.abs(sums), 0.99) / 127)))
    half = 1 << (shift - 1)
    rounded = np.where(sums < 0, -((half - sums) >> shift), (half + sums) >> shift)
    clipped = np.clip(rounded, -127, 127)
    return (np.maximum(clipped, 0) if relu else clipped), shift


def network(setting: dict[str, Any], rng: np.random.Generator) -> tuple[Any, Any, NDArray[np.int64], NDArray[np.int64]]:
    """NNgen's operators with random weights; returns (input, output, input values, expected output values)."""
    source = nngen.placeholder(dtype=nngen.int8, shape=(1, setting["height"], setting["width"], 3), name="pixels")
    image = rng.integers(-128, 128, source.shape, dtype=np.int64)
    layer, expected = source, image[0]
    for index, (kernel, stride, channels, relu) in enumerate(setting["layers"]):
        weight = nngen.variable(
            dtype=nngen.int8, shape=(channels, kernel, kernel, layer.shape[-1]), name=f"weight{index}"
        )
        weight.set_value(rng.integers(-127, 128, weight.shape, dtype=np.int64))
        bias = nngen.variable(dtype=nngen.int32, shape=(channels,), name=f"bias{index}")
        bias.set_value(rng.integers(-1000, 1001, bias.shape, dtype=np.int64))
        expected, shift = convolution(expected, weight.value, bias.value, stride, relu)
        layer = nngen.conv2d(
            layer,
            weight,
            strides=(1, stride, stride, 1),
            bias=bias,
            padding=kernel // 2,
            rshift_out=shift,
            act_func=nngen.relu if relu else None,
            dtype=nngen.int8,
            sum_dtype=nngen.int32,
            name=f"layer{index}",
            par_ich=setting["par_ich"],
            par_och=setting["par_och"],
        )
    model = nngen.eval([layer], pixels=image)[0]
    if not np.array_equal(model[0], expected):
        raise SystemExit("NNgen's software model differs from plain integers")
    if len(np.unique(expected)) < 16:
        raise SystemExit("the random network's output has too few distinct values to check anything")
    return source, layer, image, model


def aligned(size: int) -> int:
    """`size` in bytes, rounded up to whole chunks."""
    return -(-size // CHUNK) * CHUNK


def words(bits: int, parallel: int, axi_bits: int) -> int:
    """Number of values of `bits` to a multiple of which NNgen pads the last axis of an array."""
    return max(axi_bits // bits, parallel)


def bench(
    design: Any, content: NDArray[np.int64], axi_bits: int, temporary: int, output: int, expected: int, size: int
) -> str:
    """The test bench's Verilog; the memory's `content`, 32-bit words, goes to memory.hex.

    temporary, output, expected : byte addresses of NNgen's scratch region, of its output and of what that must be.
    size : bytes of output.
    """
    top = veriloggen.Module("bench")
    top.copy_params(design)
    ports = top.copy_sim_ports(design)
    clock, reset_n = ports["CLK"], ports["RESETN"]
    reset = top.Wire("RST")
    reset.assign(veriloggen.Not(reset_n))
    memory = AxiMemoryModel(top, "memory", clock, reset, datawidth=axi_bits, memimg=content,
                            memimg_name="memory.hex", memimg_datawidth=32)
    memory.connect(ports, "maxi")
    control = vthread.AXIMLite(top, "control", clock, reset, noio=True)
    control.connect(ports, "saxi")
    cycles = top.Reg("cycles", 64, initval=0)
    counter = veriloggen.Seq(top, "counter", clock, reset)
    counter(cycles.inc())

    def run() -> None:
        for _ in range(CONTROL_WAIT):
            pass
        nngen.sim.set_global_addrs(control, temporary)
        for _ in range(FRAMES):
            begin = cycles.value
            nngen.sim.start(control)
            nngen.sim.wait(control)
            end = cycles.value
            print("cycles", end - begin)
            wrong = 0
            for word in range(size // 4):
                got = memory.read_word(word, output, 32)
                want = memory.read_word(word, expected, 32)
                if got != want:
                    wrong += 1
            print("wrong", wrong)
        vthread.finish()

    vthread.Thread(top, "controller", clock, reset, run).start()
    top.Instance(design, "encoder", params=top.connect_params(design), ports=top.connect_ports(design))
    veriloggen.simulation.setup_clock(top, clock, hperiod=5)
    veriloggen.simulation.setup_reset(top, reset_n, top.make_reset(), period=100, polarity="low")
    text: str = top.to_verilog()
    return text


def main() -> None:
    """Write the design, its bench and its memory."""
    with open(sys.argv[1]) as file:
        setting = json.load(file)
    os.chdir(sys.argv[2])
    axi_bits = setting["axi_bits"]
    source, layer, image, model = network(setting, np.random.default_rng(setting["seed"]))
    design = nngen.to_veriloggen([layer], "nngen_encoder", silent=True, config={"maxi_datawidth": axi_bits})
    weights = nngen.export_ndarray([layer], CHUNK)

    weights_at = aligned(source.addr + source.memory_size)
    expected_at = aligned(weights_at + len(weights))
    temporary = aligned(expected_at + layer.memory_size)
    # Everything but the expected output starts as a pattern, so that a value never written is found.
    memory = np.full([max(1 << 18, 2 * temporary // 4)], 0x64646464, dtype=np.int64)
    set_memory(memory, image, 32, 8, source.addr, words(8, setting["par_ich"], axi_bits))
    set_memory(memory, weights, 32, 8, weights_at)
    set_memory(memory, model, 32, 8, expected_at, words(8, setting["par_och"], axi_bits))
    text = bench(design, memory, axi_bits, temporary, layer.addr, expected_at, layer.memory_size)
    with open("bench.v", "w") as file:
        file.write(text)
    with open("nngen_encoder.v", "w") as file:
        file.write(design.to_verilog())


if __name__ == "__main__":
    main()
