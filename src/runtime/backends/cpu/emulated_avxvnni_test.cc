// The kernels for AVX-VNNI on emulated instructions.
#include "runtime/backends/cpu/emulated.h"

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
// NOLINTBEGIN(bugprone-reserved-identifier): the compiler's names
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32
#define _mm256_dpwssd_avx_epi32 simde_mm256_dpwssd_epi32
// NOLINTEND(bugprone-reserved-identifier)

#define TF2_EMULATE_ISA
#define AvxVnniKernels EmulatedAvxVnniKernels
#include "runtime/backends/cpu/kernels_avxvnni.cc"

#else

namespace tf2::runtime::cpu {
const KernelSet* EmulatedAvxVnniKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
