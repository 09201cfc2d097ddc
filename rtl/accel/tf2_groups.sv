// Counts the groups of R channels of a finished window.
//
// Function: from take_i on announces Groups groups (twice that when wide), one every Slots cycles, the first with take_i itself.
// Latency: none for the first group. Throughput: a window every Groups x Slots cycles (twice that when wide).
// Reset: idle.
// Limits: take_i comes no earlier than that distance.
module tf2_groups #(
  parameter int unsigned Groups = 8,
  parameter int unsigned Slots = 1,
  parameter int unsigned GroupBits = 3,
  parameter bit HasWide = 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 take_i,  // a window is there
  input  logic                 wide_i,  // of the layer: two passes
  input  logic [2:0]           tags_i,  // the window's tags
  output logic                 group_o, // a group starts
  output logic                 last_o,  // the last one of the window
  output logic [GroupBits-1:0] idx_o,   // its number within the pass
  output logic [2:0]           tags_o   // its window's tags
);
  localparam int unsigned Most = HasWide ? 2 * Groups : Groups;

  if (Most == 1) begin : gen_one
    assign group_o = take_i;
    assign last_o = 1'b1;
    assign idx_o = '0;
    assign tags_o = tags_i;
    logic unused;
    assign unused = ^{clk_i, rst_ni, wide_i};
  end else begin : gen_many
    localparam int unsigned CountBits = $clog2(Most);
    logic [CountBits-1:0] count_q, count;
    logic active_q, tick;
    logic [2:0] tags_q;

    // Powers of two: the low bits of the count are the group, the bit above them the pass.
    assign count = take_i ? '0 : count_q;
    assign group_o = take_i || (active_q && tick);
    assign last_o = wide_i ? count == CountBits'(Most - 1) : count == CountBits'(Groups - 1);
    assign idx_o = (Groups > 1) ? count[GroupBits-1:0] : '0;
    assign tags_o = take_i ? tags_i : tags_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) active_q <= 1'b0;
      else if (group_o) active_q <= !last_o;
      if (group_o) count_q <= count + 1'b1;
      if (take_i) tags_q <= tags_i;
    end

`ifndef SYNTHESIS
    always_ff @(posedge clk_i) begin
      if (rst_ni && take_i) assert (!active_q);  // the window before has started all its groups
    end
`endif

    if (Slots == 1) begin : gen_each
      assign tick = 1'b1;
    end else begin : gen_spaced
      logic [$clog2(Slots)-1:0] slot_q;
      assign tick = slot_q == '0;
      always_ff @(posedge clk_i) begin
        if (group_o) slot_q <= $clog2(Slots)'(Slots - 1);
        else slot_q <= slot_q - 1'b1;
      end
    end
  end
endmodule
