// Sends beats over the output stream, low bits first.
//
// Latency: the first bits are offered in the cycle after the beat was taken.
// Throughput: one beat in BeatBits / PortBits + 1 cycles.
// Handshake: ready/valid on both sides.
// Reset: nothing offered.
// Limits: PortBits divides BeatBits, both powers of two.
module tf2_host_out #(
  parameter int unsigned PortBits = 8,
  parameter int unsigned BeatBits = 16
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                beat_valid_i,  // beat offered
  input  logic [BeatBits-1:0] beat_i,        // beat
  output logic                beat_ready_o,  // beat taken
  output logic                out_valid_o,   // stream: bits offered
  output logic [PortBits-1:0] out_data_o,    // stream: bits
  input  logic                out_ready_i    // stream: bits taken
);
  localparam int unsigned Parts = BeatBits / PortBits;

  logic [BeatBits-1:0] data_q;
  logic valid_q, load, shift, last;

  assign beat_ready_o = !valid_q;
  assign load = beat_valid_i && !valid_q;
  assign shift = valid_q && out_ready_i;
  assign out_valid_o = valid_q;
  assign out_data_o = data_q[PortBits-1:0];

  if (Parts == 1) begin : gen_whole
    assign last = 1'b1;
    always_ff @(posedge clk_i) begin
      if (load) data_q <= beat_i;
    end
  end else begin : gen_parts
    localparam int unsigned CntBits = $clog2(Parts);
    logic [CntBits-1:0] cnt_q;
    assign last = &cnt_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) cnt_q <= '0;
      else if (shift) cnt_q <= cnt_q + 1'b1;
    end
    // While nothing is offered the register may follow beat_i: its value is not seen.
    always_ff @(posedge clk_i) begin
      if (!valid_q) data_q <= beat_i;
      else if (shift) data_q <= {{PortBits{1'b0}}, data_q[BeatBits-1:PortBits]};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (load) valid_q <= 1'b1;
    else if (shift && last) valid_q <= 1'b0;
  end
endmodule
