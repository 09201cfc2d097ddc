// The feature memory: words of C bytes, written whole by the engine or beat by beat by the host.
//
// Function: one bank a beat. DualPort = 1: reads and writes in the same cycle. DualPort = 0: one access a cycle, writes win.
// Latency: one cycle from address to word. With DualPort = 0 the word is undefined after a cycle without a read.
// Throughput: one read and (DualPort) one write a cycle.
// Reset: none.
// Limits: UseSpram needs DualPort = 0, BeatBits = 16 and at most 16,384 words.
module tf2_feature_mem #(
  parameter int unsigned Words = 16384,
  parameter int unsigned WordBits = 64,
  parameter int unsigned BeatBits = 16,
  parameter bit DualPort = 1,
  parameter bit UseSpram = 0,
  parameter int unsigned AddrBits = $clog2(Words),
  parameter int unsigned Banks = WordBits / BeatBits
) (
  input  logic                clk_i,
  input  logic                re_i,     // read a word
  input  logic [AddrBits-1:0] raddr_i,  // at this address
  output logic [WordBits-1:0] rdata_o,  // word read in the cycle before
  input  logic [Banks-1:0]    we_i,     // write these beats
  input  logic [AddrBits-1:0] waddr_i,  // of the word at this address
  input  logic [WordBits-1:0] wdata_i   // word
);
  logic [AddrBits-1:0] addr;
  assign addr = (|we_i) ? waddr_i : raddr_i;

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    if (DualPort) begin : gen_dual
      tf2_ram_1r1w #(
        .Width(BeatBits),
        .Depth(Words),
        .AddrBits(AddrBits)
      ) u_ram (
        .clk_i(clk_i),
        .re_i(re_i),
        .raddr_i(raddr_i),
        .rdata_o(rdata_o[b*BeatBits+:BeatBits]),
        .we_i(we_i[b]),
        .waddr_i(waddr_i),
        .wdata_i(wdata_i[b*BeatBits+:BeatBits])
      );
    end else if (UseSpram) begin : gen_spram
      tf2_spram #(
        .Width(BeatBits),
        .Depth(Words),
        .AddrBits(AddrBits)
      ) u_ram (
        .clk_i(clk_i),
        .we_i(we_i[b]),
        .addr_i(addr),
        .wdata_i(wdata_i[b*BeatBits+:BeatBits]),
        .rdata_o(rdata_o[b*BeatBits+:BeatBits])
      );
    end else begin : gen_single
      tf2_ram_1rw #(
        .Width(BeatBits),
        .Depth(Words),
        .AddrBits(AddrBits)
      ) u_ram (
        .clk_i(clk_i),
        .we_i(we_i[b]),
        .addr_i(addr),
        .wdata_i(wdata_i[b*BeatBits+:BeatBits]),
        .rdata_o(rdata_o[b*BeatBits+:BeatBits])
      );
    end
  end

  logic unused;
  assign unused = ^{re_i, addr};
endmodule
