// Watches one valid/ready stream between two components of a design, and tells the recorder where a rule of streams is
// broken: once valid, a beat stays valid and unchanged until it is taken. Nothing else of the stream is recorded.
//
// Signals are sampled at the rising edge, before the design's registers change.

`timescale 1ns / 1ns

import "DPI-C" function void hwgen_broken(input int link, input bit dropped, input int unsigned cycle);

module stream_rules #(
    parameter int LINK = 0,  // index into the recorder's file of links
    parameter int BITS = 8   // payload width
) (
    input logic            clock,
    input logic            running,  // out of reset and not finished
    input logic [31:0]     cycle,
    input logic            valid,
    input logic            ready,
    input logic [BITS-1:0] payload
);
  logic waiting = 0;
  logic [BITS-1:0] offered;

  always @(posedge clock) begin
    waiting <= running && valid && !ready;
    offered <= payload;
    if (running && waiting && !(valid && payload == offered)) hwgen_broken(LINK, !valid, cycle);
  end
endmodule
