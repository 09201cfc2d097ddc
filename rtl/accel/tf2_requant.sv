// One requantisation unit: an accumulator becomes 8 or 16 bits.
//
// Function: u = sat(((acc + beta) * alpha + (res << t) + 2^(s-1)) >> s), saturated to 8 bits, 16 if wide, then max(u, 0) with relu;
//   one byte of it leaves, the low or the high one.
// Latency: acc, beta, alpha, s, t enter in stage 0, res in stage 1; the byte leaves (combinationally) in stage 4.
// Throughput: one channel a cycle.
// Reset: none.
// Limits: acc + beta fits AccBits; s is 1..47, t 0..40. The rounding shift is done as (((z >> (s-1)) + 1) >> 1), where the first
//   shift keeps KeepBits bits and a flag that says that the value did not fit them.
module tf2_requant #(
  parameter int unsigned AccBits = 24,
  parameter bit HasResidual = 1,
  parameter bit HasWide = 1
) (
  input  logic               clk_i,
  input  logic [AccBits-1:0] acc_i,   // stage 0: accumulator
  input  logic [AccBits-1:0] beta_i,  // stage 0: bias
  input  logic [14:0]        alpha_i, // stage 0: factor
  input  logic [5:0]         s_i,     // stage 0: right shift
  input  logic [5:0]         t_i,     // stage 0: left shift of the residual
  input  logic [7:0]         res_i,   // stage 1: residual, zero without one
  input  logic               relu_i,  // of the layer: clamp at zero
  input  logic               wide_i,  // of the layer: 16 bits
  input  logic               high_i,  // stage 4: the high byte
  output logic [7:0]         byte_o   // stage 4: byte
);
  // |(acc + beta) alpha| < 2^(AccBits - 1 + 15); |res << t| <= 2^47, one bit more for their sum.
  localparam int unsigned ProdBits = AccBits + 15;
  localparam int unsigned TotalBits = HasResidual ? (ProdBits > 48 ? ProdBits : 48) + 1 : ProdBits;
  localparam int unsigned ShiftBits = TotalBits + 1;        // total, shifted left by one
  localparam int unsigned KeepBits = HasWide ? 18 : 10;     // 2 bits more than the result: rounding, and one to see overflow
  localparam int unsigned CoarseBits = KeepBits + 15;       // what the fine shift needs

  // Stage 0: bias. Stage 1: product. Stage 2: residual.
  logic [AccBits-1:0] x_q;
  logic [14:0] alpha_q;
  logic [5:0] s1_q, s2_q;
  logic [3:0] s3_q;
  logic signed [ProdBits-1:0] prod_q;
  logic signed [TotalBits-1:0] total;

  always_ff @(posedge clk_i) begin
    x_q <= acc_i + beta_i;
    alpha_q <= alpha_i;
    s1_q <= s_i;
    s2_q <= s1_q;
    s3_q <= s2_q[3:0];
    prod_q <= ProdBits'($signed(x_q)) * ProdBits'($signed({1'b0, alpha_q}));
  end

  if (HasResidual) begin : gen_res
    logic [5:0] t_q;
    logic signed [47:0] res_q;
    always_ff @(posedge clk_i) begin
      t_q <= t_i;
      res_q <= 48'($signed(res_i)) << t_q;
    end
    assign total = TotalBits'(prod_q) + TotalBits'(res_q);
  end else begin : gen_no_res
    assign total = prod_q;
    logic unused;
    assign unused = ^{t_i, res_i};
  end

  // Stage 2: shift by multiples of 16. Stage 3: by the rest.
  logic [CoarseBits-1:0] coarse, coarse_q;
  logic coarse_over, coarse_over_q;
  logic [KeepBits-1:0] fine, fine_q;
  logic fine_over, over_q, sign_q;

  tf2_coarse_shift #(
    .InBits(ShiftBits),
    .OutBits(CoarseBits)
  ) u_coarse (
    .value_i({total, 1'b0}),
    .shift_i(s2_q[5:4]),
    .value_o(coarse),
    .over_o(coarse_over)
  );

  tf2_fine_shift #(
    .OutBits(KeepBits)
  ) u_fine (
    .value_i(coarse_q),
    .shift_i(s3_q),
    .value_o(fine),
    .over_o(fine_over)
  );

  always_ff @(posedge clk_i) begin
    coarse_q <= coarse;
    coarse_over_q <= coarse_over;
    fine_q <= fine;
    over_q <= coarse_over_q || fine_over;
    sign_q <= coarse_q[CoarseBits-1];
  end

  // Stage 4: round, saturate, clamp. The result (fine + 1) >> 1 fits 8 bits when fine is -256..254; -257 gives -128 either way.
  logic sign, fits8, fits, zero;

  assign sign = sign_q;
  assign fits8 = ((&fine_q[KeepBits-1:8]) || !(|fine_q[KeepBits-1:8])) && !(!fine_q[8] && (&fine_q[7:0]));
  assign zero = relu_i && sign;

  if (HasWide) begin : gen_wide
    logic fits16;
    logic [15:0] rounded, extreme, clipped;
    assign fits16 = (fine_q[17] == fine_q[16]) && !(!fine_q[16] && (&fine_q[15:0]));
    assign fits = !over_q && (wide_i ? fits16 : fits8);
    assign rounded = fine_q[16:1] + 16'(fine_q[0]);
    assign extreme = wide_i ? {sign, {15{!sign}}} : {{9{sign}}, {7{!sign}}};
    assign clipped = fits ? rounded : extreme;
    assign byte_o = zero ? 8'd0 : high_i ? clipped[15:8] : clipped[7:0];
  end else begin : gen_narrow
    logic [7:0] rounded;
    assign rounded = fine_q[8:1] + 8'(fine_q[0]);
    assign fits = !over_q && fits8;
    assign byte_o = zero ? 8'd0 : fits ? rounded : {sign, {7{!sign}}};
    logic unused;
    assign unused = ^{wide_i, high_i};
  end
endmodule
