// One lane's product: a feature shifted by a 4-bit power-of-two weight, negated in one's complement.
//
// Function: nibble {sign, k}: term = k == 7 ? 0 : (v << k) ^ {sign, sign, ...}. A negative weight so contributes -(v << k) - 1;
//   the missing one is part of the channel's beta. 0xF does not occur (it would give the one's complement of 0).
// Latency: combinational, 35 LUT4. Shifts are applied in the order 1, 2, 4; the zero gate goes with the first, the sign with the last.
// Limits: k is 0..6.
module tf2_sac_term (
  input  logic [7:0]  v_i,      // feature, two's complement
  input  logic [3:0]  weight_i, // weight, {sign, k}
  output logic [13:0] term_o    // product, two's complement, one less if the weight is negative
);
  logic non_zero;
  logic [8:0] by1;
  logic [10:0] by2;
  logic [13:0] by4;

  assign non_zero = weight_i[2:0] != 3'd7;
  assign by1 = {9{non_zero}} & (weight_i[0] ? {v_i, 1'b0} : {v_i[7], v_i});
  assign by2 = weight_i[1] ? {by1, 2'b00} : {{2{by1[8]}}, by1};
  assign by4 = weight_i[2] ? {by2[9:0], 4'b0000} : {{3{by2[10]}}, by2};
  assign term_o = by4 ^ {14{weight_i[3]}};
endmodule
