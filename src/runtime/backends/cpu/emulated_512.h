// AVX-512 on emulated instructions (SIMDe, libsimde-dev), for the tests that compile kernels for
// it. Included by emulated_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

// What the emulation leaves out. NOLINTBEGIN(bugprone-*): the names are the intrinsics'.
#define __mmask16 simde__mmask16
#define __mmask64 simde__mmask64
#define _MM_FROUND_NO_EXC SIMDE_MM_FROUND_NO_EXC
inline simde__m512 _mm512_cvtepi32_ps(simde__m512i words) {
  std::int32_t from[16];
  float to[16];
  std::memcpy(from, &words, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = static_cast<float>(from[i]);
  simde__m512 result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512i _mm512_cvtepi8_epi32(simde__m128i bytes) {
  std::int8_t from[16];
  std::int32_t to[16];
  std::memcpy(from, &bytes, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = from[i];
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512i _mm512_mask_loadu_epi8(simde__m512i others, simde__mmask64 mask,
                                           const void* from) {
  std::uint8_t to[64];
  std::memcpy(to, &others, sizeof to);
  for (int i = 0; i < 64; ++i) {
    if ((mask >> i & 1) != 0) to[i] = static_cast<const std::uint8_t*>(from)[i];
  }
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512i _mm512_maskz_loadu_epi8(simde__mmask64 mask, const void* from) {
  return _mm512_mask_loadu_epi8(simde_mm512_setzero_si512(), mask, from);
}
inline void _mm512_mask_storeu_epi8(void* to, simde__mmask64 mask, simde__m512i bytes) {
  std::uint8_t from[64];
  std::memcpy(from, &bytes, sizeof from);
  for (int i = 0; i < 64; ++i) {
    if ((mask >> i & 1) != 0) static_cast<std::uint8_t*>(to)[i] = from[i];
  }
}
inline float RoundDown(long double x) {
  const auto nearest = static_cast<float>(x);
  return nearest > x ? std::nextafter(nearest, -HUGE_VALF) : nearest;
}
// Rounded down whatever `rounding` is. Sums of few bits are exact in long double.
inline simde__m512 _mm512_fmadd_round_ps(simde__m512 a, simde__m512 b, simde__m512 c,
                                         int /*rounding*/) {
  float x[16], y[16], z[16];
  std::memcpy(x, &a, sizeof x);
  std::memcpy(y, &b, sizeof y);
  std::memcpy(z, &c, sizeof z);
  for (int i = 0; i < 16; ++i) z[i] = RoundDown(static_cast<long double>(x[i]) * y[i] + z[i]);
  simde__m512 result;
  std::memcpy(&result, z, sizeof z);
  return result;
}
inline simde__m512i _mm512_cvt_roundps_epi32(simde__m512 a, int /*rounding*/) {
  float from[16];
  std::int32_t to[16];
  std::memcpy(from, &a, sizeof from);
  for (int i = 0; i < 16; ++i) {
    const float down = std::floor(from[i]);
    to[i] = down >= -0x1p31F && down < 0x1p31F ? static_cast<std::int32_t>(down)
                                               : std::numeric_limits<std::int32_t>::min();
  }
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512i _mm512_i32gather_epi64(simde__m256i index, const void* from, int scale) {
  std::int32_t at[8];
  std::int64_t to[8];
  std::memcpy(at, &index, sizeof at);
  for (int i = 0; i < 8; ++i) {
    std::memcpy(to + i, static_cast<const char*>(from) + std::int64_t{at[i]} * scale, sizeof *to);
  }
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512d _mm512_cvtps_pd(simde__m256 floats) {
  float from[8];
  double to[8];
  std::memcpy(from, &floats, sizeof from);
  for (int i = 0; i < 8; ++i) to[i] = from[i];
  simde__m512d result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512d _mm512_cvtepi32_pd(simde__m256i words) {
  std::int32_t from[8];
  double to[8];
  std::memcpy(from, &words, sizeof from);
  for (int i = 0; i < 8; ++i) to[i] = from[i];
  simde__m512d result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m512i _mm512_cvttps_epi32(simde__m512 floats) {
  float from[16];
  std::int32_t to[16];
  std::memcpy(from, &floats, sizeof from);
  for (int i = 0; i < 16; ++i) {
    to[i] = from[i] >= -0x1p31F && from[i] < 0x1p31F ? static_cast<std::int32_t>(from[i])
                                                     : std::numeric_limits<std::int32_t>::min();
  }
  simde__m512i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m128i _mm512_cvtepi32_epi8(simde__m512i words) {
  std::uint32_t from[16];
  std::uint8_t to[16];
  std::memcpy(from, &words, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = static_cast<std::uint8_t>(from[i]);
  simde__m128i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
inline simde__m256i _mm512_cvttpd_epi32(simde__m512d doubles) {
  double from[8];
  std::int32_t to[8];
  std::memcpy(from, &doubles, sizeof from);
  for (int i = 0; i < 8; ++i) {
    to[i] = from[i] > -0x1p31 && from[i] < 0x1p31 ? static_cast<std::int32_t>(from[i])
                                                  : std::numeric_limits<std::int32_t>::min();
  }
  simde__m256i result;
  std::memcpy(&result, to, sizeof to);
  return result;
}
// NOLINTEND(bugprone-*)

#define TF2_EMULATE_ISA

#endif  // TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_
