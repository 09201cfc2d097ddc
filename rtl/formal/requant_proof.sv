// One requantisation unit against the expression of docs/isa.md. run.sh replaces the pipeline's registers by wires (ff_to_wire.v).
//
// A multiplier is too much for a SAT solver at full width, so there are two proofs: OneHot = 1 leaves the accumulator wide and lets
// alpha be a power of two, which moves every bit of shifting, rounding, saturation, clamping and residual; OneHot = 0 takes any alpha
// below 2^AlphaBits and acc + beta of SumBits bits.
module requant_proof #(
  parameter bit OneHot = 1,
  parameter bit HasResidual = 0,
  parameter int unsigned AccBits = 24,
  parameter int unsigned AlphaBits = 15,
  parameter int unsigned SumBits = 24
) (
  input logic               clk_i,
  input logic [AccBits-1:0] acc_i,
  input logic [AccBits-1:0] beta_i,
  input logic [14:0]        alpha_i,
  input logic [5:0]         s_i,
  input logic [5:0]         t_i,
  input logic [7:0]         res_i,
  input logic               relu_i,
  input logic               wide_i,
  input logic               high_i
);
  logic [7:0] dut;
  tf2_requant #(.AccBits(AccBits), .HasResidual(HasResidual), .HasWide(1)) u_dut (
    .clk_i(clk_i), .acc_i(acc_i), .beta_i(beta_i), .alpha_i(alpha_i), .s_i(s_i), .t_i(t_i), .res_i(res_i),
    .relu_i(relu_i), .wide_i(wide_i), .high_i(high_i), .byte_o(dut)
  );

  // The expression, in 50 bits: |x alpha + (res << t) + 2^(s-1)| < 2^49.
  logic signed [AccBits-1:0] x;
  logic signed [49:0] z, low, high, u;
  logic [7:0] want;
  always_comb begin
    x = acc_i + beta_i;
    z = 50'sd0;
    if (OneHot) begin
      for (int i = 0; i < 15; i++) if (alpha_i[i]) z = 50'(x) <<< i;
    end else begin
      z = 50'(x) * $signed({35'd0, alpha_i});
    end
    if (HasResidual) z = z + (50'($signed(res_i)) <<< t_i);
    z = (z + (50'sd1 <<< (s_i - 6'd1))) >>> s_i;
    low = wide_i ? -50'sd32768 : -50'sd128;
    high = wide_i ? 50'sd32767 : 50'sd127;
    u = z < low ? low : z > high ? high : z;
    if (relu_i && (u < 0)) u = 50'sd0;
    want = high_i ? u[15:8] : u[7:0];
  end

  always_comb begin
    assume ((s_i >= 6'd1) && (s_i <= 6'd47) && (t_i <= 6'd40));
    assume ((alpha_i >> AlphaBits) == 0);
    assume ((&x[AccBits-1:SumBits-1]) || !(|x[AccBits-1:SumBits-1]));
    if (OneHot) assume ((alpha_i & (alpha_i - 15'd1)) == 15'd0);
    assert (dut == want);
  end
endmodule
