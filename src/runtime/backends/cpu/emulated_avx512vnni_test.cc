// The kernels for AVX-512 VNNI on emulated instructions.
#include "runtime/backends/cpu/emulated.h"

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#include "runtime/backends/cpu/emulated_512.h"

#define Avx512VnniKernels EmulatedAvx512VnniKernels
#include "runtime/backends/cpu/kernels_avx512vnni.cc"

#else

namespace tf2::runtime::cpu {
const KernelSet* EmulatedAvx512VnniKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
