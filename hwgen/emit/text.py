"""The texts beside the Verilog: constraints and a README."""

from __future__ import annotations

from typing import Any

from hwgen.board import Board
from hwgen.device import shown
from hwgen.emit.ports import PIXELS
from hwgen.numerics.formats import COEFFICIENT, PIXEL, SYMBOL


def constraints(board: Board) -> str:
    """Timing constraint for out-of-context synthesis; in a block design the clock comes from its source."""
    return (
        f"# {board.part}: the clock the design was sized for\n"
        f"create_clock -name aclk -period {1e3 / board.clock_mhz:.3f} [get_ports aclk]\n"
    )


TX_PORTS = """\
    .s_axis_tdata(pixel),                           // {pixel}; raster order
    .s_axis_tvalid(pixel_valid), .s_axis_tready(pixel_ready),
    .s_axis_tlast(pixel_last),                      // high on the last of a frame's {beats_in} pixels
{coefficients}\
    .m_axis_tdata(symbol),                          // I [15:0], Q [31:16]; signed {symbol}
    .m_axis_tvalid(symbol_valid), .m_axis_tready(symbol_ready),
    .m_axis_tlast(symbol_last),                     // high on the last of a frame's {beats} symbols
"""
RX_PORTS = """\
    .s_axis_tdata(symbol),                          // I [15:0], Q [31:16]; signed {symbol}
    .s_axis_tvalid(symbol_valid), .s_axis_tready(symbol_ready),
    .s_axis_tlast(symbol_last),                     // high on the last of a frame's {beats_in} symbols
{coefficients}\
    .m_axis_tdata(pixel),                           // {pixel}; raster order
    .m_axis_tvalid(pixel_valid), .m_axis_tready(pixel_ready),
    .m_axis_tlast(pixel_last),                      // high on the last of a frame's {beats} pixels
"""
COEFFICIENT_PORTS = f"""\
    .s_coef_tdata(coefficient),                     // real part [15:0], imaginary part [31:16]; signed {COEFFICIENT}
    .s_coef_tvalid(coefficient_valid), .s_coef_tready(coefficient_ready),
    .s_coef_tlast(coefficient_last),                // high on the last of a frame's {{words}} coefficients
"""
FAULT_PORTS = """\
    .frame_error(frame_error),                      // high for a cycle: an input frame was too short or too long
    .frame_errors(frame_errors)                     // how many were since reset, 32 bits
"""
IP = """\
## The IP

`{top}` in `{top}.v` is this design behind AXI4-Stream of {bits} bits and AXI4-Lite registers, as a DMA and a processor
take it: {bytes_in} bytes a frame in, {bytes_out} out, the first {what_in} and {what_out} in the lowest bytes of a beat.
`ip/` has the description of its registers (registers.rdl, and what is made of it for C, Python and readers) and a test
at its AXI ports: `make -C ip`.

"""


def _ip(manifest: dict[str, Any]) -> str:
    """The part about the IP, where there is one."""
    if "ip" not in manifest:
        return ""
    ip, items = manifest["ip"], ("pixel", "symbol") if manifest["side"] == "tx" else ("symbol", "pixel")
    return IP.format(
        top=ip["top"], bits=ip["options"]["beat_bits"], bytes_in=ip["input"]["bytes"], bytes_out=ip["output"]["bytes"],
        what_in=items[0], what_out=items[1],
    )  # fmt: skip


COLOUR = {1: "grey", 3: "RGB"}
"""By the image's channels."""
SIDES = {
    "tx": ("A transmitter", "8-bit {colour} pixels of {size} frames in, I/Q symbols out", "transmitter", TX_PORTS),
    "rx": ("A receiver", "I/Q symbols in, 8-bit {colour} pixels of {size} frames out", "receiver", RX_PORTS),
}


def readme(manifest: dict[str, Any]) -> str:
    """A folder's README: its files, how to instantiate the module, and what is predicted."""
    predicted, frame, side = manifest["predicted"], manifest["frame"], manifest["side"]
    kind, streams, instance, ports = SIDES[side]
    beats_in, beats_out = manifest["input"]["beats"], manifest["output"]["beats"]
    what_in, what_out = ("pixel", "symbol") if side == "tx" else ("symbol", "pixel")
    channels = manifest["input" if side == "tx" else "output"]["channels"]
    digits = {"pixel": f"{channels * PIXEL.bits}-bit", "symbol": "32-bit"}
    coefficients = manifest["coefficients"]
    rate = f"{predicted['fps']} fps at {manifest['clock_mhz']:g} MHz"
    options = (" --side rx" if side == "rx" else "") + (f" --init {manifest['init']}" if manifest["init"] else "")
    loaded = COEFFICIENT_PORTS.format(words=coefficients["beats"]) if coefficients else ""
    connected = ports.format(beats=beats_out, beats_in=beats_in, symbol=SYMBOL, pixel=PIXELS[channels],
                             coefficients=loaded) + FAULT_PORTS  # fmt: skip
    terms = "".join(f"- {key}: {value}\n" for key, value in manifest["terms"].items()) or "- none stated\n"
    ultra = f"\n| URAM | {predicted['uram']} |" if "uram" in shown(predicted) else ""
    sample_coefficients = before = ""
    if coefficients:
        sample_coefficients = "| sample_coefficients.hex | the coefficients that come with it, 32-bit words |\n"
        before = f"""
Each frame has {coefficients['beats']} words of coefficients (matrix by matrix, row by row). They are for the channel
that it meets, and must all be there before its first symbol is taken; those of the next frame may come meanwhile.
Their frames end with TLAST as well, by the same rule. Frames meet their coefficients in order: a fault that makes of
one frame two, or of two one, on one of the streams only, lets all later ones meet a neighbour's, until a reset.
"""
    profiles = manifest.get("profiles")
    if profiles:
        last, limits = profiles["count"] - 1, ", ".join(f"{limit:g}" for limit in profiles["limits_db"])
        name = ".profile(profile),"
        connected = connected.replace(
            FAULT_PORTS, f"    {name:<48}// 0 to {last}, taken with a frame's first {what_in}\n{FAULT_PORTS}"
        )  # fmt: skip
        sample_coefficients += "| sample_profiles.hex | the profile of each of the sample frames |\n"
        before += f"""
A frame is computed in the profile that the input `profile` has when its first {what_in} is accepted, 0 to {last}; any
other number is profile {last}. Between the profiles stand {limits} dB of SNR. The sample files have the frame in each.
"""
    return f"""# {manifest['model']}, {side}, for {manifest['board']} ({manifest['part']})

{kind}: {streams.format(size=f"{frame['width']}x{frame['height']}", colour=COLOUR[channels])}, frame after frame.

| file | what it is |
| --- | --- |
| {manifest['top']}.v | the circuit, one self-contained Verilog file, module `{manifest['top']}`; weights included |
| {manifest['top']}.xdc | the clock it was sized for ({manifest['clock_mhz']:g} MHz) |
| manifest.json | ports, streams, folding of every layer, predictions, hashes, tool versions, terms of the weights |
| graph.json, weights.npz | the integer graph: every number that the circuit computes with |
| sample_input.hex | a sample frame, one {digits[what_in]} {what_in} a line ($readmemh) |
| sample_output.hex | the {what_out}s that must come out for it, one {digits[what_out]} word a line, exactly |
{sample_coefficients}| {manifest['top']}_tb.v | a self-checking Verilog testbench: the sample frame and random pauses |
| {manifest['top']}_cocotb.py | a cocotb test on cocotbext-axi: the sample frame, and others by graph.json |
| Makefile | runs them: `make`, `make cocotb`, with `SIM=verilator` or `SIM=icarus`; PASS or FAIL |
| {manifest['top']}.core | a FuseSoC core with the targets default, sim and lint |

## Instantiate

```verilog
{manifest['top']} #(.USE_TLAST(1)) {instance} (  // 1 unless said otherwise; 0: input TLAST is not looked at
    .aclk(clk), .aresetn(resetn),                   // synchronous reset, active low
{connected});
```

A frame is {beats_in} {what_in} beats, the last one with TLAST; frames may follow one another without a gap. A frame
that its TLAST ends too early is filled up with zeros; of one without TLAST on its last beat all further beats are
dropped, up to and including the next with TLAST. Either counts one in `frame_errors`, and the frame behind it is right
again.

**Connect `s_axis_tlast`, or set `USE_TLAST` to 0**: without TLAST everything behind the first frame is dropped. With 0,
{what_in}s are counted, and one lost or doubled shifts all that follows until a reset.
{before}
## Predicted

| | |
| --- | --- |
| frame interval | {predicted['frame_interval_cycles']} cycles, {rate} |
| latency, first {what_in} to TLAST | {predicted['latency_cycles']} cycles |
| MACs per frame | {predicted['macs_per_frame']} |
| multipliers | {predicted['multipliers']} |
| DSP, BRAM36 | {predicted['dsp']}, {predicted['bram36']:g} |{ultra}

{_ip(manifest)}\
Check it: `hwgen verify --model {manifest['model']}{options} --design .` (for a specification of your own: its path).
It needs the `verify` extra: `make env` in a clone, `pip install 'hwgen[verify]'` elsewhere.

## Terms of the weights

{terms}"""
