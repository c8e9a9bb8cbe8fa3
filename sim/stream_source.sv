// Offers an input stream's beats (read from the recorder's file SOURCE) with random idle cycles.
//
// stall is the probability of an idle cycle between two beats, in 1/65536. With stall > 0 the source
// also pauses in frames 1, 4, 16, ... (0 if it is the only one), at a random beat, until nothing has
// moved anywhere for `quiet` cycles: the design runs empty and has to start again. Between the pauses
// there are enough frames to fill the design while the sink holds, however small the frames are.
// With stall = 0 a beat is offered in every cycle, from `go` on.
//
// TLAST is high on the last of every `frame_beats` beats, or where the recorder's script has it: `scripted` beats are
// then sent in all, in frames of any length. Where frames have profiles (HWGEN_PROFILE_BITS) the recorder has a number
// beside each beat.

`timescale 1ns / 1ns

import "DPI-C" function int unsigned hwgen_input(input int source, input int unsigned beat);
import "DPI-C" function bit hwgen_last(input int source, input int unsigned beat);
import "DPI-C" function byte unsigned hwgen_profile(input int unsigned beat);

module stream_source #(
    parameter int SOURCE = 0  // 0 the input, 1 the coefficients
) (
    input  logic        clock,
    input  logic        reset_n,
    input  logic [63:0] seed,
    input  logic [15:0] stall,
    input  logic [31:0] frames,
    input  logic [31:0] frame_beats,
    input  logic [31:0] scripted,  // 0: frames of frame_beats
    input  logic [31:0] quiet,
    input  logic [31:0] silent,   // cycles since a beat moved anywhere
    input  logic        go,
    input  logic        holding,  // another waits until nothing moves: do not pause now
    output logic        pausing,
`ifdef HWGEN_PROFILE_BITS
    output logic [7:0]  profile,
`endif
    output logic        valid,
    input  logic        ready,
    output logic [31:0] payload,
    output logic        last      // of a frame
);
  logic [63:0] random;
  logic [31:0] next, total, in_frame, pause_at, frame, pause_in;

  assign total = scripted != 0 ? scripted : frames * frame_beats;

  always @(posedge clock) begin
    if (!reset_n) begin
      valid <= 0;
      next <= 0;
      in_frame <= 0;
      pausing <= 0;
      pause_at <= seed[31:0] % frame_beats;
      frame <= 0;
      pause_in <= frames == 1 ? 0 : 1;
      random <= seed ^ 64'h9E3779B97F4A7C15;
    end else begin
      if (stall != 0) random <= hwgen_random::next(random);
      if (pausing) begin
        if (silent >= quiet) pausing <= 0;
      end
      if (ready || !valid) begin
        valid <= 0;
        if (go && next != total && !pausing && (stall == 0 || random[15:0] >= stall || silent > quiet)) begin
          if (stall != 0 && frame >= pause_in && in_frame >= pause_at && !holding) begin
            pausing  <= 1;
            pause_in <= pause_in == 0 ? 32'hFFFFFFFF : pause_in * 4;
          end else begin
            valid   <= 1;
            payload <= hwgen_input(SOURCE, next);
`ifdef HWGEN_PROFILE_BITS
            profile <= hwgen_profile(next);
`endif
            last    <= scripted != 0 ? hwgen_last(SOURCE, next) : in_frame == frame_beats - 1;
            next    <= next + 1;
            if (in_frame == frame_beats - 1) begin
              in_frame <= 0;
              frame <= frame + 1;
              pause_at <= random[63:32] % frame_beats;
            end else in_frame <= in_frame + 1;
          end
        end
      end
    end
  end
endmodule
