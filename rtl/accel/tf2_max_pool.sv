// The signed maximum of each lane over a window.
//
// Function: max[i] = first ? v[i] : max(max[i], v[i]).
// Latency: a step's word at the input changes the maximum at the end of the cycle.
// Throughput: one step a cycle. Cycles without a step hold the maximum.
// Reset: none; the first step of a window replaces the maximum.
module tf2_max_pool #(
  parameter int unsigned C = 8
) (
  input  logic           clk_i,
  input  logic           step_i,     // the word is a step
  input  logic           first_i,    // the first of its window
  input  logic [8*C-1:0] features_i, // feature word
  output logic [8*C-1:0] max_o       // maxima
);
  for (genvar i = 0; i < C; i++) begin : gen_lane
    logic [7:0] value, max_q;
    logic larger;
    assign value = features_i[8*i+:8];
    assign larger = $signed(value) > $signed(max_q);
    always_ff @(posedge clk_i) if (step_i && (first_i || larger)) max_q <= value;
    assign max_o[8*i+:8] = max_q;
  end
endmodule
