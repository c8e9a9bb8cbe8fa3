`timescale 1ns/1ps
module tb;
  parameter NIN=256, NOUT=32, CUT=100, IW=24, OW=32;
  reg clk=0, rstn=0; always #5 clk=~clk;
  reg [IW-1:0] in[0:NIN-1]; reg [OW-1:0] out[0:NOUT-1];
  reg [IW-1:0] d=0; reg v=0; wire r; wire [OW-1:0] q; wire qv, ql; reg qr=0;
  hwgen_tx #(.USE_TLAST(0)) dut(.aclk(clk),.aresetn(rstn),.s_axis_tdata(d),.s_axis_tvalid(v),.s_axis_tready(r),.m_axis_tdata(q),.m_axis_tvalid(qv),.m_axis_tready(qr),.m_axis_tlast(ql));
  integer i=0,o=0,bad=0,phase=0,cut=0,seed=7,t=0,unst=0,xs=0,fr=0; reg lastv=0; reg [OW:0] lastq;
  always @(posedge clk) begin
    t<=t+1; 
    if (rstn) begin
      if (v&&r) begin i=i+1; end
      if (^{qv}===1'bx || r===1'bx) xs=xs+1;
      if (lastv && (qv!==1 || {ql,q}!==lastq)) unst=unst+1;
      lastv = qv && !qr; lastq={ql,q};
      if (qv&&qr) begin
        if (phase>=1) begin
          if (q!==out[o] || ql!==(o==NOUT-1)) begin bad=bad+1; if (bad<4) $display("bad %0d got %h want %h last %b",o,q,out[o],ql); end
          o=o+1; if (o==NOUT) begin o=0; fr=fr+1; end
        end
      end
    end else lastv=0;
  end
  always @(negedge clk) begin
    qr <= ($random(seed)&3)!=0;
    if (!v || r) begin v <= ($random(seed)&3)!=0; end
  end
  always @* d = in[i%NIN];
  initial begin
    $readmemh(`IN,in); $readmemh(`OUTF,out);
    repeat(5) @(negedge clk); rstn=1;
    while (i<CUT) @(negedge clk);
    // reset in the middle of a frame
    rstn=0; @(negedge clk); 
    repeat(`RC) @(negedge clk); i=0; o=0; phase=1; rstn=1;
    while (fr<3 && t<200000) @(negedge clk);
    $display("frames %0d bad %0d unstable %0d x %0d cycles %0d", fr,bad,unst,xs,t); $finish;
  end
endmodule
