// Requantisation in registers of 256 bits: completes `Isa` of the kernels for AVX2 and AVX-VNNI.
// Included by their kernels_*.cc files only, after accumulate_impl.h.
#ifndef TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_
#define TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Isa : Accumulator {
  static Sums FromChannels(const std::int32_t* sums) {
    const __m256i first = Load(sums);
    const __m256i second = Load(sums + 8);
    return {{_mm256_permute2x128_si256(first, second, 0x20),
             _mm256_permute2x128_si256(first, second, 0x31)}};
  }

  static __m128i Load128(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }

  // 8 results of vector v, before saturation. Products of even slots are shifted down to the lower
  // half of 64 bits, those of odd ones up to the upper half.
  static __m256i Scale(const FastRequantization& r, int v, __m256i sums) {
    const __m256i alpha = Load(r.alpha + v * kLanes);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, alpha), Load(r.half_even + v * 4));
    const __m256i odd = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(alpha, 32)),
        Load(r.half_odd + v * 4));
    return Join(r, v, even, odd);
  }

  static __m256i ScaleWithResidual(const FastRequantization& r, int v, __m256i sums,
                                   __m256i residual) {
    const __m256i alpha = Load(r.alpha + v * kLanes);
    const __m256i factor = Load(r.residual + v * kLanes);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, alpha), Load(r.half_even + v * 4));
    __m256i odd = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(alpha, 32)),
        Load(r.half_odd + v * 4));
    even = _mm256_add_epi64(even, _mm256_mul_epi32(residual, factor));
    odd = _mm256_add_epi64(
        odd, _mm256_mul_epi32(_mm256_srli_epi64(residual, 32), _mm256_srli_epi64(factor, 32)));
    return Join(r, v, even, odd);
  }

  static __m256i Join(const FastRequantization& r, int v, __m256i even, __m256i odd) {
    return _mm256_blend_epi32(_mm256_srlv_epi64(even, Load(r.right_even + v * 4)),
                              _mm256_sllv_epi64(odd, Load(r.left_odd + v * 4)), 0xAA);
  }

  static void StoreFast(const Sink& sink, const FastRequantization& r, const Sums& sums,
                        const std::uint8_t* residual, std::uint8_t* out, int n) {
    __m256i first, second;
    if (sink.has_residual) {
      alignas(16) std::uint8_t bytes[kTile] = {};
      if (n < kTile) {
        std::memcpy(bytes, residual, static_cast<std::size_t>(n));
        residual = bytes;
      }
      const __m256i words = _mm256_cvtepi8_epi16(
          _mm_xor_si128(Load128(residual), _mm_set1_epi8(static_cast<char>(sink.residual_zero))));
      first = ScaleWithResidual(r, 0, sums.vector[0],
                                _mm256_srai_epi32(_mm256_unpacklo_epi16(words, words), 16));
      second = ScaleWithResidual(r, 1, sums.vector[1],
                                 _mm256_srai_epi32(_mm256_unpackhi_epi16(words, words), 16));
    } else {
      first = Scale(r, 0, sums.vector[0]);
      second = Scale(r, 1, sums.vector[1]);
    }
    const __m256i words = _mm256_packs_epi32(first, second);
    __m128i y = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    y = _mm_min_epi8(_mm_max_epi8(y, Load128(r.low)), Load128(r.high));
    y = _mm_xor_si128(y, _mm_set1_epi8(static_cast<char>(sink.zero)));
    if (n >= kTile) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), y);
      return;
    }
    alignas(16) std::uint8_t bytes[kTile];
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes), y);
    std::memcpy(out, bytes, static_cast<std::size_t>(n));
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_
