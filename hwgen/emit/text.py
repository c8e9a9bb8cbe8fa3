"""The texts beside the Verilog: constraints and a README."""

from __future__ import annotations

from typing import Any

from hwgen.board import Board


def constraints(board: Board) -> str:
    """Timing constraint for out-of-context synthesis; in a block design the clock comes from its source."""
    return (
        f"# {board.part}: the clock the design was sized for\n"
        f"create_clock -name aclk -period {1e3 / board.clock_mhz:.3f} [get_ports aclk]\n"
    )


def readme(manifest: dict[str, Any]) -> str:
    """What each file is, how to instantiate the module, and what is predicted."""
    predicted, frame, beats = manifest["predicted"], manifest["frame"], manifest["output"]["beats"]
    rate = f"{predicted['fps']} fps at {manifest['clock_mhz']:g} MHz"
    init = f" --init {manifest['init']}" if manifest["init"] else ""
    terms = "".join(f"- {key}: {value}\n" for key, value in manifest["terms"].items()) or "- none stated\n"
    return f"""# {manifest['model']}, {manifest['side']}, for {manifest['board']} ({manifest['part']})

A transmitter: 8-bit RGB pixels of {frame['width']}x{frame['height']} frames in, I/Q symbols out, frame after frame.

| file | what it is |
| --- | --- |
| {manifest['top']}.v | the circuit, one self-contained Verilog file, module `{manifest['top']}`; weights included |
| {manifest['top']}.xdc | the clock it was sized for ({manifest['clock_mhz']:g} MHz) |
| manifest.json | ports, streams, folding of every layer, predictions, hashes, tool versions, terms of the weights |
| graph.json, weights.npz | the integer graph: every number that the circuit computes with |
| sample_input.hex | a sample frame, one 24-bit pixel a line ($readmemh) |
| sample_output.hex | the symbols that must come out for it, one 32-bit word a line, exactly |

## Instantiate

```verilog
{manifest['top']} transmitter (
    .aclk(clk), .aresetn(resetn),                   // synchronous reset, active low
    .s_axis_tdata(pixel),                           // R [7:0], G [15:8], B [23:16]; raster order
    .s_axis_tvalid(pixel_valid), .s_axis_tready(pixel_ready),
    .m_axis_tdata(symbol),                          // I [15:0], Q [31:16]; signed Q3.12
    .m_axis_tvalid(symbol_valid), .m_axis_tready(symbol_ready),
    .m_axis_tlast(symbol_last)                      // high on the last of a frame's {beats} symbols
);
```

A frame is {manifest['input']['beats']} pixel beats; frames may follow one another without a gap. Pixels are counted, so
there is no input TLAST: reset the module to start a frame anew.

## Predicted

| | |
| --- | --- |
| frame interval | {predicted['frame_interval_cycles']} cycles, {rate} |
| latency, first pixel to TLAST | {predicted['latency_cycles']} cycles |
| MACs per frame | {predicted['macs_per_frame']} |
| multipliers | {predicted['multipliers']} |
| DSP, BRAM36 | {predicted['dsp']}, {predicted['bram36']:g} |

Check it: `hwgen verify --model {manifest['model']}{init} --design .` (for a specification of your own: its path).
It needs the `verify` extra: `make env` in a clone, `pip install 'hwgen[verify]'` elsewhere.

## Terms of the weights

{terms}"""
