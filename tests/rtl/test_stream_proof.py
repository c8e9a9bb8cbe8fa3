# amaranth: UnusedElaboratable=no
"""CreditFifo never overflows, loses, changes or reorders a beat: proven by induction, for every sequence of inputs.

A checker in Verilog stands around the emitted FIFO. Its environment may do whatever the contract allows: reserve up to
a batch where there is room, write what was reserved, take a beat or not, say that the next cycle's `ready` is for
another FIFO. Yosys' SAT solver shows that the assertions hold after reset, and in any state whose invariants hold,
reachable or not, also one cycle later.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Shape

from hwgen.rtl.stream import LOW_BITS, CreditFifoConfig
from hwgen.synth.yosys import PROGRAM

ALLOWED = ("assume(reserve <= (room ? {batch} : 0));", "assume(!write || under_way != 0);")
"""Promises of the FIFO's feeder."""

CHECKER = """
module watch(input clk, write, ready, next_chosen, pick, input [1:0] payload, input [{reserve}:0] reserve);
  wire room, valid{flags};
  wire [1:0] data{words};
  wire signed [{spare}:0] lacking;
  wire shown;
  wire [{level}:0] level;
  wire [7:0] inside = {inside};
  wire some;
  wire [{address}:0] write_address, read_address;
  fifo dut(.clk(clk), .rst(1'b0), .write(write), .payload(payload), .reserve(reserve), .o__ready(ready), .room(room),
    .o__payload(data), .o__valid(valid), .lacking(lacking), .shown(shown), .level(level), .some(some){ports});

  // Beats that are reserved and not yet written, and written and not yet taken; one beat is followed on its way.
  reg [7:0] under_way = 0, held = 0, ahead = 0;
  reg [1:0] followed;
  reg follow = 0, chosen = 1;
  wire taken = valid & ready & chosen;
  wire [7:0] slot = (read_address + ahead - valid) % {places};
  wire [1:0] kept = {kept};
  always @(posedge clk) begin
    chosen <= {next_chosen};
    under_way <= under_way + reserve - write;
    held <= held + write - taken;
    if (!follow && write && pick) begin follow <= 1; followed <= payload; ahead <= held - taken; end
    else if (follow && taken && ahead == 0) follow <= 0;
    else if (follow && taken) ahead <= ahead - 1;
  end
  always @* begin
    {allowed}
    // What the outside sees: never more than there is room for, the beat that was written, in its turn.
    assert(under_way + held <= {depth});
    assert(room == (under_way + held + {batch} <= {depth}));
    assert(!valid || held != 0);
    assert(!follow || ahead != 0 || !valid || data == followed);
    // Inside: every place is counted once, the memory has one word less than the FIFO places, and no write fails.
    assert($signed(under_way) + $signed(held) == $signed({depth} - {batch} + 1) + lacking && shown == valid);
    assert(inside + valid == held && inside <= (valid ? {depth} - 1 : 1) && inside <= {places});
    assert(some == (inside != 0));
    {claims}
    assert(!write || inside < {places} || !valid || taken);
    assert(read_address < {places} && write_address == (read_address + inside) % {places});
    assert(!follow || ahead < held);
    assert(!follow || (valid && ahead == 0) || kept == followed);
  end
endmodule
"""


def prove(
    folder: Path, depth: int, batch: int, allowed: Sequence[str] = ALLOWED, in_turn: bool = False
) -> tuple[bool, str]:
    """Whether the checker's assertions are proven, and what Yosys says."""

    def top(values: range) -> int:
        return max(Shape.cast(values).width, 1) - 1

    places = max(depth - 1, 1)
    addresses = ["write_address", "read_address"] if places > 1 else []
    lasts = [f"last_{name}" for name in addresses if places & (places - 1)]
    is_late = top(range(places + 1)) >= LOW_BITS  # the level follows a cycle later
    late = ["was_written", "was_loaded", "near", "low"] if is_late else []
    stored = [f"memory[{word}]" for word in range(places)] if places > 1 else ["word"]
    inner = ["level", "lacking", "shown", *([] if in_turn else ["some"]), *addresses, *lasts, *late]
    ports = [(name, name) for name in (*addresses, *lasts, *late)]
    ports += [(name, f"word{word}") for word, name in enumerate(stored)]
    ports += [("chosen", "{chosen, chosen}")] if in_turn else []
    claims = [f"assert({name} == ({name[5:]} == {places - 1}));" for name in lasts]
    claims += ["assert(low == inside[2:0] && (near ? inside <= 6 : inside >= 3));"] * is_late
    text = CHECKER.format(
        depth=depth, batch=batch, places=places, reserve=top(range(batch + 1)), level=top(range(places + 1)),
        spare=top(range(batch - depth - 1, batch)), address=top(range(places)), claims=" ".join(claims),
        inside="level + was_written - was_loaded" if is_late else "level",
        next_chosen="next_chosen" if in_turn else "1",
        words="".join(f", word{word}" for word in range(places)),
        ports="".join(f", .\\{name} ({wire})" for name, wire in ports),
        flags="".join(f", {name}" for name in (*lasts, *(name for name in late if name != "low")))
        + "; wire [2:0] low",
        kept=" : ".join(f"slot == {word} ? word{word}" for word in range(places)) + " : 0",
        allowed=" ".join(allowed).format(batch=batch),
    )  # fmt: skip
    if places == 1:
        text = text.replace("write_address, read_address;", "write_address = 0, read_address = 0;")
    exposed = [*inner, *stored]
    (folder / "checker.sv").write_text(text)
    dut = CreditFifoConfig(2, depth, batch, in_turn=in_turn).build()
    (folder / "fifo.il").write_text(rtlil.convert(dut, name="fifo", emit_src=False))
    (folder / "prove.ys").write_text("\n".join([
        "read_rtlil fifo.il", "hierarchy -top fifo", "proc", "memory -nomap", "memory_map",
        f"expose {' '.join(f'fifo/w:{name}' for name in exposed)}",
        "read_verilog -formal -sv checker.sv", "prep -top watch -flatten", "chformal -lower", "async2sync",
        "opt -full", "sat -tempinduct -prove-asserts -set-assumes -seq 0 -maxsteps 8 -verify watch",
    ]))  # fmt: skip
    command = [sys.executable, "-c", PROGRAM, "prove.ys"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "Induction step proven: SUCCESS!" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("depth", "batch"), [(1, 1), (2, 1), (3, 2), (4, 1), (8, 8), (11, 3)])
def test_proven(tmp_path: Path, depth: int, batch: int) -> None:
    proven, text = prove(tmp_path, depth, batch)
    assert proven, text[-3000:]


@pytest.mark.parametrize(("depth", "batch"), [(1, 1), (2, 1), (3, 2), (9, 8)])
def test_proven_in_turn(tmp_path: Path, depth: int, batch: int) -> None:
    proven, text = prove(tmp_path, depth, batch, in_turn=True)
    assert proven, text[-3000:]


@pytest.mark.parametrize("kept", ALLOWED)
def test_a_broken_contract_is_no_proof(tmp_path: Path, kept: str) -> None:
    """Reserving without room, or writing what was not reserved: the solver finds how that ends."""
    proven, text = prove(tmp_path, 4, 2, [kept])
    assert not proven
    assert "model found for base case: FAIL!" in text
