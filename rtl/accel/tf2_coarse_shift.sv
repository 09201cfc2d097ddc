// Arithmetic right shift by 0, 16 or 32 that keeps the low bits and says whether the value fits them.
//
// Latency: combinational.
// Limits: shift_i 3 counts as 32; InBits >= 34.
module tf2_coarse_shift #(
  parameter int unsigned InBits = 40,
  parameter int unsigned OutBits = 33
) (
  input  logic [InBits-1:0]  value_i, // two's complement
  input  logic [1:0]         shift_i, // shift / 16
  output logic [OutBits-1:0] value_o, // low bits of the shifted value; the top one is the sign even if it does not fit
  output logic               over_o   // the shifted value does not fit
);
  localparam int unsigned By16Bits = InBits - 16;
  localparam int unsigned By32Bits = InBits - 32;

  logic sign, over0, over16, over32;
  logic [OutBits-1:0] by0, by16, by32;

  assign sign = value_i[InBits-1];

  if (InBits > OutBits) begin : gen_cut0
    assign by0 = {sign, value_i[OutBits-2:0]};
    assign over0 = value_i[InBits-1:OutBits-1] != {InBits - OutBits + 1{sign}};
  end else begin : gen_all0
    assign by0 = OutBits'($signed(value_i));
    assign over0 = 1'b0;
  end
  if (By16Bits > OutBits) begin : gen_cut16
    assign by16 = {sign, value_i[OutBits+14:16]};
    assign over16 = value_i[InBits-1:OutBits+15] != {By16Bits - OutBits + 1{sign}};
  end else begin : gen_all16
    assign by16 = OutBits'($signed(value_i[InBits-1:16]));
    assign over16 = 1'b0;
  end
  if (By32Bits > OutBits) begin : gen_cut32
    assign by32 = {sign, value_i[OutBits+30:32]};
    assign over32 = value_i[InBits-1:OutBits+31] != {By32Bits - OutBits + 1{sign}};
  end else begin : gen_all32
    assign by32 = OutBits'($signed(value_i[InBits-1:32]));
    assign over32 = 1'b0;
  end

  assign value_o = shift_i[1] ? by32 : shift_i[0] ? by16 : by0;
  assign over_o = shift_i[1] ? over32 : shift_i[0] ? over16 : over0;
endmodule
