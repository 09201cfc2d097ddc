// The array of N x C shift-accumulate lanes with its adder trees and N accumulators: the body for synthesis.
//
// Function: per step acc[o] = first ? sum : acc[o] + sum, sum = terms of output lane o over its C input lanes (tf2_sac_term).
// Latency: a step's words at the inputs change the accumulators three cycles later: terms, sums, accumulators.
// Throughput: one step a cycle. Cycles without a step hold the accumulators.
// Reset: none; the first step of a window replaces the accumulators.
// Limits: the accumulator wraps at AccBits. It needs 14 + log2(C) bits for one step, that is 7 bits of shifted feature magnitude
//   more than the feature's 8, and log2 of the steps of the longest window more; the compiler proves the actual bound.
//   tf2_pe_array_fast is the body for simulation; rtl/formal proves both equal.
module tf2_pe_array #(
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
  localparam int unsigned TermBits = 14;
  localparam int unsigned SumBits = TermBits + $clog2(C);

  logic step1_q, step2_q, first1_q, first2_q;
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

  for (genvar o = 0; o < N; o++) begin : gen_row
    logic [C*TermBits-1:0] terms_d, terms_q;
    logic [SumBits-1:0] sum_d, sum_q;
    logic [AccBits-1:0] acc_q, addend;

    for (genvar i = 0; i < C; i++) begin : gen_lane
      tf2_sac_term u_term (
        .v_i(features_i[8*i+:8]),
        .weight_i(weights_i[4*(o*C+i)+:4]),
        .term_o(terms_d[TermBits*i+:TermBits])
      );
    end

    tf2_adder_tree #(
      .Count(C),
      .Bits(TermBits)
    ) u_tree (
      .terms_i(terms_q),
      .sum_o(sum_d)
    );

    assign addend = AccBits'($signed(sum_q));
    always_ff @(posedge clk_i) begin
      terms_q <= terms_d;
      sum_q <= sum_d;
      if (step2_q) acc_q <= first2_q ? addend : acc_q + addend;
    end
    assign acc_o[o*AccBits+:AccBits] = acc_q;
  end
endmodule
