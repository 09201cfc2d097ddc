// The generated part of the hardware: a top module that instantiates rtl/accel/tf2_engine.sv with
// the parameters of one configuration, and the pin constraints of a device.
#ifndef TF2_CODEGEN_RTL_TOP_H_
#define TF2_CODEGEN_RTL_TOP_H_

#include <cstdint>
#include <string>

#include "arch/arch.h"

namespace tf2::codegen::rtl {

enum class Target : std::uint8_t {
  kSimulation,  // fast lanes, the ports running_o and layer_done_o
  kDevice,      // structural lanes, pins only
};

// SystemVerilog of module `tf2_top`: ports clk_i, rst_ni, in_valid_i, in_data_i, in_ready_o,
// out_valid_o, out_data_o, out_ready_i, running_o and, for simulation, layer_done_o. `use_spram`:
// features in large single-port RAMs (iCE40 UP5K). Deterministic.
std::string TopModule(const arch::Arch& arch, Target target, bool use_spram = false);

}  // namespace tf2::codegen::rtl

#endif  // TF2_CODEGEN_RTL_TOP_H_
