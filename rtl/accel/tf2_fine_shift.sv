// Arithmetic right shift by 0..15 that keeps the low bits and says whether the value fits them.
//
// Latency: combinational, four levels: 8, 4, 2, 1, each only as wide as the next one needs.
// Limits: the input has OutBits + 15 bits.
module tf2_fine_shift #(
  parameter int unsigned OutBits = 18
) (
  input  logic [OutBits+14:0] value_i, // two's complement
  input  logic [3:0]          shift_i, // shift
  output logic [OutBits-1:0]  value_o, // low bits of the shifted value
  output logic                over_o   // the shifted value does not fit
);
  logic sign;
  logic [OutBits+6:0] by8;
  logic [OutBits+2:0] by4;
  logic [OutBits:0]   by2;
  logic over8, over4, over2, over1;

  // A level that does not shift loses the bits above the next level's top: they must equal the sign, as must that top bit.
  assign sign = value_i[OutBits+14];
  assign by8 = shift_i[3] ? value_i[OutBits+14:8] : value_i[OutBits+6:0];
  assign over8 = !shift_i[3] && (value_i[OutBits+14:OutBits+6] != {9{sign}});
  assign by4 = shift_i[2] ? by8[OutBits+6:4] : by8[OutBits+2:0];
  assign over4 = !shift_i[2] && (by8[OutBits+6:OutBits+2] != {5{sign}});
  assign by2 = shift_i[1] ? by4[OutBits+2:2] : by4[OutBits:0];
  assign over2 = !shift_i[1] && (by4[OutBits+2:OutBits] != {3{sign}});
  assign value_o = shift_i[0] ? by2[OutBits:1] : by2[OutBits-1:0];
  assign over1 = !shift_i[0] && (by2[OutBits:OutBits-1] != {2{sign}});
  assign over_o = over8 || over4 || over2 || over1;
endmodule
