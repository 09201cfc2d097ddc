// The sum of Count signed numbers, as a balanced tree of adders.
//
// Latency: combinational, log2(Count) adders deep.
// Limits: Count is a power of two, at least 2; the sum is exact in Bits + log2(Count) bits.
module tf2_adder_tree #(
  parameter int unsigned Count = 8,
  parameter int unsigned Bits = 14,
  parameter int unsigned SumBits = Bits + $clog2(Count)
) (
  input  logic [Count*Bits-1:0] terms_i, // numbers, two's complement
  output logic [SumBits-1:0]    sum_o    // their sum, two's complement
);
  localparam int unsigned Half = Count / 2;

  logic signed [Bits:0] pairs [Half];
  logic [Half*(Bits+1)-1:0] flat;

  for (genvar i = 0; i < Half; i++) begin : gen_pair
    assign pairs[i] = $signed(terms_i[2*i*Bits+:Bits]) + $signed(terms_i[(2*i+1)*Bits+:Bits]);
    assign flat[i*(Bits+1)+:Bits+1] = pairs[i];
  end

  if (Half == 1) begin : gen_leaf
    assign sum_o = flat;
  end else begin : gen_rest
    tf2_adder_tree #(
      .Count(Half),
      .Bits(Bits + 1)
    ) u_rest (
      .terms_i(flat),
      .sum_o(sum_o)
    );
  end
endmodule
