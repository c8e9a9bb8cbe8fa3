// A hand-written stand-in for an emitted receiver: an equaliser with one complex coefficient per frame, `received`
// (both halves of a symbol, one after the other, to 8 bits), then pixels of three values. It misbehaves in the way that
// defect.hex in the run's folder selects (0: not at all):
//   1 the equaliser does not wait for its coefficient   2 it keeps the first frame's   3 takes two coefficients and no more
//   4 I and Q change places in received                 5 a frame ends where the input's TLAST was

module equaliser #(parameter WORDS = 48) (
    input clk, input rst, input [7:0] defect,
    input [31:0] c__payload, input c__valid, output c__ready,
    input [31:0] i__payload, input i__valid, output i__ready,
    output [31:0] o__payload, output o__valid, input o__ready
);
  reg [31:0] active, next;
  reg have_active, have_next, valid;
  reg [7:0] taken;
  reg [31:0] count, result;
  wire signed [15:0] cr = active[15:0], ci = active[31:16], xr = i__payload[15:0], xi = i__payload[31:16];
  wire signed [33:0] re = cr * xr - ci * xi, im = cr * xi + ci * xr;
  wire last = count == WORDS - 1;

  assign c__ready = !have_next && !(defect == 3 && taken == 2);
  assign i__ready = (!valid || o__ready) && (have_active || defect == 1);
  assign o__payload = result;
  assign o__valid = valid;
  always @(posedge clk)
    if (rst) begin
      have_active <= 0; have_next <= 0; valid <= 0; count <= 0; taken <= 0;
    end else begin
      if (c__valid && c__ready) begin
        next <= c__payload;
        have_next <= 1;
        taken <= taken + 1;
      end
      if (have_next && !have_active) begin
        if (!(defect == 2 && taken > 1)) active <= next;
        have_active <= 1;
        have_next <= 0;
      end
      if (!valid || o__ready) valid <= 0;
      if (i__valid && i__ready) begin
        result <= {im[25:10], re[25:10]};
        valid <= 1;
        count <= last ? 0 : count + 1;
        if (last) have_active <= 0;
      end
    end
endmodule

module received (
    input clk, input rst, input [7:0] defect,
    input [31:0] i__payload, input i__valid, output i__ready,
    output [7:0] o__payload, output o__valid, input o__ready
);
  reg [31:0] word;
  reg [1:0] left;
  assign i__ready = left == 0 || left == 1 && o__ready;
  assign o__valid = left != 0;
  assign o__payload = (left == 2) ^ (defect == 4) ? word[15:8] : word[31:24];
  always @(posedge clk)
    if (rst) left <= 0;
    else begin
      if (o__valid && o__ready) left <= left - 1;
      if (i__valid && i__ready) begin
        word <= i__payload;
        left <= 2;
      end
    end
endmodule

module hwgen_rx #(parameter PIXELS = 32) (
    input aclk, input aresetn,
    input [31:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready, input s_axis_tlast,
    input [31:0] s_coef_tdata, input s_coef_tvalid, output s_coef_tready,
    output [23:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast
);
  wire rst = !aresetn;
  reg [7:0] defects [0:0];
  initial $readmemh("defect.hex", defects);
  wire [7:0] defect = defects[0];
  wire [31:0] a__payload; wire a__valid, a__ready;
  wire [7:0] b__payload; wire b__valid, b__ready;
  equaliser equaliser (.clk(aclk), .rst(rst), .defect(defect),
      .c__payload(s_coef_tdata), .c__valid(s_coef_tvalid), .c__ready(s_coef_tready),
      .i__payload(s_axis_tdata), .i__valid(s_axis_tvalid), .i__ready(s_axis_tready),
      .o__payload(a__payload), .o__valid(a__valid), .o__ready(a__ready));
  received received (.clk(aclk), .rst(rst), .defect(defect), .i__payload(a__payload), .i__valid(a__valid),
      .i__ready(a__ready), .o__payload(b__payload), .o__valid(b__valid), .o__ready(b__ready));

  reg [23:0] pixel;
  reg [1:0] filled;
  reg [31:0] count;
  reg ended;
  assign b__ready = filled != 3 || m_axis_tready;
  assign m_axis_tdata = pixel;
  assign m_axis_tvalid = filled == 3;
  assign m_axis_tlast = defect == 5 ? ended : count == PIXELS - 1;
  always @(posedge aclk)
    if (rst) begin
      filled <= 0; count <= 0; ended <= 0;
    end else begin
      if (m_axis_tvalid && m_axis_tready) begin
        filled <= 0;
        ended <= 0;
        count <= count == PIXELS - 1 ? 0 : count + 1;
      end
      if (b__valid && b__ready) begin
        pixel <= {b__payload ^ 8'h80, pixel[23:8]};
        filled <= m_axis_tvalid ? 1 : filled + 1;
      end
      if (s_axis_tvalid && s_axis_tready && s_axis_tlast) ended <= 1;
    end
endmodule
