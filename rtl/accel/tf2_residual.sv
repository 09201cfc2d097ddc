// Keeps a window's residual words until its channels are requantised.
//
// Function: gathers the N/C residual words of a window, samples them one cycle after the window's last step was issued, delays them
//   like the accumulators, then offers the R bytes of each group in turn.
// Latency: a group's bytes appear one cycle after its accumulators leave the output unit (tf2_output, stage 1).
// Throughput: one group a cycle.
// Reset: none.
// Limits: as many windows in flight as the pipeline is long, whatever their length.
module tf2_residual #(
  parameter int unsigned N = 8,
  parameter int unsigned C = 8,
  parameter int unsigned R = 8
) (
  input  logic           clk_i,
  input  logic           rst_ni,
  input  logic           res_i,      // the feature word is a residual word
  input  logic [8*C-1:0] features_i, // feature word
  input  logic           take_i,     // the window's bytes are to be offered from the next cycle on
  input  logic           rotate_i,   // the next group's bytes from the next cycle on
  output logic [8*R-1:0] res_o       // residual bytes of the group
);
  localparam int unsigned Planes = N / C;
  localparam int unsigned Delay = 4;
  localparam int unsigned Bits = 8 * N;

  logic [Bits-1:0] gather_q, delayed, group_q;

  if (Planes == 1) begin : gen_plane
    always_ff @(posedge clk_i) if (res_i) gather_q <= features_i;
  end else begin : gen_planes
    // Words come in the order of the planes: the first ends up at the bottom.
    always_ff @(posedge clk_i) if (res_i) gather_q <= {features_i, gather_q[Bits-1:8*C]};
  end

  tf2_delay #(
    .Width(Bits),
    .Depth(Delay)
  ) u_delay (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .d_i(gather_q),
    .q_o(delayed)
  );

  always_ff @(posedge clk_i) begin
    if (take_i) group_q <= delayed;
    else if (rotate_i) group_q <= (group_q >> (8 * R)) | (group_q << (Bits - 8 * R));
  end
  assign res_o = group_q[8*R-1:0];
endmodule
