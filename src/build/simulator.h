// The engine as a program: Verilator and the compiler turn the RTL of a configuration into a shared
// object that runtime/backends/verilator loads. Built on demand into the cache.
#ifndef TF2_BUILD_SIMULATOR_H_
#define TF2_BUILD_SIMULATOR_H_

#include <string>

#include "arch/arch.h"
#include "base/result.h"

namespace tf2::build {

struct SimulatorOptions {
  bool trace = false;  // can write a waveform; slower
};

// Path of the shared object for `arch`. Takes some tens of seconds the first time. Errors: a
// missing tool (with its package), a failing one with its last lines.
Result<std::string> BuildSimulator(const arch::Arch& arch, const SimulatorOptions& options = {});

// The same for Verilog that a bitstream was decoded into (build/ice40.h): same ports, same shared
// object's interface. `arch`: the configuration that the bitstream was built of.
Result<std::string> BuildDecodedSimulator(const arch::Arch& arch, const std::string& verilog);

}  // namespace tf2::build

#endif  // TF2_BUILD_SIMULATOR_H_
