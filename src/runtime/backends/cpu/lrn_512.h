// Local response normalisation in registers of 512 bits. Included by kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_LRN_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_LRN_512_H_

#include <cstdint>

#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/lrn_256.h"

namespace tf2::runtime::cpu {
namespace {

struct Normalizer512 : Normalizer256 {
  static __m256i UpperHalf(__m512i v) { return _mm512_extracti64x4_epi64(v, 1); }

  // As NormalizeEight of 16 channels, in float; false, and nothing done, where a result is so near
  // to another one that float cannot tell which it is. The factor and what is rounded have one
  // rounding each, of 2^-23 of them at most in any rounding mode: together less than 2^-14 where
  // the result does not saturate.
  static bool NormalizeSixteen(const LrnStep& step, const float* values, const float* squares,
                               std::uint8_t* out) {
    constexpr float kMargin = 1.0F / (1 << 13);
    __m512 sums = _mm512_loadu_ps(squares);  // integers below 2^24
    for (int k = 1; k < step.size; ++k) sums = _mm512_add_ps(sums, _mm512_loadu_ps(squares + k));
    const __m512i bits = _mm512_castps_si512(sums);
    const __m512i pattern = _mm512_max_epi32(_mm512_sub_epi32(_mm512_srli_epi32(bits, kLrnRestBits),
                                                              _mm512_set1_epi32(kLrnFirstPattern)),
                                             _mm512_setzero_si512());
    static_assert(sizeof(LrnFactors) == 8);
    const __m512 first = _mm512_castsi512_ps(
        _mm512_i32gather_epi64(_mm512_castsi512_si256(pattern), step.factors, sizeof(LrnFactors)));
    const __m512 second = _mm512_castsi512_ps(
        _mm512_i32gather_epi64(UpperHalf(pattern), step.factors, sizeof(LrnFactors)));
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512 low = _mm512_permutex2var_ps(first, even, second);
    const __m512 diff =
        _mm512_permutex2var_ps(first, _mm512_add_epi32(even, _mm512_set1_epi32(1)), second);
    const __m512 rest = _mm512_mul_ps(
        _mm512_cvtepi32_ps(_mm512_and_si512(bits, _mm512_set1_epi32((1 << kLrnRestBits) - 1))),
        _mm512_set1_ps(static_cast<float>(kLrnRestUnit)));
    const __m512 scaled =
        _mm512_mul_ps(_mm512_loadu_ps(values), _mm512_set1_ps(static_cast<float>(step.unit)));
    const __m512 v =
        _mm512_fmadd_ps(scaled, _mm512_fmadd_ps(diff, rest, low), _mm512_set1_ps(128.5F));
    const __m512 down = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __m512 above = _mm512_sub_ps(v, down);  // exact
    const __mmask16 near = _mm512_cmp_ps_mask(above, _mm512_set1_ps(kMargin), _CMP_LT_OQ) |
                           _mm512_cmp_ps_mask(above, _mm512_set1_ps(1 - kMargin), _CMP_GT_OQ);
    if (near != 0) return false;
    // 128 more than the results.
    const __m512i results = _mm512_cvttps_epi32(
        _mm512_max_ps(_mm512_min_ps(down, _mm512_set1_ps(255.0F)), _mm512_setzero_ps()));
    const __m128i bytes = _mm_add_epi8(_mm512_cvtepi32_epi8(results),
                                       _mm_set1_epi8(static_cast<char>(step.zero_out - 128)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
    return true;
  }

  static void NormalizeEight(const LrnStep& step, const float* values, const float* squares,
                             std::uint8_t* out) {
    const __m256i bits = SumsOfEight(step, squares);
    const __m256i pattern = _mm256_max_epi32(_mm256_sub_epi32(_mm256_srai_epi32(bits, kLrnRestBits),
                                                              _mm256_set1_epi32(kLrnFirstPattern)),
                                             _mm256_setzero_si256());
    // `low` in the lower half of each.
    static_assert(sizeof(LrnFactors) == 8);
    const __m512i factors = _mm512_i32gather_epi64(pattern, step.factors, sizeof(LrnFactors));
    const auto widen = [](__m512i halves) {
      return _mm512_cvtps_pd(_mm256_castsi256_ps(_mm512_cvtepi64_epi32(halves)));
    };
    const __m512d low = widen(factors);
    const __m512d diff = widen(_mm512_srli_epi64(factors, 32));
    const __m512d rest = _mm512_mul_pd(
        _mm512_cvtepi32_pd(_mm256_and_si256(bits, _mm256_set1_epi32((1 << kLrnRestBits) - 1))),
        _mm512_set1_pd(kLrnRestUnit));
    const __m512d scaled =
        _mm512_mul_pd(_mm512_cvtps_pd(_mm256_loadu_ps(values)), _mm512_set1_pd(step.unit));
    const __m512d v =
        _mm512_add_pd(_mm512_mul_pd(scaled, _mm512_add_pd(low, _mm512_mul_pd(diff, rest))),
                      _mm512_set1_pd(128.5));
    const __m256i results = _mm512_cvttpd_epi32(_mm512_min_pd(v, _mm512_set1_pd(255.0)));
    StoreEight(step, _mm256_castsi256_si128(results), _mm256_extracti128_si256(results, 1), out);
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LRN_512_H_
