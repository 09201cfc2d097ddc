// The array of shift-accumulate lanes as rolled loops: the body for simulation.
//
// Same ports, function and latency as tf2_pe_array, which is the body for synthesis; rtl/formal proves both equal.
// Reset: as there. Limits: as there.
module tf2_pe_array_fast #(
  parameter int unsigned N = 8,
  parameter int unsigned C = 8,
  parameter int unsigned AccBits = 24
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 step_i,     // the words are a step
  input  logic                 first_i,    // the first of its window
  input  logic [8*C-1:0]       features_i, // feature word
  input  logic [4*N*C-1:0]     weights_i,  // weight word
  output logic [N*AccBits-1:0] acc_o       // accumulators
);
  logic step1_q, step2_q, first1_q, first2_q;
  int sum_a [N];
  int sum_b [N];
  int acc_q [N];
  int total, value;
  logic [3:0] weight;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      step1_q <= 1'b0;
      step2_q <= 1'b0;
    end else begin
      step1_q <= step_i;
      step2_q <= step1_q;
    end
    first1_q <= first_i;
    first2_q <= first1_q;
  end

  // Blocking assignments keep the loops' temporaries; acc_q and the sums are read nowhere else in the same cycle.
  /* verilator lint_off BLKSEQ */
  always_ff @(posedge clk_i) begin
    for (int o = 0; o < N; o++) begin
      if (step2_q) acc_q[o] = (first2_q ? 0 : acc_q[o]) + sum_b[o];
      sum_b[o] = sum_a[o];
    end
    if (step_i) begin
      for (int o = 0; o < N; o++) begin
        total = 0;
        for (int i = 0; i < C; i++) begin
          weight = weights_i[4*(o*C+i)+:4];
          value = $signed({{24{features_i[8*i+7]}}, features_i[8*i+:8]});
          total = total + ((weight[2:0] == 3'd7 ? 32'd0 : value << weight[2:0]) ^ {32{weight[3]}});
        end
        sum_a[o] = total;
      end
    end
  end
  /* verilator lint_on BLKSEQ */

  always_comb begin
    for (int o = 0; o < N; o++) acc_o[o*AccBits+:AccBits] = acc_q[o][AccBits-1:0];
  end
endmodule
