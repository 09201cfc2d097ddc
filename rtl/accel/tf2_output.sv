// Turns finished windows into words of the feature memory.
//
// Function: takes the accumulators of a window, sends them in groups of R channels through the requantisation units (twice when
//   wide: low bytes, then high bytes), collects the bytes into words, and writes the words. Max-pool words pass straight through.
//   The collecting register also holds the beats that the host writes, while no program runs.
// Latency: take_i to the first group's byte in the collecting register: 6 cycles. Pool words are written as they come.
// Throughput: one group in max(1, R/C) cycles.
// Handshake: none; the sequencer keeps the distance between windows.
// Reset: pipeline empty.
// Limits: N, C, R powers of two.
module tf2_output #(
  parameter int unsigned N = 8,
  parameter int unsigned C = 8,
  parameter int unsigned R = 8,
  parameter int unsigned AccBits = 24,
  parameter int unsigned FieldBits = 16,
  parameter int unsigned BeatBits = 16,
  parameter int unsigned FeatAddrBits = 14,
  parameter int unsigned ParamRowBits = 8,  // address of R parameter entries
  parameter bit HasResidual = 1,
  parameter bit HasMaxPool = 1,
  parameter bit HasWide = 1,
  parameter bit HasRegions = 1
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    running_i,    // a program runs; otherwise the collecting register is the host's
  input  logic                    fld_we_i,     // keep a field
  input  logic [4:0]              fld_idx_i,    // its number
  input  logic [FieldBits-1:0]    fld_data_i,   // its value
  input  logic                    take_i,       // the accumulators are those of a finished window
  input  logic                    take_row_i,   // the last of its row
  input  logic                    take_tile_i,  // of its tile
  input  logic                    take_fin_i,   // of the layer
  input  logic [N*AccBits-1:0]    acc_i,        // accumulators
  input  logic                    pool_valid_i, // the pool word is that of a finished window
  input  logic                    pool_row_i,   // the last of its row
  input  logic                    pool_tile_i,  // of its tile
  input  logic                    pool_fin_i,   // of the layer
  input  logic [8*C-1:0]          pool_i,       // pool word
  output logic                    res_take_o,   // residual unit: this window's bytes from the next cycle on
  output logic                    res_rotate_o, // residual unit: the next group's
  input  logic [8*R-1:0]          res_i,        // residual bytes of the group in stage 1
  output logic                    p_re_o,       // parameter memory: read
  output logic [ParamRowBits-1:0] p_row_o,      // parameter memory: row of R entries
  input  logic [64*R-1:0]         p_data_i,     // parameter memory: entries
  input  logic                    host_load_i,  // a beat of the host goes to the collecting register
  input  logic [BeatBits-1:0]     host_beat_i,  // the beat
  output logic                    wr_valid_o,   // write a word
  output logic [FeatAddrBits-1:0] wr_addr_o,    // at this address
  output logic [8*C-1:0]          wr_data_o,    // the word; after host_load_i the beat, repeated
  output logic                    layer_end_o   // it is the last word of the layer
);
  localparam int unsigned Groups = N / R;                  // of a window, in one pass
  localparam int unsigned GroupBits = (Groups > 1) ? $clog2(Groups) : 1;
  localparam int unsigned Slots = (R > C) ? R / C : 1;     // cycles a group
  localparam int unsigned Parts = (C > R) ? C / R : 1;     // groups a word
  localparam int unsigned Planes = N / C;
  localparam int unsigned Collect = (R > C) ? R : C;       // bytes of the collecting register
  localparam int unsigned Bits = N * AccBits;

  // Options of the layer.
  logic relu_q, wide, pool;
  always_ff @(posedge clk_i) if (fld_we_i && (fld_idx_i == 5'd0)) relu_q <= fld_data_i[4];
  if (HasWide) begin : gen_wide
    logic wide_q;
    assign wide = wide_q;
    always_ff @(posedge clk_i) if (fld_we_i && (fld_idx_i == 5'd0)) wide_q <= fld_data_i[6];
  end else begin : gen_no_wide
    assign wide = 1'b0;
  end
  if (HasMaxPool) begin : gen_pool
    logic pool_q;
    assign pool = pool_q;
    always_ff @(posedge clk_i) begin
      if (!running_i) pool_q <= 1'b0;
      else if (fld_we_i && (fld_idx_i == 5'd0)) pool_q <= fld_data_i[0];
    end
  end else begin : gen_no_pool
    assign pool = 1'b0;
    logic unused_running;
    assign unused_running = running_i;
  end

  // Groups of a window: their parameters are read from the cycle of take_i on, the groups follow one cycle later.
  logic group, group_last;
  logic [GroupBits-1:0] group_idx;
  logic cur_row, cur_tile, cur_fin;

  tf2_groups #(
    .Groups(Groups),
    .Slots(Slots),
    .GroupBits(GroupBits),
    .HasWide(HasWide)
  ) u_groups (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .take_i(take_i),
    .wide_i(wide),
    .tags_i({take_row_i, take_tile_i, take_fin_i}),
    .group_o(group),
    .last_o(group_last),
    .idx_o(group_idx),
    .tags_o({cur_row, cur_tile, cur_fin})
  );

  logic [ParamRowBits-1:0] p_base_q;
  assign p_re_o = group;
  assign p_row_o = (Groups > 1) ? p_base_q | ParamRowBits'(group_idx) : p_base_q;
  always_ff @(posedge clk_i) begin
    if (fld_we_i && (fld_idx_i == 5'd4)) p_base_q <= ParamRowBits'(fld_data_i >> $clog2(R));
    else if (group && group_last && cur_tile) p_base_q <= p_base_q + ParamRowBits'(Groups);
  end

  // Stage 0: the accumulators rotate by R channels a group.
  logic [Bits-1:0] shadow_q;
  logic [4:0] valid_q;  // a group in stage 0..4
  logic take_q;
  always_ff @(posedge clk_i) begin
    if (take_i) shadow_q <= acc_i;
    else if (valid_q[0] && (Groups > 1)) shadow_q <= (shadow_q >> (R * AccBits)) | (shadow_q << (Bits - R * AccBits));
    take_q <= take_i;
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[3:0], group};
  end
  assign res_take_o = take_q;
  assign res_rotate_o = valid_q[1];

  logic high;
  logic [8*R-1:0] bytes;
  for (genvar r = 0; r < R; r++) begin : gen_requant
    tf2_requant #(
      .AccBits(AccBits),
      .HasResidual(HasResidual),
      .HasWide(HasWide)
    ) u_requant (
      .clk_i(clk_i),
      .acc_i(shadow_q[r*AccBits+:AccBits]),
      .beta_i(p_data_i[64*r+:AccBits]),
      .alpha_i(p_data_i[64*r+32+:15]),
      .s_i(p_data_i[64*r+48+:6]),
      .t_i(p_data_i[64*r+56+:6]),
      .res_i(res_i[8*r+:8]),
      .relu_i(relu_q),
      .wide_i(wide),
      .high_i(high),
      .byte_o(bytes[8*r+:8])
    );
  end

  // The tags of a window travel with its groups.
  logic [2:0] tags4;
  tf2_delay #(
    .Width(3),
    .Depth(5)
  ) u_tags (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .d_i({cur_row, cur_tile, cur_fin}),
    .q_o(tags4)
  );

  // Collect bytes into words.
  logic [8*Collect-1:0] word_q;
  logic word_valid, word_next, plane_last, window_last;
  logic [2:0] word_tags_q;

  if (R < C) begin : gen_parts
    logic [$clog2(Parts)-1:0] part_q;
    logic done_q;
    assign word_valid = done_q;
    assign word_next = valid_q[4] && (&part_q);  // the word in stage 4 is complete
    always_ff @(posedge clk_i) begin
      if (!rst_ni) part_q <= '0;
      else if (valid_q[4]) part_q <= part_q + 1'b1;
      done_q <= rst_ni && word_next;
      if (host_load_i) word_q <= {8 * C / BeatBits{host_beat_i}};
      else if (valid_q[4]) word_q <= {bytes, word_q[8*C-1:8*R]};
      if (valid_q[4]) word_tags_q <= tags4;
    end
  end else if (R == C) begin : gen_whole
    logic done_q;
    assign word_valid = done_q;
    assign word_next = valid_q[4];
    always_ff @(posedge clk_i) begin
      done_q <= rst_ni && valid_q[4];
      if (host_load_i) word_q <= {8 * C / BeatBits{host_beat_i}};
      else if (valid_q[4]) word_q <= bytes;
      if (valid_q[4]) word_tags_q <= tags4;
    end
  end else begin : gen_many
    logic [Slots-1:0] left_q;
    assign word_valid = left_q[0];
    assign word_next = valid_q[4];
    always_ff @(posedge clk_i) begin
      if (!rst_ni) left_q <= '0;
      else if (valid_q[4]) left_q <= '1;
      else left_q <= left_q >> 1;
      if (host_load_i) word_q <= {8 * R / BeatBits{host_beat_i}};
      else if (valid_q[4]) word_q <= bytes;
      else word_q <= word_q >> (8 * C);
      if (valid_q[4]) word_tags_q <= tags4;
    end
  end

  // Which plane, which byte: of the word being written, and of the group in stage 4.
  logic wr_high;
  tf2_word_count #(
    .Planes(Planes),
    .HasWide(HasWide)
  ) u_words (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .next_i(word_valid),
    .wide_i(wide),
    .plane_last_o(plane_last),
    .high_o(wr_high),
    .window_last_o(window_last)
  );

  // The group in stage 4 is one pass further than the word being written when that word ends the low pass.
  if (HasWide) begin : gen_high
    logic [$clog2(Groups+1)-1:0] count_q;
    logic high_q;
    assign high = high_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q <= '0;
        high_q <= 1'b0;
      end else if (valid_q[4]) begin
        if (32'(count_q) == Groups - 1) begin
          count_q <= '0;
          high_q <= wide && !high_q;
        end else begin
          count_q <= count_q + 1'b1;
        end
      end
    end
  end else begin : gen_low
    assign high = 1'b0;
  end

  // Write: address and end of the layer.
  logic wr_last, wr_row, wr_tile, wr_fin;
  assign wr_valid_o = pool ? pool_valid_i : word_valid;
  assign wr_data_o = pool ? pool_i : word_q[8*C-1:0];
  assign wr_last = pool || window_last;
  assign {wr_row, wr_tile, wr_fin} = pool ? {pool_row_i, pool_tile_i, pool_fin_i} : word_tags_q;
  assign layer_end_o = wr_valid_o && wr_last && wr_fin;

  tf2_write_pointer #(
    .FieldBits(FieldBits),
    .AddrBits(FeatAddrBits),
    .Planes(Planes),
    .HasWide(HasWide),
    .HasRegions(HasRegions)
  ) u_pointer (
    .clk_i(clk_i),
    .fld_we_i(fld_we_i),
    .fld_idx_i(fld_idx_i),
    .fld_data_i(fld_data_i),
    .write_i(wr_valid_o),
    .plane_last_i(pool || plane_last),
    .high_i(wr_high),
    .window_last_i(wr_last),
    .row_last_i(wr_row),
    .tile_last_i(wr_tile),
    .addr_o(wr_addr_o)
  );

  logic unused;
  assign unused = ^{p_data_i, word_next, fld_data_i};
endmodule
