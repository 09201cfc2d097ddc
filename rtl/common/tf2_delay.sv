// A word delayed by a fixed number of cycles.
//
// Latency: Depth cycles. Throughput: one word a cycle. Reset: all words zero.
// Limits: Depth at least 1.
module tf2_delay #(
  parameter int unsigned Width = 1,
  parameter int unsigned Depth = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [Width-1:0] d_i,  // word in
  output logic [Width-1:0] q_o   // the word of Depth cycles ago
);
  logic [Width*Depth-1:0] line_q;

  if (Depth == 1) begin : gen_one
    always_ff @(posedge clk_i) begin
      if (!rst_ni) line_q <= '0;
      else line_q <= d_i;
    end
  end else begin : gen_many
    always_ff @(posedge clk_i) begin
      if (!rst_ni) line_q <= '0;
      else line_q <= {line_q[Width*(Depth-1)-1:0], d_i};
    end
  end

  assign q_o = line_q[Width*Depth-1-:Width];
endmodule
