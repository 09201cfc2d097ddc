// The shift-accumulate engine of docs/isa.md: runs a program of layers on 4-bit power-of-two weights and 8-bit features.
//
// Function: commands at the host port write the memories, run the program and read the features.
// Latency and throughput: docs/isa.md, "Timing".
// Handshake: ready/valid streams; in_ready_o is low while a program runs once the next beat has been collected.
// Reset: synchronous, active low; memories keep their contents.
// Limits: P = 1; powers of two as checked below; counts, coordinates and addresses fit their parameters.
module tf2_engine #(
  parameter int unsigned N = 8,                 // output channels computed at once
  parameter int unsigned C = 8,                 // input channel lanes
  parameter int unsigned P = 1,                 // output pixels computed at once
  parameter int unsigned AccBits = 32,          // accumulator width
  parameter int unsigned FeatureWords = 4096,   // feature memory, words of C bytes
  parameter int unsigned WeightWords = 1024,    // weight memory, words of N C nibbles
  parameter int unsigned ParamEntries = 256,    // channel parameters
  parameter int unsigned ProgramFields = 1024,  // descriptor fields, 32 a layer
  parameter int unsigned FieldBits = 32,        // width of a field
  parameter int unsigned BeatBits = 64,         // unit of host addresses
  parameter int unsigned PortBits = 64,         // width of the host port
  parameter int unsigned R = 8,                 // requantisation units
  parameter bit DualPort = 1,                   // features are read and written in the same cycle
  parameter bit HasPadding = 1,                 // optional unit: padding check
  parameter bit HasResidual = 1,                // optional unit: residual
  parameter bit HasMaxPool = 1,                 // optional unit: max pooling
  parameter bit HasWide = 1,                    // optional unit: 16-bit results
  parameter bit HasRegions = 1,                 // optional unit: o_row, o_tile
  parameter bit HasRepeat = 1,                  // optional unit: one block of weights for a whole layer
  parameter int unsigned CountBits = 16,        // width of the loop counters
  parameter int unsigned CoordBits = 16,        // width of the coordinates of the padding check
  parameter bit UseSpram = 0,                   // feature memory in the UP5K's SPRAM
  parameter bit FastPe = 0                      // lanes as loops, for simulation
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                in_valid_i,   // host to engine: bits offered
  input  logic [PortBits-1:0] in_data_i,    // host to engine: bits
  output logic                in_ready_o,   // host to engine: bits taken
  output logic                out_valid_o,  // engine to host: bits offered
  output logic [PortBits-1:0] out_data_o,   // engine to host: bits
  input  logic                out_ready_i,  // engine to host: bits taken
  output logic                running_o,    // a program runs
  output logic                layer_done_o  // a layer ends in this cycle
);
  localparam int unsigned FeatBits = 8 * C;
  localparam int unsigned WeightBits = 4 * N * C;
  localparam int unsigned FeatBanks = FeatBits / BeatBits;
  localparam int unsigned FeatBankBits = $clog2(FeatBanks);
  localparam int unsigned FeatAddrBits = $clog2(FeatureWords);
  localparam int unsigned WeightAddrBits = $clog2(WeightWords);
  localparam int unsigned ParamRows = ParamEntries / R;
  localparam int unsigned ParamRowBits = $clog2(ParamRows);
  localparam int unsigned ProgAddrBits = $clog2(ProgramFields);
  localparam int unsigned FeatHostBits = FeatAddrBits + FeatBankBits;
  localparam int unsigned WeightHostBits = WeightAddrBits + $clog2(WeightBits / BeatBits);
  localparam int unsigned ParamHostBits = ParamRowBits + $clog2(64 * R / BeatBits);
  localparam int unsigned MaxA = FeatHostBits > WeightHostBits ? FeatHostBits : WeightHostBits;
  localparam int unsigned MaxB = ParamHostBits > ProgAddrBits ? ParamHostBits : ProgAddrBits;
  localparam int unsigned HostAddrBits = MaxA > MaxB ? MaxA : MaxB;
  localparam int unsigned Planes = N / C;
  localparam int unsigned Distance = (R < C) ? N / R : N / C;
  localparam int unsigned AccLatency = 3;

  if (P != 1) begin : gen_bad_p
    $error("tf2_engine: P = %0d, only 1 is supported", P);
  end
  if ((C < 2) || ((C & (C - 1)) != 0) || ((N & (N - 1)) != 0) || (N < C) || (N > 8 * C)) begin : gen_bad_nc
    $error("tf2_engine: N = %0d, C = %0d: need powers of two, 2 <= C <= N <= 8 C", N, C);
  end
  if ((R == 0) || (R > N) || ((R & (R - 1)) != 0)) begin : gen_bad_r
    $error("tf2_engine: R = %0d must be a power of two that divides N = %0d", R, N);
  end
  if (((BeatBits != 16) && (BeatBits != 32) && (BeatBits != 64)) || (FeatBits % BeatBits != 0)) begin : gen_bad_beat
    $error("tf2_engine: BeatBits = %0d must be 16, 32 or 64 and divide a feature word of %0d bits", BeatBits, FeatBits);
  end
  if ((PortBits == 0) || (BeatBits % PortBits != 0)) begin : gen_bad_port
    $error("tf2_engine: PortBits = %0d must divide BeatBits = %0d", PortBits, BeatBits);
  end
  if ((FieldBits < 16) || (FieldBits > BeatBits) || (FieldBits > 32)) begin : gen_bad_field
    $error("tf2_engine: FieldBits = %0d must be 16..32 and fit BeatBits = %0d", FieldBits, BeatBits);
  end
  if ((CountBits > FieldBits) || (CoordBits > FieldBits) || (FeatAddrBits > FieldBits) || (WeightAddrBits > FieldBits))
  begin : gen_bad_width
    $error("tf2_engine: a count, coordinate or address is wider than a field of %0d bits", FieldBits);
  end
  if ((AccBits > 32) || (AccBits < 14 + $clog2(C))) begin : gen_bad_acc
    $error("tf2_engine: AccBits = %0d must be %0d..32", AccBits, 14 + $clog2(C));
  end
  if ((FeatureWords < 2) || (WeightWords < 2) || (ProgramFields < 64) || (ParamEntries < 2 * N) || (ParamEntries % N != 0))
  begin : gen_bad_mem
    $error("tf2_engine: a memory is too small");
  end
  if (UseSpram && (DualPort || (BeatBits != 16) || (FeatureWords > 16384))) begin : gen_bad_spram
    $error("tf2_engine: UseSpram needs DualPort = 0, BeatBits = 16 and at most 16384 feature words");
  end

  // Host port and commands.
  logic beat_valid, beat_ready, host_load, host_re, resp_valid, resp_cycles, resp_ready, run, run_done;
  logic [BeatBits-1:0] beat, resp, read_beat, host_data, cycles;
  logic [3:0] host_we;
  logic [HostAddrBits-1:0] host_addr;

  tf2_host_in #(
    .PortBits(PortBits),
    .BeatBits(BeatBits)
  ) u_host_in (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .in_valid_i(in_valid_i),
    .in_data_i(in_data_i),
    .in_ready_o(in_ready_o),
    .beat_valid_o(beat_valid),
    .beat_o(beat),
    .beat_ready_i(beat_ready)
  );

  tf2_command #(
    .BeatBits(BeatBits),
    .AddrBits(HostAddrBits)
  ) u_command (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .beat_valid_i(beat_valid),
    .beat_i(beat),
    .beat_ready_o(beat_ready),
    .load_o(host_load),
    .we_o(host_we),
    .re_o(host_re),
    .addr_o(host_addr),
    .resp_valid_o(resp_valid),
    .resp_cycles_o(resp_cycles),
    .resp_ready_i(resp_ready),
    .run_o(run),
    .run_done_i(run_done)
  );

  assign resp = resp_cycles ? cycles : read_beat;

  tf2_host_out #(
    .PortBits(PortBits),
    .BeatBits(BeatBits)
  ) u_host_out (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .beat_valid_i(resp_valid),
    .beat_i(resp),
    .beat_ready_o(resp_ready),
    .out_valid_o(out_valid_o),
    .out_data_o(out_data_o),
    .out_ready_i(out_ready_i)
  );

  // Program memory and controller.
  logic load, exec, fld_we, delta_re, prog_re, layer_end;
  logic [4:0] fld_idx, delta_field;
  logic [FieldBits-1:0] field;
  logic [ProgAddrBits-1:0] prog_addr;

  tf2_ram_1r1w #(
    .Width(FieldBits),
    .Depth(ProgramFields)
  ) u_program (
    .clk_i(clk_i),
    .re_i(prog_re),
    .raddr_i(prog_addr),
    .rdata_o(field),
    .we_i(host_we[3]),
    .waddr_i(host_addr[ProgAddrBits-1:0]),
    .wdata_i(host_data[FieldBits-1:0])
  );

  tf2_control #(
    .ProgAddrBits(ProgAddrBits),
    .FieldBits(FieldBits),
    .CycleBits(BeatBits)
  ) u_control (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .start_i(run),
    .start_field_i(host_addr[ProgAddrBits-1:0]),
    .running_o(running_o),
    .run_done_o(run_done),
    .cycles_o(cycles),
    .load_o(load),
    .exec_o(exec),
    .layer_end_i(layer_end),
    .layer_done_o(layer_done_o),
    .delta_field_i(delta_field),
    .delta_re_i(delta_re),
    .prog_re_o(prog_re),
    .prog_addr_o(prog_addr),
    .fld_we_o(fld_we),
    .fld_idx_o(fld_idx),
    .fld_data_i(field)
  );

  // Sequencer.
  logic f_re, tag_step, tag_res, tag_pad, tag_first, tag_last, tag_pool, tag_row, tag_tile, tag_fin, wr_valid;
  logic [FeatAddrBits-1:0] f_addr;
  logic [WeightAddrBits-1:0] w_addr;

  tf2_sequencer #(
    .FieldBits(FieldBits),
    .CountBits(CountBits),
    .CoordBits(CoordBits),
    .FeatAddrBits(FeatAddrBits),
    .WeightAddrBits(WeightAddrBits),
    .Planes(Planes),
    .Distance(Distance),
    .HasPadding(HasPadding),
    .HasResidual(HasResidual),
    .HasMaxPool(HasMaxPool),
    .HasWide(HasWide),
    .HasRegions(HasRegions),
    .HasRepeat(HasRepeat)
  ) u_sequencer (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .load_i(load),
    .exec_i(exec),
    .fld_we_i(fld_we),
    .fld_idx_i(fld_idx),
    .fld_data_i(field),
    .delta_field_o(delta_field),
    .delta_re_o(delta_re),
    .stall_i(!DualPort && wr_valid),
    .f_re_o(f_re),
    .f_addr_o(f_addr),
    .w_addr_o(w_addr),
    .tag_step_o(tag_step),
    .tag_res_o(tag_res),
    .tag_pad_o(tag_pad),
    .tag_first_o(tag_first),
    .tag_last_o(tag_last),
    .tag_pool_o(tag_pool),
    .tag_row_o(tag_row),
    .tag_tile_o(tag_tile),
    .tag_fin_o(tag_fin)
  );

  // Feature memory: the engine's while a program runs, the host's otherwise.
  logic [FeatBanks-1:0] feat_we, host_bank;
  logic [FeatAddrBits-1:0] feat_raddr, feat_waddr, host_word, wr_addr;
  logic [FeatBits-1:0] feat_word, wr_data;

  assign host_word = host_addr[FeatBankBits+:FeatAddrBits];
  assign feat_we = running_o ? {FeatBanks{wr_valid}} : host_we[0] ? host_bank : '0;
  assign feat_raddr = running_o ? f_addr : host_word;
  assign feat_waddr = running_o ? wr_addr : host_word;
  assign host_data = wr_data[BeatBits-1:0];

  if (FeatBanks == 1) begin : gen_bank
    assign host_bank = 1'b1;
    assign read_beat = feat_word;
  end else begin : gen_banks
    logic [FeatBankBits-1:0] bank;
    assign bank = host_addr[FeatBankBits-1:0];
    assign host_bank = {{FeatBanks - 1{1'b0}}, 1'b1} << bank;
    assign read_beat = feat_word[bank*BeatBits+:BeatBits];
  end

  tf2_feature_mem #(
    .Words(FeatureWords),
    .WordBits(FeatBits),
    .BeatBits(BeatBits),
    .DualPort(DualPort),
    .UseSpram(UseSpram)
  ) u_features (
    .clk_i(clk_i),
    .re_i(f_re || host_re),
    .raddr_i(feat_raddr),
    .rdata_o(feat_word),
    .we_i(feat_we),
    .waddr_i(feat_waddr),
    .wdata_i(wr_data)
  );

  // Weight memory.
  logic [WeightBits-1:0] weight_word;
  tf2_banked_ram #(
    .Words(WeightWords),
    .WordBits(WeightBits),
    .BeatBits(BeatBits),
    .HostAddrBits(HostAddrBits)
  ) u_weights (
    .clk_i(clk_i),
    .re_i(f_re),
    .raddr_i(w_addr),
    .rdata_o(weight_word),
    .host_we_i(host_we[1]),
    .host_addr_i(host_addr),
    .host_data_i(host_data)
  );

  // Lanes.
  logic [FeatBits-1:0] lane_word, pad_word;
  logic [N*AccBits-1:0] acc;
  assign lane_word = HasPadding && tag_pad ? pad_word : feat_word;
  if (HasPadding) begin : gen_pad_word
    logic pad_low_q;
    // What lies in the padding: 0, or -128 with low padding.
    always_ff @(posedge clk_i) if (fld_we && (fld_idx == 5'd0)) pad_low_q <= field[10];
    assign pad_word = {C{pad_low_q, 7'd0}};
  end else begin : gen_no_pad_word
    assign pad_word = '0;
  end

  if (FastPe) begin : gen_fast
    tf2_pe_array_fast #(
      .N(N),
      .C(C),
      .AccBits(AccBits)
    ) u_pe (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(tag_step),
      .first_i(tag_first),
      .features_i(lane_word),
      .weights_i(weight_word),
      .acc_o(acc)
    );
  end else begin : gen_lanes
    tf2_pe_array #(
      .N(N),
      .C(C),
      .AccBits(AccBits)
    ) u_pe (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(tag_step),
      .first_i(tag_first),
      .features_i(lane_word),
      .weights_i(weight_word),
      .acc_o(acc)
    );
  end

  logic take, take_row, take_tile, take_fin;
  tf2_delay #(
    .Width(4),
    .Depth(AccLatency)
  ) u_take (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .d_i({tag_last, tag_row, tag_tile, tag_fin}),
    .q_o({take, take_row, take_tile, take_fin})
  );

  // Max pool.
  logic [FeatBits-1:0] pool_word;
  logic pool_valid, pool_row, pool_tile, pool_fin;
  if (HasMaxPool) begin : gen_pool
    logic [FeatBits-1:0] pool_in;
    assign pool_in = HasPadding && tag_pad ? {C{8'h80}} : feat_word;
    tf2_max_pool #(
      .C(C)
    ) u_pool (
      .clk_i(clk_i),
      .step_i(tag_step),
      .first_i(tag_first),
      .features_i(pool_in),
      .max_o(pool_word)
    );
    tf2_delay #(
      .Width(4),
      .Depth(1)
    ) u_pool_tags (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .d_i({tag_pool, tag_row, tag_tile, tag_fin}),
      .q_o({pool_valid, pool_row, pool_tile, pool_fin})
    );
  end else begin : gen_no_pool
    assign pool_word = '0;
    assign {pool_valid, pool_row, pool_tile, pool_fin} = 4'b0000;
    logic unused;
    assign unused = tag_pool;
  end

  // Output: parameters, residual, requantisation, writes.
  logic p_re, res_take, res_rotate;
  logic [ParamRowBits-1:0] p_row;
  logic [64*R-1:0] p_data;
  logic [8*R-1:0] res_bytes;

  tf2_banked_ram #(
    .Words(ParamRows),
    .WordBits(64 * R),
    .BeatBits(BeatBits),
    .HostAddrBits(HostAddrBits)
  ) u_params (
    .clk_i(clk_i),
    .re_i(p_re),
    .raddr_i(p_row),
    .rdata_o(p_data),
    .host_we_i(host_we[2]),
    .host_addr_i(host_addr),
    .host_data_i(host_data)
  );

  if (HasResidual) begin : gen_res
    logic [8*R-1:0] res_group;
    logic residual_q;
    // A layer without residual sees zeros.
    always_ff @(posedge clk_i) if (fld_we && (fld_idx == 5'd0)) residual_q <= field[5];
    assign res_bytes = residual_q ? res_group : '0;
    tf2_residual #(
      .N(N),
      .C(C),
      .R(R)
    ) u_residual (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .res_i(tag_res),
      .features_i(feat_word),
      .take_i(res_take),
      .rotate_i(res_rotate),
      .res_o(res_group)
    );
  end else begin : gen_no_res
    assign res_bytes = '0;
    logic unused;
    assign unused = ^{tag_res, res_take, res_rotate};
  end

  tf2_output #(
    .N(N),
    .C(C),
    .R(R),
    .AccBits(AccBits),
    .FieldBits(FieldBits),
    .BeatBits(BeatBits),
    .FeatAddrBits(FeatAddrBits),
    .ParamRowBits(ParamRowBits),
    .HasResidual(HasResidual),
    .HasMaxPool(HasMaxPool),
    .HasWide(HasWide),
    .HasRegions(HasRegions)
  ) u_output (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .running_i(running_o),
    .fld_we_i(fld_we),
    .fld_idx_i(fld_idx),
    .fld_data_i(field),
    .take_i(take),
    .take_row_i(take_row),
    .take_tile_i(take_tile),
    .take_fin_i(take_fin),
    .acc_i(acc),
    .pool_valid_i(pool_valid),
    .pool_row_i(pool_row),
    .pool_tile_i(pool_tile),
    .pool_fin_i(pool_fin),
    .pool_i(pool_word),
    .res_take_o(res_take),
    .res_rotate_o(res_rotate),
    .res_i(res_bytes),
    .p_re_o(p_re),
    .p_row_o(p_row),
    .p_data_i(p_data),
    .host_load_i(host_load),
    .host_beat_i(beat),
    .wr_valid_o(wr_valid),
    .wr_addr_o(wr_addr),
    .wr_data_o(wr_data),
    .layer_end_o(layer_end)
  );
endmodule
