// Behavioural twin of the iCE40 block RAM SB_RAM40_4K, for simulating decoded bitstreams (tf2 prove).
//
// Function: 256 words of 16 bits. A narrower mode splits a word: in mode m address bits 8 and up choose one of 2^m bits in each
//   group of 2^m, and the data pins are every 2^m-th (mode 1: the even ones; 2: 1, 5, 9, 13; 3: 3, 11). MASK (mode 0) keeps bits
//   that are 1.
// Latency: RDATA is registered. A word that is read and written in one cycle gives its old value.
// Reset: none; INIT_x are 16 words each, low first.
// Source: Lattice FPGA-TN-02002 (Memory Usage Guide for iCE40 Devices).
module SB_RAM40_4K #(
  parameter READ_MODE = 0,
  parameter WRITE_MODE = 0,
  parameter [255:0] INIT_0 = 0, parameter [255:0] INIT_1 = 0, parameter [255:0] INIT_2 = 0, parameter [255:0] INIT_3 = 0,
  parameter [255:0] INIT_4 = 0, parameter [255:0] INIT_5 = 0, parameter [255:0] INIT_6 = 0, parameter [255:0] INIT_7 = 0,
  parameter [255:0] INIT_8 = 0, parameter [255:0] INIT_9 = 0, parameter [255:0] INIT_A = 0, parameter [255:0] INIT_B = 0,
  parameter [255:0] INIT_C = 0, parameter [255:0] INIT_D = 0, parameter [255:0] INIT_E = 0, parameter [255:0] INIT_F = 0
) (
  output reg [15:0] RDATA,  // data read
  input             RCLK,   // read clock
  input             RCLKE,  // its enable
  input             RE,     // read
  input      [10:0] RADDR,  // at this address
  input             WCLK,   // write clock
  input             WCLKE,  // its enable
  input             WE,     // write
  input      [10:0] WADDR,  // at this address
  input      [15:0] MASK,   // mode 0: bits to keep
  input      [15:0] WDATA   // data to write
);
  reg [15:0] memory[0:255];
  integer i;
  wire [4095:0] init = {INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
                        INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0};
  initial begin
    for (i = 0; i < 256; i = i + 1) memory[i] = init[16*i+:16];
  end

  localparam integer WSpan = 1 << WRITE_MODE;
  localparam integer RSpan = 1 << READ_MODE;
  localparam integer WPin = WRITE_MODE == 0 ? 0 : WRITE_MODE == 1 ? 0 : WRITE_MODE == 2 ? 1 : 3;  // pin of a group
  localparam integer RPin = READ_MODE == 0 ? 0 : READ_MODE == 1 ? 0 : READ_MODE == 2 ? 1 : 3;
  wire [2:0] wsel = WADDR[10:8] & (WSpan - 1);
  wire [2:0] rsel = RADDR[10:8] & (RSpan - 1);
  wire [15:0] word = memory[RADDR[7:0]];

  genvar g;
  generate
    for (g = 0; g < 16; g = g + 1) begin : gen_bit
      always @(posedge WCLK) begin
        if (WE && WCLKE && (WRITE_MODE == 0 ? !MASK[g] : g % WSpan == wsel)) memory[WADDR[7:0]][g] <= WDATA[g-g%WSpan+WPin];
      end
      always @(posedge RCLK) begin
        if (RE && RCLKE) RDATA[g] <= g % RSpan == RPin ? word[g-g%RSpan+rsel] : 1'b0;
      end
    end
  endgenerate
endmodule
