// The loop counters of a layer: tile, oy, ox, ky, kx, ic, the last innermost.
//
// Function: describes the step that follows: first of its window, and which loops are at their last iteration.
// Latency: counters stand at zero in the first cycle after load_i; adv_i moves to the next step at the end of the cycle.
// Throughput: one step a cycle.
// Reset: none, load_i precedes every layer.
// Limits: counts fit CountBits.
module tf2_loops #(
  parameter int unsigned FieldBits = 16,
  parameter int unsigned CountBits = 16
) (
  input  logic                 clk_i,
  input  logic                 load_i,     // a descriptor is being loaded: all counters to zero
  input  logic                 fld_we_i,   // keep a field
  input  logic [4:0]           fld_idx_i,  // its number
  input  logic [FieldBits-1:0] fld_data_i, // its value
  input  logic                 adv_i,      // the step is taken over
  output logic                 valid_o,    // there is a step
  output logic                 first_o,    // the first of its window
  output logic [5:0]           end_o,      // bit l: loops 0..l (0 is ic) are all at their last iteration
  output logic [4:0]           field_o     // field of the pointer's delta after this step
);
  logic [CountBits*6-1:0] max_q, cnt_q;
  logic [5:0] at_end, carry;  // carry[l]: loop l - 1 ends

  assign carry = {at_end[4:0], 1'b1};

  for (genvar l = 0; l < 6; l++) begin : gen_loop
    localparam logic [4:0] Field = 5'(5 + l);
    logic [CountBits-1:0] cnt;

    assign cnt = cnt_q[CountBits*l+:CountBits];
    assign at_end[l] = cnt == max_q[CountBits*l+:CountBits];

    always_ff @(posedge clk_i) begin
      if (fld_we_i && (fld_idx_i == Field)) max_q[CountBits*l+:CountBits] <= fld_data_i[CountBits-1:0];
    end

    assign end_o[l] = &at_end[l:0];

    always_ff @(posedge clk_i) begin
      if (load_i) cnt_q[CountBits*l+:CountBits] <= '0;
      else if (adv_i && (&carry[l:0])) cnt_q[CountBits*l+:CountBits] <= at_end[l] ? '0 : cnt + 1'b1;
    end
  end

  always_comb begin
    unique case (1'b1)
      !end_o[0]: field_o = 5'd11;
      !end_o[1] && end_o[0]: field_o = 5'd12;
      !end_o[2] && end_o[1]: field_o = 5'd13;
      !end_o[3] && end_o[2]: field_o = 5'd14;
      !end_o[4] && end_o[3]: field_o = 5'd15;
      default: field_o = 5'd16;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      valid_o <= 1'b1;
      first_o <= 1'b1;
    end else if (adv_i) begin
      valid_o <= !end_o[5];
      first_o <= end_o[2];
    end
  end

  logic unused;
  assign unused = ^fld_data_i;
endmodule
