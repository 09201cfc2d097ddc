// The sequencer, with any descriptor of small loop counts, against plain nested loops.
//
// The reference keeps six loop variables and computes every address as a sum of products; the deltas are assumed to be those that
// the program compiler derives from such strides. Bounded: counts of 1..2 a loop, 3-bit feature and 6-bit weight addresses, as many cycles as run.sh says.
module sequencer_proof #(
  parameter bit AnyStall = 1,    // stalls at any time, otherwise none
  parameter bit AnyStride = 1    // any strides and bases, otherwise fixed ones
) (
  input logic        clk_i,
  input logic        any_stall_i,
  input logic [2:0]  f_base_i,
  input logic [5:0]  w_base_i,
  input logic [5:0]  n_i,        // one bit a loop: count - 1
  input logic [17:0] any_stride_i,   // three bits a loop
  input logic        repeat_i    // the weights of the ic loop for every kernel position, window and tile
);
  logic stall;
  logic [17:0] stride;
  assign stall = AnyStall && any_stall_i;
  assign stride = AnyStride ? any_stride_i : 18'o137251;

  logic load, fld_we, delta_re, f_re, tag_step, tag_res, tag_pad, tag_first, tag_last, tag_pool, tag_row, tag_tile, tag_fin;
  logic [4:0] delta_field;
  logic [2:0] f_addr;
  logic [5:0] w_addr;
  logic [9:0] data;

  // Load: the ten fields that matter, one a cycle, then execution.
  logic [3:0] time_q = 4'd0;
  logic [4:0] fld_idx;
  logic exec, reset;
  assign exec = time_q == 4'd10;
  assign load = !exec;
  assign reset = time_q == 4'd0;
  assign fld_we = load;
  assign fld_idx = time_q == 4'd0 ? 5'd0 : time_q == 4'd1 ? 5'd1 : time_q == 4'd2 ? 5'd3 : 5'(time_q) + 5'd2;
  always_ff @(posedge clk_i) if (!exec) time_q <= time_q + 4'd1;

  // The program memory's deltas: the stride of the loop less what the inner loops had advanced.
  logic [2:0] delta, delta_q, back;
  always_comb begin
    back = 3'd0;
    delta = 3'd0;
    for (int l = 0; l < 6; l++) begin
      if (delta_field == 5'(11 + l)) delta = stride[3*l+:3] - back;
      if (n_i[l]) back = back + stride[3*l+:3];
    end
  end
  always_ff @(posedge clk_i) if (delta_re) delta_q <= delta;

  always_comb begin
    data = {7'd0, delta_q};
    if (load) begin
      unique case (fld_idx)
        5'd0: data = {repeat_i, 9'd0};
        5'd1: data = {7'd0, f_base_i};
        5'd3: data = {4'b0000, w_base_i};
        default: data = {9'd0, n_i[fld_idx-5'd5]};
      endcase
    end
  end

  tf2_sequencer #(
    .FieldBits(10), .CountBits(2), .CoordBits(8), .FeatAddrBits(3), .WeightAddrBits(6), .Planes(1), .Distance(1),
    .HasPadding(0), .HasResidual(0), .HasMaxPool(0), .HasWide(0), .HasRegions(0), .HasRepeat(1)
  ) u_dut (
    .clk_i(clk_i), .rst_ni(!reset), .load_i(load), .exec_i(exec), .fld_we_i(fld_we), .fld_idx_i(fld_idx), .fld_data_i(data),
    .delta_field_o(delta_field), .delta_re_o(delta_re), .stall_i(stall), .f_re_o(f_re), .f_addr_o(f_addr), .w_addr_o(w_addr),
    .tag_step_o(tag_step), .tag_res_o(tag_res), .tag_pad_o(tag_pad), .tag_first_o(tag_first), .tag_last_o(tag_last),
    .tag_pool_o(tag_pool), .tag_row_o(tag_row), .tag_tile_o(tag_tile), .tag_fin_o(tag_fin)
  );

  // What happens in the cycle of the reset does not count.
  logic issued;
  assign issued = f_re && !reset;

  // Reference: loop variables, one bit each, innermost first; they advance with every step that is issued.
  logic [5:0] i_q = 6'd0;
  logic done_q = 1'b0, started_q = 1'b0;
  logic [2:0] want_f;
  logic [5:0] want_w, at_end, length, tiles_before, step_in_window;
  logic [5:0] next_i;
  logic carry;
  always_comb begin
    want_f = f_base_i;
    for (int l = 0; l < 6; l++) if (i_q[l]) want_f = want_f + stride[3*l+:3];
    at_end = ~(i_q ^ n_i);
    length = 6'd1 << (2'(n_i[0]) + 2'(n_i[1]) + 2'(n_i[2]));
    step_in_window = 6'(i_q[0]) + (i_q[1] ? 6'd1 + 6'(n_i[0]) : 6'd0) + (i_q[2] ? (6'd1 + 6'(n_i[0])) << n_i[1] : 6'd0);
    tiles_before = i_q[5] ? length : 6'd0;
    want_w = w_base_i + (repeat_i ? 6'(i_q[0]) : tiles_before + step_in_window);
    carry = 1'b1;
    next_i = i_q;
    for (int l = 0; l < 6; l++) begin
      if (carry) begin
        next_i[l] = !at_end[l];
        carry = at_end[l];
      end
    end
  end

  // What the tags beside the words must be.
  logic step_q = 1'b0, first_q, last_q, row_q, tile_q, fin_q;
  always_ff @(posedge clk_i) begin
    if (exec) started_q <= 1'b1;
    step_q <= issued;
    first_q <= i_q[2:0] == 3'd0;
    last_q <= &at_end[2:0];
    row_q <= &at_end[3:0];
    tile_q <= &at_end[4:0];
    fin_q <= &at_end;
    if (issued) begin
      i_q <= next_i;
      done_q <= &at_end;
    end
    if (issued && (&at_end)) done_q <= 1'b1;
  end

  // The inputs that describe the layer stand still.
  logic [33:0] layer, held_q;
  logic held_valid_q = 1'b0;
  assign layer = {f_base_i, w_base_i, n_i, stride, repeat_i};
  always_ff @(posedge clk_i) begin
    held_q <= layer;
    held_valid_q <= 1'b1;
  end

  always_comb begin
    assume (!held_valid_q || (held_q == layer));
    if (issued) begin
      assert (exec && !stall && !done_q);
      assert (f_addr == want_f);
      assert (w_addr == want_w);
    end
    // One step a cycle: from the second cycle of execution on, nothing but a stall or the end stops it.
    if (started_q && !stall && !done_q) assert (f_re);
    if (!reset) assert (tag_step == step_q);
    if (step_q && (!reset)) begin
      assert (tag_first == first_q);
      assert (tag_last == last_q);
      if (last_q) assert ((tag_row == row_q) && (tag_tile == tile_q) && (tag_fin == fin_q));
    end
    if (!reset) assert (!tag_res && !(tag_step && tag_pool));
  end
endmodule
