// A memory of wide words that the host writes beat by beat: one tf2_ram_1r1w bank a beat of the word.
//
// Latency: one cycle from address to word; the word holds while re_i is low.
// Throughput: one word read and one beat written a cycle.
// Reset: none.
// Limits: WordBits / BeatBits is a power of two; beat b of word w has the address w * (WordBits / BeatBits) + b.
module tf2_banked_ram #(
  parameter int unsigned Words = 256,
  parameter int unsigned WordBits = 256,
  parameter int unsigned BeatBits = 16,
  parameter int unsigned HostAddrBits = 16,
  parameter int unsigned AddrBits = $clog2(Words)
) (
  input  logic                    clk_i,
  input  logic                    re_i,         // read a word
  input  logic [AddrBits-1:0]     raddr_i,      // at this word address
  output logic [WordBits-1:0]     rdata_o,      // word read in the cycle before
  input  logic                    host_we_i,    // write a beat
  input  logic [HostAddrBits-1:0] host_addr_i,  // at this beat address
  input  logic [BeatBits-1:0]     host_data_i   // beat
);
  localparam int unsigned Banks = WordBits / BeatBits;
  localparam int unsigned BankBits = $clog2(Banks);

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    logic hit;
    if (Banks > 1) begin : gen_select
      assign hit = host_addr_i[BankBits-1:0] == BankBits'(b);
    end else begin : gen_only
      assign hit = 1'b1;
    end
    tf2_ram_1r1w #(
      .Width(BeatBits),
      .Depth(Words),
      .AddrBits(AddrBits)
    ) u_bank (
      .clk_i(clk_i),
      .re_i(re_i),
      .raddr_i(raddr_i),
      .rdata_o(rdata_o[b*BeatBits+:BeatBits]),
      .we_i(host_we_i && hit),
      .waddr_i(host_addr_i[BankBits+:AddrBits]),
      .wdata_i(host_data_i)
    );
  end

  logic unused;
  assign unused = ^host_addr_i;
endmodule
