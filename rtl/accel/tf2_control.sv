// Runs a program: loads the descriptors one after the other and lets the sequencer execute each.
//
// Function: per layer reads fields 0..29 from the program memory and broadcasts each to the units that keep it, then raises
//   exec_o until the layer's last word is written.
// Latency: 31 cycles of load a layer; layers follow each other without a gap.
// Handshake: start_i is a pulse, taken when idle; run_done_o is a pulse in the last cycle of the last layer.
// Reset: idle.
// Limits: a program starts at a field address that is a multiple of 32.
module tf2_control #(
  parameter int unsigned ProgAddrBits = 8,
  parameter int unsigned FieldBits = 16,
  parameter int unsigned CycleBits = 16
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    start_i,       // start the program
  input  logic [ProgAddrBits-1:0] start_field_i, // at this field
  output logic                    running_o,     // a program runs
  output logic                    run_done_o,    // it ends in this cycle
  output logic [CycleBits-1:0]    cycles_o,      // cycles of the last or present run
  output logic                    load_o,        // a descriptor is being loaded
  output logic                    exec_o,        // a layer executes
  input  logic                    layer_end_i,   // its last word is written in this cycle
  output logic                    layer_done_o,  // the same, for those who count
  input  logic [4:0]              delta_field_i, // field of the pointer delta to read while executing
  input  logic                    delta_re_i,    // read it
  output logic                    prog_re_o,     // program memory: read
  output logic [ProgAddrBits-1:0] prog_addr_o,   // program memory: field
  output logic                    fld_we_o,      // the program memory's output is a field to keep
  output logic [4:0]              fld_idx_o,     // its number
  input  logic [FieldBits-1:0]    fld_data_i     // the program memory's output
);
  localparam logic [4:0] LastLoad = 5'd30;

  typedef enum logic [1:0] {StIdle, StLoad, StExec} state_e;
  state_e state_q;

  logic [ProgAddrBits-6:0] layer_q;
  logic [4:0] fld_q, prev_q;
  logic last_layer_q, we_q;

  assign running_o = state_q != StIdle;
  assign load_o = state_q == StLoad;
  assign exec_o = state_q == StExec;
  assign layer_done_o = exec_o && layer_end_i;
  assign run_done_o = layer_done_o && last_layer_q;
  assign prog_re_o = load_o || delta_re_i;
  assign prog_addr_o = {layer_q, load_o ? fld_q : delta_field_i};
  assign fld_we_o = we_q;
  assign fld_idx_o = prev_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
    end else begin
      unique case (state_q)
        StIdle: if (start_i) state_q <= StLoad;
        StLoad: if (fld_q == LastLoad) state_q <= StExec;
        StExec: if (layer_end_i) state_q <= last_layer_q ? StIdle : StLoad;
        default: state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (!load_o) fld_q <= '0;
    else fld_q <= fld_q + 1'b1;
    prev_q <= fld_q;
    we_q <= load_o && (fld_q != LastLoad);
  end

  always_ff @(posedge clk_i) begin
    if (start_i) layer_q <= start_field_i[ProgAddrBits-1:5];
    else if (layer_done_o) layer_q <= layer_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (fld_we_o && (fld_idx_o == 5'd0)) last_layer_q <= fld_data_i[7];
  end

  always_ff @(posedge clk_i) begin
    if (start_i) cycles_o <= '0;
    else if (running_o) cycles_o <= cycles_o + 1'b1;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && start_i) assert (!running_o && (start_field_i[4:0] == 5'd0));  // idle, and a whole descriptor
    if (rst_ni && layer_end_i) assert (exec_o);  // nothing is written while a descriptor is loaded
  end
`endif

  logic unused;
  assign unused = ^{start_field_i[4:0], fld_data_i};
endmodule
