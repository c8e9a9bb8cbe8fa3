// Watches one valid/ready stream and hands every cycle in which it is valid to the recorder.
//
// The recorder (recorder.cpp) keeps each beat's value and cycle, counts cycles of valid without
// ready, and checks the protocol: once valid, a beat stays valid and unchanged until it is taken.
// Signals are sampled at the rising edge, before the design's registers change.

`timescale 1ns / 1ns

import "DPI-C" function void hwgen_offer(
    input int stream, input bit ready, input int unsigned payload, input bit last,
    input int unsigned cycle);
import "DPI-C" function void hwgen_final(input int stream, input bit valid, input bit ready);

module stream_probe #(
    parameter int STREAM = 0,  // index into the recorder's files
    parameter int BITS = 8     // payload width, 1..32
) (
    input  logic            clock,
    input  logic            running,  // out of reset and not finished
    input  logic            watch,    // else beats are counted by the harness alone
    input  logic            finish,   // one pulse at the end of the run
    input  logic [31:0]     cycle,
    input  logic            valid,
    input  logic            ready,
    input  logic [BITS-1:0] payload,
    input  logic            last,
    output logic            beat      // a beat is transferred at the coming edge
);
  assign beat = valid & ready;

  always @(posedge clock) begin
    if (running && watch && valid) hwgen_offer(STREAM, ready, 32'(payload), last, cycle);
    if (finish) hwgen_final(STREAM, valid, ready);
  end
endmodule
