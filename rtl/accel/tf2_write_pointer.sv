// The address of the word that is written.
//
// Function: output pointer + plane offset + (high byte ? o_hi : 0); the pointer moves by 1 after a window, and further by
//   o_tile after a tile's last, else by o_row after a row's last.
// Latency: addr_o is a register that belongs to the present word; write_i moves on at the end of the cycle.
// Reset: none, loaded with the descriptor.
// Limits: addresses wrap at AddrBits.
module tf2_write_pointer #(
  parameter int unsigned FieldBits = 16,
  parameter int unsigned AddrBits = 14,
  parameter int unsigned Planes = 1,
  parameter bit HasWide = 1,
  parameter bit HasRegions = 1
) (
  input  logic                 clk_i,
  input  logic                 fld_we_i,      // keep a field
  input  logic [4:0]           fld_idx_i,     // its number
  input  logic [FieldBits-1:0] fld_data_i,    // its value
  input  logic                 write_i,       // a word is written
  input  logic                 plane_last_i,  // it is the last of its pass
  input  logic                 high_i,        // it holds high bytes
  input  logic                 window_last_i, // it is the last of its window
  input  logic                 row_last_i,    // whose window is the last of its row
  input  logic                 tile_last_i,   // and of its tile
  output logic [AddrBits-1:0]  addr_o         // address
);
  logic [AddrBits-1:0] ptr_q, addr_q;        // first word of the window, present word
  logic [AddrBits-1:0] bump, offset;         // of the next window beyond 1, of the next word of the window

  assign addr_o = addr_q;

  always_ff @(posedge clk_i) begin
    if (fld_we_i && (fld_idx_i == 5'd2)) ptr_q <= fld_data_i[AddrBits-1:0];
    else if (write_i && window_last_i) ptr_q <= ptr_q + bump;
    if (fld_we_i && (fld_idx_i == 5'd2)) addr_q <= fld_data_i[AddrBits-1:0];
    else if (write_i) addr_q <= ptr_q + (window_last_i ? bump : offset);
  end

  if (HasRegions) begin : gen_regions
    logic [AddrBits-1:0] o_row_q, o_tile_q;
    always_ff @(posedge clk_i) begin
      if (fld_we_i && (fld_idx_i == 5'd18)) o_row_q <= fld_data_i[AddrBits-1:0];
      if (fld_we_i && (fld_idx_i == 5'd19)) o_tile_q <= fld_data_i[AddrBits-1:0];
    end
    assign bump = (tile_last_i ? o_tile_q : row_last_i ? o_row_q : '0) + 1'b1;
  end else begin : gen_dense
    assign bump = AddrBits'(1);
    logic unused;
    assign unused = ^{row_last_i, tile_last_i};
  end

  logic [AddrBits-1:0] high, plane;  // parts of offset
  assign offset = high + plane;

  // The high bytes come after the last plane of the low ones.
  if (HasWide) begin : gen_wide
    logic [AddrBits-1:0] o_hi_q;
    always_ff @(posedge clk_i) begin
      if (fld_we_i && (fld_idx_i == 5'd20)) o_hi_q <= fld_data_i[AddrBits-1:0];
    end
    if (Planes > 1) begin : gen_pass
      assign high = high_i || plane_last_i ? o_hi_q : '0;
    end else begin : gen_only
      assign high = o_hi_q;
      logic unused;
      assign unused = high_i;
    end
  end else begin : gen_narrow
    assign high = '0;
    logic unused;
    assign unused = high_i;
  end

  if (Planes > 1) begin : gen_planes
    logic [AddrBits-1:0] o_plane_q, plane_q, plane_next;
    assign plane_next = plane_last_i ? '0 : plane_q + o_plane_q;
    assign plane = plane_next;
    always_ff @(posedge clk_i) begin
      if (fld_we_i && (fld_idx_i == 5'd29)) o_plane_q <= fld_data_i[AddrBits-1:0];
      if (fld_we_i) plane_q <= '0;
      else if (write_i) plane_q <= plane_next;
    end
  end else begin : gen_plane
    assign plane = '0;
    logic unused;
    assign unused = plane_last_i;
  end

  logic unused_bits;
  assign unused_bits = ^fld_data_i;
endmodule
