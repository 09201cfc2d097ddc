// Kernels for instruction sets that the machine of the tests may lack, compiled against emulated
// instructions. Null where the headers that emulate them (libsimde-dev) are not installed.
#ifndef TF2_RUNTIME_BACKENDS_CPU_EMULATED_H_
#define TF2_RUNTIME_BACKENDS_CPU_EMULATED_H_

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// The portable kernels without SSE2.
const KernelSet* PlainPortableKernels();
const KernelSet* EmulatedAvxVnniKernels();
const KernelSet* EmulatedAvx512VnniKernels();

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_EMULATED_H_
