"""The bench at AXI ports on a small module that does what it should, or one thing that it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.sim import axi, runner

ECHO = """
// Packets come out as they went in; four registers keep what is written, the fourth is the interrupt's level.
// +fault: 1 VALID falls, 2 data changes, 3 TKEEP has gaps, 4 an answer falls, 5 an answer is an error, 6 an answer that
// nobody asked for, 7 the stream stands still, 8 reads are not answered
module echo (
    input aclk, input aresetn,
    input [11:0] s_axi_awaddr, input [2:0] s_axi_awprot, input s_axi_awvalid, output s_axi_awready,
    input [31:0] s_axi_wdata, input [3:0] s_axi_wstrb, input s_axi_wvalid, output s_axi_wready,
    output [1:0] s_axi_bresp, output s_axi_bvalid, input s_axi_bready,
    input [11:0] s_axi_araddr, input [2:0] s_axi_arprot, input s_axi_arvalid, output s_axi_arready,
    output [31:0] s_axi_rdata, output [1:0] s_axi_rresp, output s_axi_rvalid, input s_axi_rready,
    input [31:0] s_axis_tdata, input [3:0] s_axis_tkeep, input s_axis_tlast, input s_axis_tvalid, output s_axis_tready,
    output [31:0] m_axis_tdata, output [3:0] m_axis_tkeep, output m_axis_tlast, output m_axis_tvalid,
    input m_axis_tready, output irq
);
    reg [31:0] fault, kept [0:3], answer, data, waits, beats;
    reg [3:0] keep;
    reg last, full, read_due, write_due, asked;
    initial if (!$value$plusargs("fault=%d", fault)) fault = 0;
    assign s_axis_tready = !full && !(fault == 7 && beats == 5);
    assign m_axis_tvalid = full && !(fault == 1 && waits == 1);
    assign m_axis_tdata = data ^ (fault == 2 && waits != 0);
    assign m_axis_tkeep = keep & ~(fault == 3 && beats > 4 ? 4'd2 : 4'd0);
    assign m_axis_tlast = last;
    assign s_axi_awready = s_axi_awvalid && s_axi_wvalid && !write_due;
    assign s_axi_wready = s_axi_awready;
    assign s_axi_bvalid = write_due && !(fault == 4 && waits == 3);
    assign s_axi_bresp = fault == 5 ? 2 : 0;
    assign s_axi_arready = !read_due;
    assign s_axi_rvalid = read_due && fault != 8 || fault == 6 && asked && !read_due && !s_axi_arvalid;
    assign s_axi_rdata = answer;
    assign s_axi_rresp = 0;
    assign irq = kept[3][0];
    always @(posedge aclk)
        if (!aresetn) begin
            {full, read_due, write_due, asked} <= 0;
            waits <= 0;
            beats <= 0;
            kept[3] <= 0;
        end else begin
            if (s_axis_tvalid && s_axis_tready) begin
                {full, last, keep} <= {1'b1, s_axis_tlast, s_axis_tlast ? s_axis_tkeep : 4'hf};
                data <= s_axis_tdata;
                beats <= beats + 1;
            end else if (m_axis_tvalid && m_axis_tready) full <= 0;
            waits <= m_axis_tvalid && !m_axis_tready || s_axi_bvalid && !s_axi_bready ? waits + 1 : 0;
            if (s_axi_awready) kept[s_axi_awaddr[3:2]] <= s_axi_wdata;
            write_due <= s_axi_awready || write_due && !(s_axi_bvalid && s_axi_bready);
            if (s_axi_arvalid && s_axi_arready) answer <= kept[s_axi_araddr[3:2]];
            read_due <= s_axi_arvalid && s_axi_arready || read_due && !(s_axi_rvalid && s_axi_rready);
            asked <= asked || read_due;
        end
endmodule
"""
PACKETS = (bytes(range(23)), b"a", bytes(range(100, 164)))


def script(stall: float) -> axi.Script:
    """Three packets while registers are written and read."""
    found = axi.Script()
    found.stall(stall)
    for place in range(3):
        found.write(4 * place, 1000 + place)
    found.mark()
    for packet in PACKETS[:2]:
        found.send(packet)
    found.received(2)
    found.mark()
    found.send(PACKETS[2])
    found.taken(1)
    found.given(3)
    found.irq()
    found.write(12, 1)
    for place in range(3):
        found.read(4 * place)
    found.poll(8, 0xF, 1002 & 0xF)
    found.drained()
    found.received(1)
    found.irq()
    found.counts()
    return found


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("echo") / "echo.v"
    path.write_text(ECHO)
    return path


def played(echo: Path, folder: Path, stall: float, fault: int = 0) -> axi.Played:
    return axi.play([echo], "echo", 32, 1, script(stall), folder, 1, 2000, plusargs=[f"+fault={fault}"])


@pytest.mark.parametrize("stall", [0, 0.4])
def test_packets_registers_and_points_in_time(echo: Path, tmp_path: Path, stall: float) -> None:
    found = played(echo, tmp_path, stall)
    assert (found.hung_at, found.broken) == (None, None)
    assert [packet.data for packet in found.packets] == list(PACKETS)
    assert all(packet.ended and packet.first <= packet.last for packet in found.packets)
    assert found.found[:7] == (0, 2, 0, 1000, 1001, 1002, 1)
    beats_in, stalled_in, beats_out, stalled_out = found.found[7:]
    assert beats_in == beats_out == 6 + 1 + 16
    assert stalled_in > 0, "the module takes a beat in every other cycle at most"
    assert (stalled_out > 0) == (stall > 0)
    assert [first <= last for first, last in found.sent] == [True] * 3
    again = played(echo, tmp_path, stall)
    assert (again.packets, again.found, again.cycles) == (found.packets, found.found, found.cycles)


@pytest.mark.parametrize(("fault", "broken"), [
    (1, "m_axis_tvalid fell before the beat was taken"), (2, "a beat of m_axis changed while it was not yet taken"),
    (3, "m_axis_tkeep has gaps"), (4, "an answer of s_axi fell before it was taken"),
    (5, "s_axi_bresp is not OKAY"), (6, "s_axi_rvalid without a question"),
])  # fmt: skip
def test_broken_rules_are_found(echo: Path, tmp_path: Path, fault: int, broken: str) -> None:
    assert played(echo, tmp_path, 0.5, fault).broken == broken


def test_a_hang_names_the_step(echo: Path, tmp_path: Path) -> None:
    stream, reads = (played(echo, tmp_path, 0, fault) for fault in (7, 8))
    assert (stream.hung_at, reads.hung_at) == ("received 2", "read 0")
    assert (len(stream.packets), stream.packets[0].ended, len(stream.packets[0].data)) == (1, False, 20)


def test_a_script_that_cannot_be_played_is_trouble(echo: Path, tmp_path: Path) -> None:
    wrong = axi.Script(["jump 3"])
    with pytest.raises(runner.SimulationError, match="no such step: jump"):
        axi.play([echo], "echo", 32, 1, wrong, tmp_path, 1, 2000)
    with pytest.raises(HwgenError, match="no script"):
        axi.play([echo], "echo", 32, 1, axi.Script(), tmp_path, 1, 2000)
