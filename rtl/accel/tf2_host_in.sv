// Collects the bits of the input stream into beats, low bits first.
//
// Latency: a beat is offered in the cycle after its last bits were taken.
// Throughput: PortBits a cycle as long as beats are taken when offered.
// Handshake: ready/valid on both sides; a beat that is not taken stops the stream.
// Reset: no beat offered, no bits collected.
// Limits: PortBits divides BeatBits, both powers of two.
module tf2_host_in #(
  parameter int unsigned PortBits = 8,
  parameter int unsigned BeatBits = 16
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                in_valid_i,    // stream: bits offered
  input  logic [PortBits-1:0] in_data_i,     // stream: bits
  output logic                in_ready_o,    // stream: bits taken
  output logic                beat_valid_o,  // beat offered
  output logic [BeatBits-1:0] beat_o,        // beat
  input  logic                beat_ready_i   // beat taken
);
  localparam int unsigned Parts = BeatBits / PortBits;

  logic [BeatBits-1:0] data_q;
  logic full_q, take, last;

  assign in_ready_o = !full_q || beat_ready_i;
  assign take = in_valid_i && in_ready_o;
  assign beat_valid_o = full_q;
  assign beat_o = data_q;

  if (Parts == 1) begin : gen_whole
    assign last = 1'b1;
    always_ff @(posedge clk_i) begin
      if (take) data_q <= in_data_i;
    end
  end else begin : gen_parts
    localparam int unsigned CntBits = $clog2(Parts);
    logic [CntBits-1:0] cnt_q;
    assign last = &cnt_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) cnt_q <= '0;
      else if (take) cnt_q <= cnt_q + 1'b1;
    end
    always_ff @(posedge clk_i) begin
      if (take) data_q <= {in_data_i, data_q[BeatBits-1:PortBits]};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) full_q <= 1'b0;
    else if (take) full_q <= last;
    else if (beat_ready_i) full_q <= 1'b0;
  end
endmodule
