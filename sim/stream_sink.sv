// Takes the output's beats with random stalls, short bursts and holds.
//
// stall is the probability that ready is low in a cycle, in 1/65536. With stall > 0 one beat in 64
// starts a burst of 1..256 cycles without ready, and once per frame, at a random beat of its first
// half, the sink holds off until nothing has moved anywhere for `quiet` cycles: longer than all the
// buffering of the design, whatever that is, so that back-pressure reaches the input.
// With stall = 0 ready is always high.

`timescale 1ns / 1ns

module stream_sink (
    input  logic        clock,
    input  logic        reset_n,
    input  logic [63:0] seed,
    input  logic [15:0] stall,
    input  logic [31:0] frame_beats,
    input  logic [31:0] quiet,
    input  logic [31:0] silent,   // cycles since a beat moved anywhere
    input  logic        pausing,  // the source pauses until the design is empty: do not hold now
    output logic        holding,
    output logic [31:0] beats,    // accepted so far
    input  logic        valid,
    output logic        ready
);
  logic [63:0] random;
  logic [31:0] in_frame, hold_at;
  logic [ 7:0] burst;

  always @(posedge clock) begin
    if (!reset_n) begin
      ready <= 0;
      beats <= 0;
      in_frame <= 0;
      holding <= 0;
      burst <= 0;
      hold_at <= seed[63:32] % (frame_beats / 2 + 1);
      random <= seed ^ 64'hD1B54A32D192ED03;
    end else begin
      if (valid && ready) begin
        beats <= beats + 1;
        if (in_frame == frame_beats - 1) begin
          in_frame <= 0;
          hold_at  <= random[63:32] % (frame_beats / 2 + 1);
        end else in_frame <= in_frame + 1;
      end
      if (stall == 0) ready <= 1;
      else begin
        random <= hwgen_random::next(random);
        ready  <= random[15:0] >= stall || silent > quiet;  // a hang shall not be the sink's
        if (holding) begin
          ready <= 0;
          if (silent >= quiet) holding <= 0;
        end else if (burst != 0) begin
          ready <= 0;
          burst <= burst - 1;
        end else if (valid && in_frame >= hold_at && !pausing) begin
          ready   <= 0;
          holding <= 1;
          hold_at <= 32'hFFFFFFFF;
        end else if (valid && ready && random[21:16] == 0) begin
          burst <= random[29:22];
        end
      end
    end
  end
endmodule
