// Local response normalisation in registers of 256 bits. Included by kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_LRN_256_H_
#define TF2_RUNTIME_BACKENDS_CPU_LRN_256_H_

#include <cstdint>

#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Normalizer256 {
  // The factors of two patterns: low, diff, low, diff.
  static __m128 TwoFactors(const LrnFactors* factors, const std::int32_t* patterns) {
    static_assert(sizeof(LrnFactors) == 8);
    const auto at = [&](int i) {
      return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(factors + patterns[i]));
    };
    return _mm_castsi128_ps(_mm_unpacklo_epi64(at(0), at(1)));
  }

  // 128 more than the results of 4 channels, from 0 to 255 but for negative ones.
  static __m128i NormalizeFour(const LrnStep& step, __m128 values, __m128i rests,
                               const std::int32_t* patterns) {
    const __m128 first = TwoFactors(step.factors, patterns);
    const __m128 second = TwoFactors(step.factors, patterns + 2);
    const __m256d low = _mm256_cvtps_pd(_mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0)));
    const __m256d diff = _mm256_cvtps_pd(_mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1)));
    const __m256d rest = _mm256_mul_pd(_mm256_cvtepi32_pd(rests), _mm256_set1_pd(kLrnRestUnit));
    const __m256d scaled = _mm256_mul_pd(_mm256_cvtps_pd(values), _mm256_set1_pd(step.unit));
    const __m256d v =
        _mm256_add_pd(_mm256_mul_pd(scaled, _mm256_add_pd(low, _mm256_mul_pd(diff, rest))),
                      _mm256_set1_pd(128.5));
    return _mm256_cvttpd_epi32(_mm256_min_pd(v, _mm256_set1_pd(255.0)));
  }

  // The bits of eight windows' sums, floats that are integers below 2^24.
  static __m256i SumsOfEight(const LrnStep& step, const float* squares) {
    __m256 sums = _mm256_loadu_ps(squares);
    for (int k = 1; k < step.size; ++k) sums = _mm256_add_ps(sums, _mm256_loadu_ps(squares + k));
    return _mm256_castps_si256(sums);
  }

  // Of results and 128, from 0 to 255 but for negative ones, which saturate to 0.
  static void StoreEight(const LrnStep& step, __m128i first, __m128i second, std::uint8_t* out) {
    const __m128i words = _mm_packus_epi32(first, second);
    const __m128i bytes = _mm_add_epi8(_mm_packus_epi16(words, words),
                                       _mm_set1_epi8(static_cast<char>(step.zero_out - 128)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), bytes);
  }

  static void NormalizeEight(const LrnStep& step, const float* values, const float* squares,
                             std::uint8_t* out) {
    const __m256i bits = SumsOfEight(step, squares);
    const __m256i pattern = _mm256_sub_epi32(_mm256_srai_epi32(bits, kLrnRestBits),
                                             _mm256_set1_epi32(kLrnFirstPattern));
    alignas(32) std::int32_t patterns[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(patterns),
                       _mm256_max_epi32(pattern, _mm256_setzero_si256()));
    const __m256i rests = _mm256_and_si256(bits, _mm256_set1_epi32((1 << kLrnRestBits) - 1));
    const __m128i first =
        NormalizeFour(step, _mm_loadu_ps(values), _mm256_castsi256_si128(rests), patterns);
    const __m128i second = NormalizeFour(step, _mm_loadu_ps(values + 4),
                                         _mm256_extracti128_si256(rests, 1), patterns + 4);
    StoreEight(step, first, second, out);
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LRN_256_H_
