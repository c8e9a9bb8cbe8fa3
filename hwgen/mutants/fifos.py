"""The claims "order" and "rules" of `make formal`, asked of the emitted FIFOs with a fault in them.

A FIFO between two layers is as full as its neighbours let it be, and they have their own rhythm. What it does with any
other one a run does not show. The claims are about each: a FIFO gives back what it got, each beat in its turn and as it
came, shows nothing that did not come in, and what waits at its output stays. A CreditFifo is fed as its contract says,
with room for one beat at a time. ABC looks for a run in which that is broken, from the reset state on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.scope import BASE, Case

CYCLES = 12
"""Length in cycles of the runs that are searched for a broken claim."""
CREDIT = {"write", "payload", "reserve", "room", "o__valid", "o__ready", "o__payload"}
"""Ports of a CreditFifo."""
IN_TURN = {"chosen", "some"}
"""Ports that one of several has besides, which give in turn."""
STREAM = {"i__valid", "i__ready", "i__payload", "o__valid", "o__ready", "o__payload"}
"""Ports of a SkipFifo."""
MEMORY = {"write__data": "payload", "write_data": "i__payload"}
"""Names of a port that goes to a memory inside as it comes in."""
FIFO = """\
{beside}
memory_map gold gate
dffunmap gold gate
setundef -init -zero
setundef -zero
setattr -unset keep w:* c:*
delete {other}
rename {copy} fifo
read_verilog claims{number}.v
hierarchy -top claims
proc
flatten
opt_clean
techmap
opt_clean
abc -dff -script bmc{number}.script"""
ABC = """\
strash
bmc3 -F {cycles}
write_status {copy}{number}.txt
"""
FED = """\
  wire write = give & waiting != 0;
  reg [4:0] waiting = 0;
  always @(posedge clk) waiting <= waiting + (ask & room) - write;
  wire comes = write;
  wire [{high}:0] given = payload;"""
OFFERED = """\
  // A beat that waits stays.
  reg held = 0;
  reg [{high}:0] kept = 0;
  wire offered = held | give;
  wire [{high}:0] given = held ? kept : payload;
  wire comes = offered & room;
  always @(posedge clk) begin
    held <= offered & ~room;
    kept <= given;
  end"""
CLAIMS = """\
module claims(input clk, give, ask, ready, next_chosen, input [4:0] pick, input [{high}:0] payload, output broken);
  wire room, valid;
  wire [{high}:0] data;
  reg chosen = 1;
  always @(posedge clk) chosen <= next_chosen;
{feed}
  fifo dut({ports});
  wire goes = valid & ready & {chosen};
  // One beat is marked, any of the first ones.
  reg begun = 0, waits = 0;
  reg [4:0] mark = 0, come = 0, gone = 0;
  reg [{high}:0] marked = 0, before = 0;
  wire [4:0] number = begun ? mark : pick;
  always @(posedge clk) begin
    begun <= 1;
    mark <= number;
    come <= come + comes;
    gone <= gone + goes;
    if (comes & come == number) marked <= given;
    waits <= valid & ~goes;
    before <= data;
  end
  assign broken = valid & gone >= come | valid & gone == number & data != marked
                | waits & (~valid | data != before);
endmodule
"""


def refuted(mutations: Mapping[int, Mutation], folder: Path) -> list[int]:
    """Numbers of those mutants of the design that was prepared in `folder` of which a FIFO's claims do not hold.

    Raises
    ------
    HwgenError : they do not hold of the FIFO without a fault; Yosys did not run
    """
    modules = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
    found = []
    sound: set[str] = set()
    for number, mutation in mutations.items():
        ports = modules[mutation.module]["ports"]
        if (text := claims(ports)) is None or (_between(ports) and mutation.component != "skip_fifo"):
            continue
        (folder / f"claims{number}.v").write_text(text, encoding="utf-8")
        if mutation.module not in sound and _is_broken(number, mutation, "gold", folder):
            raise HwgenError(f"the FIFO {mutation.module}", "each beat in its turn and as it came", "another run")
        sound.add(mutation.module)
        if _is_broken(number, mutation, "gate", folder):
            found.append(number)
    return found


def _is_broken(number: int, mutation: Mutation, copy: str, folder: Path) -> bool:
    """True if some run breaks a claim of the copy, `gold` or `gate`; False for a mutant that Yosys refuses."""
    answer = folder / f"{copy}{number}.txt"
    answer.unlink(missing_ok=True)
    (folder / f"bmc{number}.script").write_text(ABC.format(cycles=CYCLES, copy=copy, number=number), encoding="utf-8")
    (other,) = {"gold", "gate"} - {copy}
    case = Case(mutation, (mutation.module,), ())
    script = FIFO.format(beside=case.beside(), copy=copy, other=other, number=number)
    try:
        yosys.run(folder, [BASE, *script.splitlines()])
        return answer.read_text(encoding="utf-8").startswith("snl_SAT")
    except (HwgenError, OSError):
        if copy == "gold":
            raise
        return False


def _between(ports: Mapping[str, Any]) -> bool:
    """True if the ports are those of a module between two streams; a SkipFifo is only one kind of them."""
    return "i__valid" in ports


def claims(ports: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Verilog of a checker around a FIFO with these ports, whose one output says that a claim is broken; None where
    they are not those of a FIFO."""
    names = {name: MEMORY.get(name, name) for name in ports if name not in ("clk", "rst")}
    known = set(names.values())
    in_turn = known == CREDIT | IN_TURN
    if not in_turn and known not in (CREDIT, STREAM):
        return None
    wires = {"o__valid": "valid", "o__ready": "ready", "o__payload": "data"}
    if known == STREAM:
        wires |= {"i__valid": "offered", "i__ready": "room", "i__payload": "given"}
    else:
        wires |= {"write": "write", "payload": "payload", "reserve": "ask & room", "room": "room"}
    if in_turn:
        wires |= {"chosen": "{chosen, chosen}", "some": ""}
    high = len(ports["o__payload"]["bits"]) - 1
    feed = OFFERED if known == STREAM else FED
    return CLAIMS.format(
        high=high, feed=feed.format(high=high), chosen="chosen" if in_turn else "1",
        ports=", ".join([".clk(clk)", ".rst(1'b0)", *(f".{name}({wires[of]})" for name, of in names.items())]),
    )  # fmt: skip
