// Tables of 256 bytes in registers of 512 bits, on machines that permute bytes (AVX-512 VBMI),
// which not all with VNNI do. Included by kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_TABLE_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_TABLE_512_H_

#include <cstdint>

#include "runtime/backends/cpu/intrinsics.h"

namespace tf2::runtime::cpu {
namespace {

#if defined(TF2_EMULATE_ISA)
struct Tables512 {};
#else
struct Tables512 {
  // to[i] = table[from[i]].
  static void LookUp(const std::uint8_t* table, const std::uint8_t* from, std::int64_t count,
                     std::uint8_t* to) {
    std::int64_t i = __builtin_cpu_supports("avx512vbmi") ? LookUpWhole(table, from, count, to) : 0;
    for (; i < count; ++i) to[i] = table[from[i]];
  }

 private:
  // As many of the first as come in 64s; returns how many.
  [[gnu::target("avx512vbmi")]] static std::int64_t LookUpWhole(const std::uint8_t* table,
                                                                const std::uint8_t* from,
                                                                std::int64_t count,
                                                                std::uint8_t* to) {
    const __m512i t0 = _mm512_loadu_si512(table);
    const __m512i t1 = _mm512_loadu_si512(table + 64);
    const __m512i t2 = _mm512_loadu_si512(table + 128);
    const __m512i t3 = _mm512_loadu_si512(table + 192);
    std::int64_t i = 0;
    for (; i + 64 <= count; i += 64) {
      const __m512i x = _mm512_loadu_si512(from + i);
      const __m512i low = _mm512_permutex2var_epi8(t0, x, t1);
      const __m512i high = _mm512_permutex2var_epi8(t2, x, t3);
      _mm512_storeu_si512(to + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high));
    }
    return i;
  }
};
#endif

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_TABLE_512_H_
