// The CPU backend: blocked, threaded kernels for several instruction sets, bit-identical to the
// interpreter for every QNet.
#ifndef TF2_RUNTIME_BACKENDS_CPU_CPU_H_
#define TF2_RUNTIME_BACKENDS_CPU_CPU_H_

#include "runtime/device.h"

namespace tf2::runtime {

// Backend "cpu". DeviceOptions::threads: frames of a batch are shared by the threads where there
// are enough, else the operators of each frame are. DeviceOptions::isa, else the environment
// variable TF2_CPU_ISA ("portable", "avx2", "avx512vnni"), else the best of the machine chooses the
// kernels; Device::isa tells. Materialises every tensor.
BackendFactory CpuBackend();

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BACKENDS_CPU_CPU_H_
