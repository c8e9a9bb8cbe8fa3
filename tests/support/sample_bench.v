// Sends the sample frame through a design `FRAMES times and compares every word that comes out.
// Macros: TOP, RESET (clock edges in reset), BITS_IN, BITS_OUT, BEATS_IN, BEATS_OUT, FRAMES, LIMIT (cycles), and where the design has them LAST_IN (an
// input TLAST), COEFFICIENTS (beats a frame). Frame 0 runs at full speed, the others with pauses on both sides.
// Clocked logic alone drives the design, so that no order of events within an edge matters.
`timescale 1ns/1ps
module sample_bench;
  reg aclk = 0, aresetn = `RESET == 0;
  always #5 aclk = ~aclk;

  reg [`BITS_IN-1:0] in_words [0:`BEATS_IN-1];
  reg [`BITS_OUT-1:0] out_words [0:`BEATS_OUT-1];
  integer sent = 0, taken = 0, cycles = 0, wrong = 0, first = -1, before = -1, interval = -1;
  reg pause = 0, hold = 0;
  reg [31:0] dice = 32'h2545f491;

  wire s_ready, m_valid, m_last;
  wire [`BITS_OUT-1:0] m_data;
  wire s_valid = sent < `FRAMES * `BEATS_IN && !pause;
  wire m_ready = !hold;
  wire [`BITS_IN-1:0] s_data = in_words[sent % `BEATS_IN];
`ifdef COEFFICIENTS
  reg [31:0] coefficients [0:`COEFFICIENTS-1];
  integer loaded = 0;
  wire c_ready;
  wire c_valid = loaded < `FRAMES * `COEFFICIENTS;
  initial $readmemh("sample_coefficients.hex", coefficients);
  always @(posedge aclk) if (aresetn && c_valid && c_ready) loaded <= loaded + 1;
`endif

  `TOP dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_data), .s_axis_tvalid(s_valid), .s_axis_tready(s_ready),
`ifdef LAST_IN
    .s_axis_tlast(sent % `BEATS_IN == `BEATS_IN - 1),
`endif
`ifdef COEFFICIENTS
    .s_coef_tdata(coefficients[loaded % `COEFFICIENTS]), .s_coef_tvalid(c_valid), .s_coef_tready(c_ready),
`endif
    .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tlast(m_last));

  initial begin
    $readmemh("sample_input.hex", in_words);
    $readmemh("sample_output.hex", out_words);
  end

  always @(posedge aclk) begin
    cycles <= cycles + 1;
    dice <= {dice[30:0], dice[31] ^ dice[21] ^ dice[1] ^ dice[0]};
    if (cycles + 1 == `RESET) aresetn <= 1;
    pause <= sent >= `BEATS_IN && dice[3:0] == 0 && !(s_valid && !s_ready);
    hold <= taken >= `BEATS_OUT && dice[5:4] == 0;
    if (aresetn && s_valid && s_ready) begin
      if (first < 0) first <= cycles;
      sent <= sent + 1;
    end
    if (aresetn && m_valid !== 0 && m_ready) begin
      if (m_valid !== 1 || m_data !== out_words[taken % `BEATS_OUT] ||
          m_last !== (taken % `BEATS_OUT == `BEATS_OUT - 1)) begin
        if (wrong == 0) $display("word %0d: wanted %h, got %h (valid %b, last %b)",
                                 taken, out_words[taken % `BEATS_OUT], m_data, m_valid, m_last);
        wrong <= wrong + 1;
      end
      if (taken == `BEATS_OUT - 1) $display("latency %0d", cycles - first);
      taken <= taken + 1;
    end
    if (taken == `FRAMES * `BEATS_OUT) begin
      $display("%0d words, %0d wrong", taken, wrong);
      $finish;
    end
    if (cycles == `LIMIT) begin
      $display("hang: %0d words after %0d cycles, %0d wrong, %0d sent", taken, cycles, wrong, sent);
      $finish;
    end
  end
endmodule
