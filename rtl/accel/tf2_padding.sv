// Input coordinates of the present step, and whether it lies in the padding.
//
// Function: y = y0 + oy str_y + ky dil_y, x likewise; outside when not (0 <= y < in_h and 0 <= x < in_w).
// Latency: pad_o describes the step that the sequencer holds; step_i moves on at the end of the cycle.
// Throughput: one step a cycle.
// Reset: none, all registers are loaded with the descriptor.
// Limits: coordinates fit CoordBits signed.
module tf2_padding #(
  parameter int unsigned FieldBits = 16,
  parameter int unsigned CoordBits = 16
) (
  input  logic                 clk_i,
  input  logic                 fld_we_i,   // keep a field
  input  logic [4:0]           fld_idx_i,  // its number
  input  logic [FieldBits-1:0] fld_data_i, // its value
  input  logic                 step_i,     // the step is issued
  input  logic [4:0]           end_i,      // bit l: loops 0..l are at their last iteration (ic, kx, ky, ox, oy)
  output logic                 pad_o       // the step lies in the padding
);
  logic check_q;
  logic [CoordBits-1:0] y_q, x_q, y_win_q, x_win_q;  // of the step, of the first step of its window
  logic [CoordBits-1:0] y_first_q, x_first_q;        // of the layer
  logic [CoordBits-1:0] dil_y_q, dil_x_q, str_y_q, str_x_q, in_h_q, in_w_q;
  logic [CoordBits-1:0] value, y_row, x_pixel;

  assign value = fld_data_i[CoordBits-1:0];
  assign y_row = y_win_q + str_y_q;
  assign x_pixel = x_win_q + str_x_q;

  // A negative coordinate is a large one without its sign.
  assign pad_o = check_q && ((y_q >= in_h_q) || (x_q >= in_w_q));

  always_ff @(posedge clk_i) begin
    if (fld_we_i) begin
      unique case (fld_idx_i)
        5'd0: check_q <= fld_data_i[8];
        5'd21: begin
          y_first_q <= value;
          y_win_q <= value;
          y_q <= value;
        end
        5'd22: begin
          x_first_q <= value;
          x_win_q <= value;
          x_q <= value;
        end
        5'd23: dil_y_q <= value;
        5'd24: dil_x_q <= value;
        5'd25: str_y_q <= value;
        5'd26: str_x_q <= value;
        5'd27: in_h_q <= value;
        5'd28: in_w_q <= value;
        default: ;
      endcase
    end else if (step_i && end_i[0]) begin
      if (!end_i[1]) begin
        x_q <= x_q + dil_x_q;
      end else if (!end_i[2]) begin
        x_q <= x_win_q;
        y_q <= y_q + dil_y_q;
      end else if (!end_i[3]) begin
        x_win_q <= x_pixel;
        x_q <= x_pixel;
        y_q <= y_win_q;
      end else begin
        x_win_q <= x_first_q;
        x_q <= x_first_q;
        y_win_q <= end_i[4] ? y_first_q : y_row;
        y_q <= end_i[4] ? y_first_q : y_row;
      end
    end
  end

  logic unused;
  assign unused = ^fld_data_i;
endmodule
