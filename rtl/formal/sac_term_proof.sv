// The SAC term against its definition, over all features and weights but the reserved nibble.
module sac_term_proof (
  input logic [7:0] v_i,
  input logic [3:0] weight_i
);
  logic [13:0] term;
  logic signed [13:0] product;

  tf2_sac_term u_dut (
    .v_i(v_i),
    .weight_i(weight_i),
    .term_o(term)
  );

  always_comb begin
    product = 14'($signed(v_i)) <<< weight_i[2:0];
    if (weight_i[2:0] == 3'd7) product = 14'd0;
    else if (weight_i[3]) product = -product - 14'sd1;
    assume (weight_i != 4'hf);
    assert ($signed(term) == product);
  end
endmodule
