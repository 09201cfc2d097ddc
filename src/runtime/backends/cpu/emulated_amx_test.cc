// The kernels for AMX on emulated instructions.
#include "runtime/backends/cpu/emulated.h"

namespace tf2::runtime::cpu {
const KernelSet* EmulatedAmxKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu
