// A hand-written stand-in for an emitted transmitter: two layers, conv0 (1x1, 3 -> 3) and gain, then the
// symbols. It misbehaves in the way that defect.hex in the run's folder selects (0: not at all), so that one
// build serves every test that wants the bench to find and name a defect:
//   1 one weight bit of conv0   2 wrong factor in gain   3 rounds half up     4 TLAST missing in frame 1
//   5 surplus TLAST             6 TLAST one early         7 a surplus beat     8 a beat of conv0 lost
//   9 stops taking input       10 payload changes while stalled              11 valid falls while stalled
//   12 conv0 goes on after a reset with the channel it was at

module conv0 (
    input clk, input rst, input [7:0] defect,
    input [23:0] i__payload, input i__valid, output i__ready,
    output [7:0] o__payload, output o__valid, input o__ready
);
  reg [7:0] weights [0:8];
  initial begin
    weights[0] = 8'd64; weights[1] = -8'd32; weights[2] = 8'd9;
    weights[3] = -8'd77; weights[4] = 8'd50; weights[5] = 8'd31;
    weights[6] = 8'd100; weights[7] = 8'd27; weights[8] = -8'd90;
  end
  reg [23:0] pixel;
  reg full;
  reg [1:0] channel = 0;
  reg signed [7:0] value;
  reg valid;
  reg [9:0] taken;

  wire advance = !valid || o__ready;
  wire signed [8:0] r = {1'b0, pixel[7:0]}, g = {1'b0, pixel[15:8]}, b = {1'b0, pixel[23:16]};
  wire signed [31:0] sum = r * $signed(weights[channel * 3]) + g * $signed(weights[channel * 3 + 1] ^ (defect == 1 && channel == 1))
                           + b * $signed(weights[channel * 3 + 2]);
  // sum / 128, rounded half to even
  wire signed [31:0] floor = sum >>> 7;
  wire half_up = defect == 3;
  wire signed [31:0] rounded = floor + (sum[6] & ((|sum[5:0]) | floor[0] | half_up));
  wire signed [7:0] saturated = rounded > 127 ? 8'sd127 : rounded < -128 ? -8'sd128 : rounded[7:0];

  assign i__ready = (!full || (advance && channel == 2)) && !(defect == 9 && taken == 50);
  assign o__valid = valid;
  assign o__payload = value;
  always @(posedge clk)
    if (rst) begin
      full <= 0; valid <= 0; taken <= 0;
      if (defect != 12) channel <= 0;
    end else begin
      if (advance) begin
        valid <= full && !(defect == 8 && taken == 40 && channel == 1);
        value <= saturated;
        if (full) channel <= channel == 2 ? 0 : channel + 1;
        if (full && channel == 2) full <= 0;
      end
      if (i__valid && i__ready) begin
        pixel <= i__payload;
        full <= 1;
        taken <= taken + 1;
      end
    end
endmodule

module gain (
    input clk, input rst, input [7:0] defect,
    input [7:0] i__payload, input i__valid, output i__ready,
    output [15:0] o__payload, output o__valid, input o__ready
);
  reg signed [15:0] value;
  reg valid;
  assign i__ready = !valid || o__ready;
  assign o__valid = valid;
  assign o__payload = value;
  always @(posedge clk)
    if (rst) valid <= 0;
    else if (i__ready) begin
      valid <= i__valid;
      value <= $signed(i__payload) * (defect == 2 ? 16'sd44 : 16'sd45);
    end
endmodule

module hwgen_tx #(parameter SYMBOLS = 48) (
    input aclk, input aresetn,
    input [23:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready,
    output [31:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast
);
  wire rst = !aresetn;
  reg [7:0] defects [0:0];
  initial $readmemh("defect.hex", defects);
  wire [7:0] defect = defects[0];
  wire [7:0] a__payload; wire a__valid, a__ready;
  wire [15:0] b__payload; wire b__valid, b__ready;
  conv0 conv0 (.clk(aclk), .rst(rst), .defect(defect), .i__payload(s_axis_tdata), .i__valid(s_axis_tvalid),
      .i__ready(s_axis_tready), .o__payload(a__payload), .o__valid(a__valid), .o__ready(a__ready));
  gain gain (.clk(aclk), .rst(rst), .defect(defect), .i__payload(a__payload), .i__valid(a__valid), .i__ready(a__ready),
      .o__payload(b__payload), .o__valid(b__valid), .o__ready(b__ready));

  reg half, valid, flicker;
  reg [15:0] held;
  reg [31:0] data;
  reg [31:0] count, frame, idle;
  assign b__ready = !half || !valid || m_axis_tready;
  assign m_axis_tdata = data ^ (defect == 10 && flicker);
  assign m_axis_tvalid = valid && !(defect == 11 && flicker);
  wire tlast = defect == 5 && frame == 1 && count == 7 || (defect == 6 ? count == SYMBOLS - 2 : count == SYMBOLS - 1);
  assign m_axis_tlast = valid && tlast && !(defect == 4 && frame == 1);
  always @(posedge aclk)
    if (rst) begin
      half <= 0; valid <= 0; count <= 0; frame <= 0; idle <= 0; flicker <= 0;
    end else begin
      flicker <= m_axis_tvalid && !m_axis_tready && frame == 1;
      idle <= b__valid ? 0 : idle + 1;
      if (m_axis_tvalid && m_axis_tready) begin
        valid <= 0;
        count <= count == SYMBOLS - 1 ? 0 : count + 1;
        if (count == SYMBOLS - 1) frame <= frame + 1;
      end
      if (b__valid && b__ready) begin
        half <= !half;
        if (half) begin
          data <= {b__payload, held};
          valid <= 1;
        end else held <= b__payload;
      end
      if (defect == 7 && frame == 3 && idle == 100) valid <= 1;
    end
endmodule
