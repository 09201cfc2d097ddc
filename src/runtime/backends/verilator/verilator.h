// The simulated engine behind the device interface: loads the shared object that src/build made of
// the RTL, speaks the host port of docs/isa.md with it and counts its cycles. Needs a compiled
// program. DeviceOptions: `simulator` is the shared object (arch.json, its configuration, lies
// beside it), `trace_file` a waveform in FST format.
#ifndef TF2_RUNTIME_BACKENDS_VERILATOR_VERILATOR_H_
#define TF2_RUNTIME_BACKENDS_VERILATOR_VERILATOR_H_

#include "runtime/device.h"

namespace tf2::runtime {

BackendFactory VerilatorBackend();

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BACKENDS_VERILATOR_VERILATOR_H_
