// One bank of memory with a single port: one read or one write a cycle.
//
// Latency: read data follows the address by one cycle; it is undefined after a write or an idle cycle.
// Throughput: one access a cycle.
// Reset: none, the contents are unknown until they are written.
// Limits: Depth words of Width bits. Its twin for the iCE40 UP5K is tf2_spram.
module tf2_ram_1rw #(
  parameter int unsigned Width = 16,
  parameter int unsigned Depth = 256,
  parameter int unsigned AddrBits = $clog2(Depth)
) (
  input  logic                clk_i,
  input  logic                we_i,     // write enable, otherwise a read
  input  logic [AddrBits-1:0] addr_i,   // address of either
  input  logic [Width-1:0]    wdata_i,  // word to write
  output logic [Width-1:0]    rdata_o   // word read in the cycle before
);
  logic [Width-1:0] mem [Depth];

  always_ff @(posedge clk_i) begin
    if (we_i) mem[addr_i] <= wdata_i;
    else rdata_o <= mem[addr_i];
  end
endmodule
