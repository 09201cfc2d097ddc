// The kernels for AVX-512 VNNI on emulated instructions.
#include "runtime/backends/cpu/emulated.h"

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>

// What the emulation leaves out.
#define __mmask16 simde__mmask16
inline simde__m512i _mm512_cvtepi8_epi32(simde__m128i bytes) {
  std::int8_t from[16];
  std::int32_t to[16];
  std::memcpy(from, &bytes, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = from[i];
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}

#define TF2_EMULATE_ISA
#define Avx512VnniKernels EmulatedAvx512VnniKernels
#include "runtime/backends/cpu/kernels_avx512vnni.cc"

#else

namespace tf2::runtime::cpu {
const KernelSet* EmulatedAvx512VnniKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
