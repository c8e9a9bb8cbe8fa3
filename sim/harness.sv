// The bench around an emitted design: clock, reset, source, sink, probes, watchdog.
//
// Everything that happens in every cycle is here and in the recorder, compiled; the cocotb bench
// (bench.py) writes the settings below, raises `start` and waits for `done`.
//
// Defined by the runner: HWGEN_TOP (the design's module), HWGEN_STREAMS (probed streams, the input
// the output and the coefficients counted), the widths HWGEN_INPUT_BITS and HWGEN_OUTPUT_BITS;
// HWGEN_INPUT_LAST where the design has an input TLAST, HWGEN_COEFFICIENTS where it has a second
// input stream, HWGEN_COEFFICIENTS_LAST where that has a TLAST, HWGEN_FRAME_ERRORS where faults of the inputs' frames
// are counted, HWGEN_PROFILE_BITS, a width, where frames have profiles. probes.svh holds one stream_probe per stream, made from manifest.json.
//
// With `interrupt`, the source's frames are first sent for so many cycles, cut off by a reset, and nothing of that is
// recorded: what follows must be as if it had not been.
//
// Coefficients are offered frame after frame, as fast as they are taken. Without stalls the first
// pixel or symbol waits until those of its frame are in the design, so that latency does not count
// their loading.

`timescale 1ns / 1ns

import "DPI-C" function void hwgen_open(input int streams, input bit coefficients);
import "DPI-C" function void hwgen_close();

module hwgen_harness;
  // Settings, written by the bench before start.
  logic [63:0] seed = 1;
  logic [15:0] stall = 0;            // probability of an idle or stalled cycle, in 1/65536
  logic [31:0] frames = 1;
  logic [31:0] input_beats = 1;      // per frame
  logic [31:0] output_beats = 1;     // per frame
  logic [31:0] coefficient_beats = 0;  // per frame
  logic [31:0] scripted = 0;         // input beats in all, TLAST by the recorder's script; 0: frames of input_beats
  logic [31:0] scripted_coefficients = 0;
  logic watch = 1;                   // the layers' streams are recorded, too
  logic [31:0] quiet = 1000;         // nothing moves for so long: the design is full, or empty
  logic [31:0] patience = 100000;    // nothing moves for so long: it hangs
  logic [31:0] interrupt = 0;        // cycles of traffic cut off by a reset before what is recorded; 0: none
  logic [31:0] tail = 1000;          // cycles watched for surplus beats after the last frame
  logic [31:0] limit = 32'h7FFFFFFF; // cycles; the recorder's format ends here
  logic [31:0] trace_from = 0;       // waveform window (HWGEN_TRACE builds only)
  logic [31:0] trace_to = 0;
  logic start = 0;

  // Results, read by the bench.
  logic done = 0;
  logic [2:0] status = 0;            // 0 complete, 1 hang, 2 cycle limit, 3 end of the window
  logic [31:0] cycle = 0;            // since reset was released for what is recorded
  logic [31:0] frame_errors = 0;     // as the design counts them
  logic [31:0] error_cycles = 0;     // with frame_error

  // An even number of time units, so that both edges fall on whole ones.
  logic clock = 0;
  initial forever #1 clock = ~clock;

  logic reset_n = 0, finish = 0, closing = 0, running;
  logic interrupted = 0;
  logic [3:0] reset_count = 0;
  logic [31:0] silent = 0, after = 0, warmed = 0;

  assign running = reset_n && (interrupted || interrupt == 0) && !finish && !closing && !done;

  logic s_valid, s_ready, s_last, m_valid, m_ready, m_last;
  logic [31:0] s_payload, m_payload;
`ifdef HWGEN_PROFILE_BITS
  logic [7:0] s_profile;
`endif
  logic pausing, holding, starving, loaded;
  logic [31:0] beats;
  logic [`HWGEN_STREAMS-1:0] beat;
  logic error;
  logic [31:0] errors;

  stream_source source (
      .clock, .reset_n, .seed, .stall, .frames, .frame_beats(input_beats), .scripted, .quiet, .silent,
      .go(loaded), .holding(holding || starving), .pausing,
`ifdef HWGEN_PROFILE_BITS
      .profile(s_profile),
`endif
      .valid(s_valid), .ready(s_ready), .payload(s_payload), .last(s_last)
  );

  stream_sink sink (
      .clock, .reset_n, .seed, .stall, .frame_beats(output_beats), .quiet, .silent,
      .pausing(pausing || starving), .holding, .beats, .valid(m_valid), .ready(m_ready)
  );

`ifdef HWGEN_COEFFICIENTS
  logic c_valid, c_ready, c_last;
  logic [31:0] c_payload, c_taken;
  logic [3:0] settled;

  stream_source #(.SOURCE(1)) coefficients (
      .clock, .reset_n, .seed(seed ^ 64'hA0761D6478BD642F), .stall, .frames,
      .frame_beats(coefficient_beats), .scripted(scripted_coefficients), .quiet, .silent, .go(1'b1),
      .holding(holding || pausing), .pausing(starving), .valid(c_valid), .ready(c_ready), .payload(c_payload), .last(c_last)
  );

  assign loaded = &settled || stall != 0;
  always @(posedge clock)
    if (!reset_n) begin
      c_taken <= 0;
      settled <= 0;
    end else begin
      if (c_valid && c_ready) c_taken <= c_taken + 1;
      if (c_taken >= coefficient_beats && !(&settled)) settled <= settled + 1;
    end
`else
  assign starving = 0;
  assign loaded = 1;
`endif

  `HWGEN_TOP dut (
      .aclk(clock), .aresetn(reset_n),
      .s_axis_tdata(s_payload[`HWGEN_INPUT_BITS-1:0]), .s_axis_tvalid(s_valid),
      .s_axis_tready(s_ready),
`ifdef HWGEN_INPUT_LAST
      .s_axis_tlast(s_last),
`endif
`ifdef HWGEN_COEFFICIENTS
      .s_coef_tdata(c_payload), .s_coef_tvalid(c_valid), .s_coef_tready(c_ready),
`endif
`ifdef HWGEN_COEFFICIENTS_LAST
      .s_coef_tlast(c_last),
`endif
`ifdef HWGEN_PROFILE_BITS
      .profile(s_profile[`HWGEN_PROFILE_BITS-1:0]),
`endif
`ifdef HWGEN_FRAME_ERRORS
      .frame_error(error), .frame_errors(errors),
`endif
      .m_axis_tdata(m_payload[`HWGEN_OUTPUT_BITS-1:0]), .m_axis_tvalid(m_valid),
      .m_axis_tready(m_ready), .m_axis_tlast(m_last)
  );

`ifndef HWGEN_FRAME_ERRORS
  assign error = 0;
  assign errors = 0;
`endif

`include "probes.svh"

`ifdef HWGEN_COEFFICIENTS
  initial hwgen_open(`HWGEN_STREAMS, 1);
`else
  initial hwgen_open(`HWGEN_STREAMS, 0);
`endif

  always @(posedge clock) begin
    if (start && !reset_n) begin
      reset_count <= reset_count + 1;
      if (reset_count == 15) reset_n <= 1;
    end
    // Frames are cut off anywhere, by a reset of one cycle; source and sink begin again behind it.
    if (reset_n && !interrupted && interrupt != 0) begin
      warmed <= warmed + 1;
      silent <= |beat ? 0 : silent + 1;
      if (warmed == interrupt) begin
        silent <= 0;
        interrupted <= 1;
        reset_n <= 0;
        reset_count <= 15;
      end
    end
    if (running) begin
      cycle  <= cycle + 1;
      silent <= |beat ? 0 : silent + 1;
      frame_errors <= errors;
      if (error) error_cycles <= error_cycles + 1;
      if (beats >= frames * output_beats) after <= after + 1;
      if (after >= tail) finish_with(0);
      else if (silent >= patience && after == 0) finish_with(1);
      else if (cycle >= limit) finish_with(2);
`ifdef HWGEN_TRACE
      if (cycle == trace_from) begin
        $dumpfile("window.vcd");
        $dumpvars;
      end
      if (cycle == trace_to) finish_with(3);
`endif
    end
    // The probes report their last state in the cycle of finish: close the files one later.
    if (finish) begin
      finish  <= 0;
      closing <= 1;
    end
    if (closing) begin
      closing <= 0;
      hwgen_close();
      done <= 1;
    end
  end

  task automatic finish_with(input logic [2:0] code);
    finish <= 1;
    status <= code;
  endtask
endmodule
