// Issues the slots of a layer: the steps of its windows and the residual words that belong to them.
//
// Function: holds one step with its flags and pointers while tf2_loops prepares the next one. A window's residual words are read
//   just before its last step. The pointer's delta comes from the program memory, read when the step was taken over.
// Latency: the first slot follows the descriptor's load by one cycle; tags leave one cycle after their slot, beside its word.
// Throughput: one slot a cycle unless stall_i (the feature memory is busy) or a window's last step must keep its distance from
//   the one before (docs/isa.md, "Timing").
// Reset: none needed but for the valid bits, load_i precedes every layer.
// Limits: pointers wrap modulo their width.
module tf2_sequencer #(
  parameter int unsigned FieldBits = 16,
  parameter int unsigned CountBits = 16,
  parameter int unsigned CoordBits = 16,
  parameter int unsigned FeatAddrBits = 14,
  parameter int unsigned WeightAddrBits = 8,
  parameter int unsigned Planes = 1,      // N / C
  parameter int unsigned Distance = 1,    // max(N / R, N / C)
  parameter bit HasPadding = 1,
  parameter bit HasResidual = 1,
  parameter bit HasMaxPool = 1,
  parameter bit HasWide = 1,
  parameter bit HasRegions = 1,
  parameter bit HasRepeat = 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      load_i,       // a descriptor is being loaded
  input  logic                      exec_i,       // the layer executes
  input  logic                      fld_we_i,     // keep a field
  input  logic [4:0]                fld_idx_i,    // its number
  input  logic [FieldBits-1:0]      fld_data_i,   // its value; while executing the delta that was read last
  output logic [4:0]                delta_field_o,// field of the delta to read
  output logic                      delta_re_o,   // read it
  input  logic                      stall_i,      // the feature memory does something else in this cycle
  output logic                      f_re_o,       // read a feature word
  output logic [FeatAddrBits-1:0]   f_addr_o,     // at this address
  output logic [WeightAddrBits-1:0] w_addr_o,     // weight word of the step
  output logic                      tag_step_o,   // the words read in the cycle before are a step
  output logic                      tag_res_o,    // the feature word read in the cycle before is a residual
  output logic                      tag_pad_o,    // the step lies in the padding
  output logic                      tag_first_o,  // it is the first of its window
  output logic                      tag_last_o,   // the last of its window (conv)
  output logic                      tag_pool_o,   // the last of its window (max pool)
  output logic                      tag_row_o,    // and this the last of its row
  output logic                      tag_tile_o,   // and of its tile
  output logic                      tag_fin_o     // and of the layer
);
  logic next_valid, next_first, take, slot, step, res_slot, res_due, wait_last;
  logic [5:0] next_end;
  logic valid_q, first_q;
  logic [5:0] end_q;
  logic last;
  logic pool, wide;

  tf2_loops #(
    .FieldBits(FieldBits),
    .CountBits(CountBits)
  ) u_loops (
    .clk_i(clk_i),
    .load_i(load_i),
    .fld_we_i(fld_we_i),
    .fld_idx_i(fld_idx_i),
    .fld_data_i(fld_data_i),
    .adv_i(take),
    .valid_o(next_valid),
    .first_o(next_first),
    .end_o(next_end),
    .field_o(delta_field_o)
  );

  assign take = exec_i && next_valid && (!valid_q || step);
  assign delta_re_o = take;
  assign last = end_q[2];
  assign slot = valid_q && !stall_i;
  assign res_slot = slot && res_due;
  assign step = slot && !res_due && !wait_last;
  assign f_re_o = res_slot || step;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || load_i) valid_q <= 1'b0;
    else if (take) valid_q <= 1'b1;
    else if (step) valid_q <= 1'b0;
    if (take) begin
      first_q <= next_first;
      end_q <= next_end;
    end
  end

  // Options of the layer.
  if (HasMaxPool) begin : gen_pool
    logic pool_q;
    assign pool = pool_q;
    always_ff @(posedge clk_i) if (fld_we_i && (fld_idx_i == 5'd0)) pool_q <= fld_data_i[0];
  end else begin : gen_no_pool
    assign pool = 1'b0;
  end
  if (HasWide) begin : gen_wide
    logic wide_q;
    assign wide = wide_q;
    always_ff @(posedge clk_i) if (fld_we_i && (fld_idx_i == 5'd0)) wide_q <= fld_data_i[6];
  end else begin : gen_no_wide
    assign wide = 1'b0;
  end

  logic repeat_w;
  if (HasRepeat) begin : gen_repeat
    logic repeat_q;
    assign repeat_w = repeat_q;
    always_ff @(posedge clk_i) if (fld_we_i && (fld_idx_i == 5'd0)) repeat_q <= fld_data_i[9];
  end else begin : gen_no_repeat
    assign repeat_w = 1'b0;
  end

  // Distance between last steps.
  localparam int unsigned MaxWait = Distance * (HasWide ? 2 : 1) - 1;
  if (MaxWait == 0) begin : gen_no_wait
    assign wait_last = 1'b0;
    logic unused;
    assign unused = wide;
  end else begin : gen_wait
    localparam int unsigned WaitBits = $clog2(MaxWait + 1);
    logic [WaitBits-1:0] wait_q;
    assign wait_last = last && (wait_q != 0);
    always_ff @(posedge clk_i) begin
      if (load_i) wait_q <= '0;
      else if (step && last) wait_q <= pool ? '0 : wide ? WaitBits'(MaxWait) : WaitBits'(Distance - 1);
      else if (wait_q != 0) wait_q <= wait_q - 1'b1;
    end
  end

  // Feature pointer.
  logic [FeatAddrBits-1:0] f_ptr_q;
  always_ff @(posedge clk_i) begin
    if (fld_we_i && (fld_idx_i == 5'd1)) f_ptr_q <= fld_data_i[FeatAddrBits-1:0];
    else if (step) f_ptr_q <= f_ptr_q + fld_data_i[FeatAddrBits-1:0];
  end

  // Weight pointer.
  logic [WeightAddrBits-1:0] w_ptr_q, w_tile_q, w_next;
  assign w_addr_o = w_ptr_q;
  assign w_next = w_ptr_q + 1'b1;
  always_ff @(posedge clk_i) begin
    if (fld_we_i && (fld_idx_i == 5'd3)) begin
      w_ptr_q <= fld_data_i[WeightAddrBits-1:0];
      w_tile_q <= fld_data_i[WeightAddrBits-1:0];
    end else if (step) begin
      w_ptr_q <= (repeat_w ? end_q[0] : last && !end_q[4]) ? w_tile_q : w_next;
      if (end_q[4] && !repeat_w) w_tile_q <= w_next;
    end
  end

  // Residual words: their address follows the output pointer of the window that the step belongs to.
  if (HasResidual) begin : gen_res
    localparam int unsigned WordBits = $clog2(Planes + 1);
    logic residual_q;
    logic [WordBits-1:0] word_q;
    logic [FeatAddrBits-1:0] r_ptr_q, offset, bump;

    assign res_due = residual_q && last && (word_q != WordBits'(Planes));
    assign f_addr_o = res_due ? r_ptr_q + offset : f_ptr_q;

    always_ff @(posedge clk_i) begin
      if (fld_we_i && (fld_idx_i == 5'd0)) residual_q <= fld_data_i[5] && !fld_data_i[0];
      if (load_i || (step && last)) word_q <= '0;
      else if (res_slot) word_q <= word_q + 1'b1;
      if (fld_we_i && (fld_idx_i == 5'd2)) r_ptr_q <= fld_data_i[FeatAddrBits-1:0];
      else if (fld_we_i && (fld_idx_i == 5'd17)) r_ptr_q <= r_ptr_q + fld_data_i[FeatAddrBits-1:0];
      else if (step && last) r_ptr_q <= r_ptr_q + bump + 1'b1;
    end

    if (Planes > 1) begin : gen_planes
      logic [FeatAddrBits-1:0] o_plane_q, offset_q;
      assign offset = offset_q;
      always_ff @(posedge clk_i) begin
        if (fld_we_i && (fld_idx_i == 5'd29)) o_plane_q <= fld_data_i[FeatAddrBits-1:0];
        if (load_i || (step && last)) offset_q <= '0;
        else if (res_slot) offset_q <= offset_q + o_plane_q;
      end
    end else begin : gen_plane
      assign offset = '0;
    end

    if (HasRegions) begin : gen_regions
      logic [FeatAddrBits-1:0] o_row_q, o_tile_q;
      always_ff @(posedge clk_i) begin
        if (fld_we_i && (fld_idx_i == 5'd18)) o_row_q <= fld_data_i[FeatAddrBits-1:0];
        if (fld_we_i && (fld_idx_i == 5'd19)) o_tile_q <= fld_data_i[FeatAddrBits-1:0];
      end
      assign bump = end_q[4] ? o_tile_q : end_q[3] ? o_row_q : '0;
    end else begin : gen_dense
      assign bump = '0;
    end
  end else begin : gen_no_res
    assign res_due = 1'b0;
    assign f_addr_o = f_ptr_q;
  end

  // Padding.
  logic pad;
  if (HasPadding) begin : gen_pad
    tf2_padding #(
      .FieldBits(FieldBits),
      .CoordBits(CoordBits)
    ) u_padding (
      .clk_i(clk_i),
      .fld_we_i(fld_we_i),
      .fld_idx_i(fld_idx_i),
      .fld_data_i(fld_data_i),
      .step_i(step),
      .end_i(end_q[4:0]),
      .pad_o(pad)
    );
  end else begin : gen_no_pad
    assign pad = 1'b0;
    logic unused;
    assign unused = ^end_q[1:0];
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && exec_i) begin
      assert (!(step && res_slot));             // one slot a cycle
      assert (!(f_re_o && stall_i));            // none while the feature memory is busy
      if (step && first_q) assert (!load_i);    // windows begin while the layer executes
    end
  end
`endif

  // Tags, one cycle later, beside the words.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tag_step_o <= 1'b0;
      tag_res_o <= 1'b0;
    end else begin
      tag_step_o <= step;
      tag_res_o <= res_slot;
    end
    tag_pad_o <= pad;
    tag_first_o <= first_q;
    tag_last_o <= step && last && !pool;
    tag_pool_o <= step && last && pool;
    tag_row_o <= end_q[3];
    tag_tile_o <= end_q[4];
    tag_fin_o <= end_q[5];
  end
endmodule
