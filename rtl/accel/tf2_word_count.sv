// Counts the words of a window as they are written: its planes, then (wide) the high bytes of its planes.
//
// Latency: outputs describe the word that next_i marks. Reset: at a window's first word.
// Limits: Planes is a power of two.
module tf2_word_count #(
  parameter int unsigned Planes = 1,
  parameter bit HasWide = 1
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic next_i,        // a word is written
  input  logic wide_i,        // of the layer: two passes
  output logic plane_last_o,  // it is the pass's last
  output logic high_o,        // it holds high bytes
  output logic window_last_o  // it is the window's last
);
  if (Planes == 1) begin : gen_plane
    assign plane_last_o = 1'b1;
  end else begin : gen_planes
    logic [$clog2(Planes)-1:0] plane_q;
    assign plane_last_o = &plane_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) plane_q <= '0;
      else if (next_i) plane_q <= plane_q + 1'b1;
    end
  end

  if (HasWide) begin : gen_wide
    logic high_q;
    assign high_o = high_q;
    assign window_last_o = plane_last_o && (high_q || !wide_i);
    always_ff @(posedge clk_i) begin
      if (!rst_ni) high_q <= 1'b0;
      else if (next_i && plane_last_o) high_q <= wide_i && !high_q;
    end
  end else begin : gen_narrow
    assign high_o = 1'b0;
    assign window_last_o = plane_last_o;
  end

  if (!HasWide && (Planes == 1)) begin : gen_unused
    logic unused;
    assign unused = ^{clk_i, rst_ni, next_i, wide_i};
  end
endmodule
