// Kernels for instruction sets that the machine of the tests may lack, compiled against emulated
// instructions. Null where the headers that emulate them (libsimde-dev) are not installed.
#ifndef TF2_RUNTIME_BACKENDS_CPU_EMULATED_H_
#define TF2_RUNTIME_BACKENDS_CPU_EMULATED_H_

#include <cstdint>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// The portable kernels without SSE2.
const KernelSet* PlainPortableKernels();
const KernelSet* EmulatedAvxVnniKernels();
const KernelSet* EmulatedAvx512VnniKernels();
const KernelSet* EmulatedAmxKernels();

// What the emulated tile registers of the calling thread are and have done.
struct TileUse {
  bool configured = false;
  std::int64_t dot_products = 0;
  // Loads of features with rows of 64 bytes next to each other, and at other distances.
  std::int64_t dense_loads = 0;
  std::int64_t strided_loads = 0;
};
TileUse EmulatedTileUse();

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_EMULATED_H_
