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
// `fn` of each of kLanes lanes of the type From, as lanes of the type To.
template <typename Result, typename From, typename To, int kLanes, typename Vector, typename Fn>
Result EachLane(const Vector& v, const Fn& fn) {
  From from[kLanes];
  To to[kLanes];
  std::memcpy(from, &v, sizeof from);
  for (int i = 0; i < kLanes; ++i) to[i] = static_cast<To>(fn(from[i]));
  Result result;
  std::memcpy(&result, to, sizeof result);
  return result;
}
template <typename T>
T Same(T x) {
  return x;
}
// An integer that fits 32 bits, else what the processor has for all others.
inline std::int32_t ToInt32(double x) {
  return x >= -0x1p31 && x < 0x1p31 ? static_cast<std::int32_t>(x)
                                    : std::numeric_limits<std::int32_t>::min();
}
inline simde__m512 _mm512_cvtepi32_ps(simde__m512i words) {
  return EachLane<simde__m512, std::int32_t, float, 16>(words, Same<std::int32_t>);
}
inline simde__m512i _mm512_cvtepu8_epi32(simde__m128i bytes) {
  return EachLane<simde__m512i, std::uint8_t, std::int32_t, 16>(bytes, Same<std::uint8_t>);
}
inline simde__m512d _mm512_cvtps_pd(simde__m256 floats) {
  return EachLane<simde__m512d, float, double, 8>(floats, Same<float>);
}
inline simde__m512d _mm512_cvtepi32_pd(simde__m256i words) {
  return EachLane<simde__m512d, std::int32_t, double, 8>(words, Same<std::int32_t>);
}
inline simde__m512i _mm512_cvttps_epi32(simde__m512 floats) {
  return EachLane<simde__m512i, float, std::int32_t, 16>(floats, ToInt32);
}
inline simde__m256i _mm512_cvttpd_epi32(simde__m512d doubles) {
  return EachLane<simde__m256i, double, std::int32_t, 8>(doubles, ToInt32);
}
inline simde__m512i _mm512_cvt_roundps_epi32(simde__m512 floats, int /*rounding*/) {
  return EachLane<simde__m512i, float, std::int32_t, 16>(
      floats, [](float x) { return ToInt32(std::floor(x)); });
}
inline simde__m128i _mm512_cvtepi32_epi8(simde__m512i words) {
  return EachLane<simde__m128i, std::uint32_t, std::uint8_t, 16>(words, Same<std::uint32_t>);
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
// NOLINTEND(bugprone-*)

#define TF2_EMULATE_ISA

#endif  // TF2_RUNTIME_BACKENDS_CPU_EMULATED_512_H_
