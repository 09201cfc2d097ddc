// One bank of memory with a single port in an iCE40 UP5K SPRAM (16,384 words of 16 bits).
//
// Same ports and behaviour as tf2_ram_1rw; the attribute makes yosys choose SB_SPRAM256KA.
// Latency: one cycle. Throughput: one access a cycle. Reset: none.
// Limits: the primitive holds 16,384 words; a smaller Depth leaves the rest unused.
module tf2_spram #(
  parameter int unsigned Width = 16,
  parameter int unsigned Depth = 16384,
  parameter int unsigned AddrBits = $clog2(Depth)
) (
  input  logic                clk_i,
  input  logic                we_i,     // write enable, otherwise a read
  input  logic [AddrBits-1:0] addr_i,   // address of either
  input  logic [Width-1:0]    wdata_i,  // word to write
  output logic [Width-1:0]    rdata_o   // word read in the cycle before
);
  (* ram_style = "huge" *)
  logic [Width-1:0] mem [16384];

  logic [13:0] addr;
  assign addr = 14'(addr_i);

  always_ff @(posedge clk_i) begin
    if (we_i) mem[addr] <= wdata_i;
    else rdata_o <= mem[addr];
  end
endmodule
