// The narrowing shifts against a full-width shift: where no overflow is flagged the value is exact, and overflow is flagged exactly
// when the value does not fit. Full width: 50 bits in, 18 bits out, shift 0..47; both shifts are combinational here.
module shift_proof #(
  parameter int unsigned InBits = 50,
  parameter int unsigned KeepBits = 18
) (
  input logic [InBits-1:0] value_i,
  input logic [5:0]        shift_i
);
  logic [KeepBits+14:0] coarse;
  logic [KeepBits-1:0] fine;
  logic coarse_over, fine_over;
  logic signed [InBits-1:0] full;
  logic fits;

  tf2_coarse_shift #(.InBits(InBits), .OutBits(KeepBits + 15)) u_coarse (
    .value_i(value_i), .shift_i(shift_i[5:4]), .value_o(coarse), .over_o(coarse_over)
  );
  tf2_fine_shift #(.OutBits(KeepBits)) u_fine (
    .value_i(coarse), .shift_i(shift_i[3:0]), .value_o(fine), .over_o(fine_over)
  );

  always_comb begin
    full = $signed(value_i) >>> shift_i;
    fits = (&full[InBits-1:KeepBits-1]) || !(|full[InBits-1:KeepBits-1]);
    assume (shift_i <= 6'd47);
    assert ((coarse_over || fine_over) == !fits);
    assert (!fits || (fine == full[KeepBits-1:0]));
    assert (coarse[KeepBits+14] == value_i[InBits-1]);
  end
endmodule
