// The CPU backend: blocked, threaded kernels for several instruction sets, bit-identical to the
// interpreter for every QNet.
#ifndef TF2_RUNTIME_BACKENDS_CPU_CPU_H_
#define TF2_RUNTIME_BACKENDS_CPU_CPU_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace tf2::runtime {

// Backend "cpu". DeviceOptions::threads: frames of a batch are shared by the threads where there
// are enough, else the operators of each frame are. DeviceOptions::isa, else the environment
// variable TF2_CPU_ISA ("portable", "avx2", "avxvnni", "avx512vnni", "amx"), else the best of the
// machine chooses the kernels; Device::isa tells. Materialises every tensor.
BackendFactory CpuBackend();

// What one operator of a network costs.
struct LayerTime {
  std::string name;
  const char* kind = "";  // qnet::KindName
  double seconds = 0;     // the least of all rounds
  std::int64_t macs = 0;
  // What must be read or written once: inputs, output and weights as they are packed.
  std::int64_t bytes = 0;
};

// Times every operator over `rounds` frames of zeros, on the threads and instruction set of
// `options`. Errors: those of opening and loading the device.
Result<std::vector<LayerTime>> ProfileCpu(const LoadedModel& model, const DeviceOptions& options,
                                          int rounds);

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_BACKENDS_CPU_CPU_H_
