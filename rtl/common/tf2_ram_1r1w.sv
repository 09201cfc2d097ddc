// One bank of memory with one synchronous read port and one write port.
//
// Latency: read data follows the address by one cycle and holds while re_i is low.
// Throughput: one read and one write a cycle. A read of the word written in the same cycle is undefined.
// Reset: none, the contents are unknown until they are written.
// Limits: Depth words of Width bits; on iCE40 256 x 16 fills one EBR.
module tf2_ram_1r1w #(
  parameter int unsigned Width = 16,
  parameter int unsigned Depth = 256,
  parameter int unsigned AddrBits = $clog2(Depth)
) (
  input  logic                clk_i,
  input  logic                re_i,     // read enable
  input  logic [AddrBits-1:0] raddr_i,  // read address
  output logic [Width-1:0]    rdata_o,  // word read in the cycle before
  input  logic                we_i,     // write enable
  input  logic [AddrBits-1:0] waddr_i,  // write address
  input  logic [Width-1:0]    wdata_i   // word to write
);
  (* no_rw_check *)
  logic [Width-1:0] mem [Depth];

  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
  end

  always_ff @(posedge clk_i) begin
    if (re_i) rdata_o <= mem[raddr_i];
  end
endmodule
