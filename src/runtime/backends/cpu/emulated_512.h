// AVX-512 on emulated instructions (SIMDe, libsimde-dev), for the tests that compile kernels for
// it. Included by emulated_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>

// What the emulation leaves out. NOLINTBEGIN(bugprone-*): the names are the intrinsics'.
#define __mmask16 simde__mmask16
#define __mmask64 simde__mmask64
inline simde__m512i _mm512_cvtepi8_epi32(simde__m128i bytes) {
  std::int8_t from[16];
  std::int32_t to[16];
  std::memcpy(from, &bytes, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = from[i];
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512i _mm512_maskz_loadu_epi8(simde__mmask64 mask, const void* from) {
  std::uint8_t to[64] = {};
  for (int i = 0; i < 64; ++i) {
    if ((mask >> i & 1) != 0) to[i] = static_cast<const std::uint8_t*>(from)[i];
  }
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
// NOLINTEND(bugprone-*)

#define TF2_EMULATE_ISA

#endif  // TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_
