// Both bodies of the lane array give the same accumulators from the same inputs, once a window has begun.
// Small: N = C = 2, AccBits = 16.
module pe_array_proof (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        step_i,
  input logic        first_i,
  input logic [15:0] features_i,
  input logic [15:0] weights_i
);
  logic [31:0] acc_lanes, acc_fast;

  tf2_pe_array #(.N(2), .C(2), .AccBits(16)) u_lanes (
    .clk_i(clk_i), .rst_ni(rst_ni), .step_i(step_i), .first_i(first_i),
    .features_i(features_i), .weights_i(weights_i), .acc_o(acc_lanes)
  );
  tf2_pe_array_fast #(.N(2), .C(2), .AccBits(16)) u_fast (
    .clk_i(clk_i), .rst_ni(rst_ni), .step_i(step_i), .first_i(first_i),
    .features_i(features_i), .weights_i(weights_i), .acc_o(acc_fast)
  );

  // begun_q[2]: a first step has passed all stages.
  logic [2:0] begun_q = 3'b000;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begun_q <= 3'b000;
    else begun_q <= {begun_q[1:0] | {begun_q[2], 1'b0}, begun_q[0] | (step_i & first_i)};
  end

  always_comb begin
    if (begun_q[2]) assert (acc_lanes == acc_fast);
  end
endmodule
