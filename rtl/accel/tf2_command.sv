// Decodes the commands of the host port and carries them out on the memories and the controller.
//
// Function: takes a command of 64 bits (docs/isa.md, "Host port"), then moves its beats or runs the program.
// Latency: one cycle from a command's last beat to its first effect; a written beat reaches its memory one cycle after it was
//   taken (it passes the output word register); a read beat reaches the output two cycles after the output was free.
// Throughput: writes one beat a cycle, reads one beat in three cycles or as the output stream allows.
// Handshake: beat_ready_o / beat_valid_i in, resp_valid_o / resp_ready_i out; run_o is a pulse answered by run_done_i.
// Reset: waits for a command.
// Limits: addresses and counts are cut to AddrBits and AddrBits + 1 bits.
module tf2_command #(
  parameter int unsigned BeatBits = 16,
  parameter int unsigned AddrBits = 16
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                beat_valid_i,  // input beat offered
  input  logic [BeatBits-1:0] beat_i,        // input beat
  output logic                beat_ready_o,  // input beat taken
  output logic                load_o,        // the beat goes to the output word register
  output logic [3:0]          we_o,          // write that register to memory 0..3 (one hot)
  output logic                re_o,          // read a feature word
  output logic [AddrBits-1:0] addr_o,        // beat address of a write, a read or a run
  output logic                resp_valid_o,  // a beat for the output stream is there
  output logic                resp_cycles_o, // that beat is the run's cycle count, otherwise it was read from the features
  input  logic                resp_ready_i,  // the output stream takes a beat
  output logic                run_o,         // start the program at field addr_o
  input  logic                run_done_i     // the program has ended
);
  localparam int unsigned CmdBeats = 64 / BeatBits;
  localparam int unsigned CountBits = (AddrBits + 1 > 24) ? 24 : AddrBits + 1;

  typedef enum logic [2:0] {
    StCommand, StDecode, StWrite, StRead, StReadData, StRun, StCycles
  } state_e;
  state_e state_q;

  logic [1:0] idx;            // beat of the command
  logic [3:0] op_q;
  logic [1:0] mem_q;
  logic mem_ok_q;
  logic [AddrBits-1:0] addr_q;
  logic [CountBits-1:0] count_q;
  logic pending_q;            // a beat waits in the output word register
  logic last, take;

  assign last = count_q == 1;
  assign beat_ready_o = (state_q == StCommand) || (state_q == StWrite);
  assign take = beat_valid_i && beat_ready_o;
  assign load_o = beat_valid_i && (state_q == StWrite);
  assign re_o = (state_q == StRead) && resp_ready_i;
  assign resp_cycles_o = state_q == StCycles;
  assign resp_valid_o = (state_q == StReadData) || resp_cycles_o;
  assign run_o = (state_q == StDecode) && (op_q == 4'd3);
  assign addr_o = addr_q;
  assign we_o = pending_q && mem_ok_q ? 4'b0001 << mem_q : 4'b0000;

  if (CmdBeats == 1) begin : gen_idx_one
    assign idx = 2'd0;
  end else begin : gen_idx_many
    localparam int unsigned IdxBits = $clog2(CmdBeats);
    logic [IdxBits-1:0] idx_q;
    assign idx = 2'(idx_q);
    always_ff @(posedge clk_i) begin
      if (!rst_ni) idx_q <= '0;
      else if (take && (state_q == StCommand)) idx_q <= idx_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StCommand;
    end else begin
      unique case (state_q)
        StCommand: if (take && (idx == 2'(CmdBeats - 1))) state_q <= StDecode;
        StDecode: begin
          if (op_q == 4'd3) state_q <= StRun;
          else if ((op_q == 4'd1) && (count_q != 0)) state_q <= StWrite;
          else if ((op_q == 4'd2) && (count_q != 0)) state_q <= StRead;
          else state_q <= StCommand;
        end
        StWrite: if (take && last) state_q <= StCommand;
        StRead: if (resp_ready_i) state_q <= StReadData;
        StReadData: state_q <= last ? StCommand : StRead;
        StRun: if (run_done_i) state_q <= StCycles;
        StCycles: if (resp_ready_i) state_q <= StCommand;
        default: state_q <= StCommand;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) pending_q <= 1'b0;
    else pending_q <= load_o;
  end

  // The fields of the command are kept as their beat passes. No command follows a write's last beat so closely that it
  // could change the address or the memory of the beat that is pending: a command's first beat is taken one cycle later
  // at the earliest, and changes these registers at the end of that cycle.
  always_ff @(posedge clk_i) begin
    if (take && (state_q == StCommand)) begin
      if (idx == 2'd0) begin
        op_q <= beat_i[3:0];
        mem_q <= beat_i[5:4];
        mem_ok_q <= beat_i[7:6] == 2'b00;
      end
      for (int unsigned i = 0; i < AddrBits; i++) begin
        if (32'(idx) == (8 + i) / BeatBits) addr_q[i] <= beat_i[(8 + i) % BeatBits];
      end
      for (int unsigned i = 0; i < CountBits; i++) begin
        if (32'(idx) == (32 + i) / BeatBits) count_q[i] <= beat_i[(32 + i) % BeatBits];
      end
    end else begin
      if (pending_q || (state_q == StReadData)) addr_q <= addr_q + 1'b1;
      if (load_o || (state_q == StReadData)) count_q <= count_q - 1'b1;
    end
  end
endmodule
