#include "numerics/quantize_row.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <bit>
#include <cmath>

namespace tf2::numerics {

#if defined(__SSE2__)
namespace {

// Four values as QuantizeRow has them.
__m128i Round4(const float* x, __m128 scale) {
  const __m128 values = _mm_loadu_ps(x);
  // The second operand where one is NaN, which the last line takes back.
  const __m128 v =
      _mm_max_ps(_mm_min_ps(_mm_mul_ps(values, scale), _mm_set1_ps(127.0F)), _mm_set1_ps(-128.0F));
  // The integer next to v, of two the even one: the difference tells where a half was rounded down.
  const __m128i nearest = _mm_cvtps_epi32(v);
  const __m128 rest = _mm_sub_ps(v, _mm_cvtepi32_ps(nearest));
  const __m128i less_one = _mm_castps_si128(_mm_cmpeq_ps(rest, _mm_set1_ps(0.5F)));
  return _mm_and_si128(_mm_sub_epi32(nearest, less_one),
                       _mm_castps_si128(_mm_cmpord_ps(values, values)));
}

// As many of the first values as come in sixteens; returns how many.
std::size_t QuantizeSixteens(std::span<const float> x, float scale, std::int8_t* out) {
  const __m128 scales = _mm_set1_ps(scale);
  std::size_t i = 0;
  for (; i + 16 <= x.size(); i += 16) {
    const float* const from = x.data() + i;
    const __m128i first = _mm_packs_epi32(Round4(from, scales), Round4(from + 4, scales));
    const __m128i second = _mm_packs_epi32(Round4(from + 8, scales), Round4(from + 12, scales));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_packs_epi16(first, second));
  }
  return i;
}

}  // namespace
#endif

#if defined(__x86_64__)
namespace {

// Eight values, as Round4.
[[gnu::target("avx2")]] inline __m256i Round8(const float* x, __m256 scale) {
  const __m256 values = _mm256_loadu_ps(x);
  const __m256 v = _mm256_max_ps(
      _mm256_min_ps(_mm256_mul_ps(values, scale), _mm256_set1_ps(127.0F)), _mm256_set1_ps(-128.0F));
  const __m256i nearest = _mm256_cvtps_epi32(v);
  const __m256 rest = _mm256_sub_ps(v, _mm256_cvtepi32_ps(nearest));
  const __m256i less_one =
      _mm256_castps_si256(_mm256_cmp_ps(rest, _mm256_set1_ps(0.5F), _CMP_EQ_OQ));
  return _mm256_and_si256(_mm256_sub_epi32(nearest, less_one),
                          _mm256_castps_si256(_mm256_cmp_ps(values, values, _CMP_ORD_Q)));
}

// As many of the first values as come in thirty-twos; returns how many.
[[gnu::target("avx2")]] std::size_t QuantizeThirtyTwos(std::span<const float> x, float scale,
                                                       std::int8_t* out) {
  const __m256 scales = _mm256_set1_ps(scale);
  // Packing leaves fours of values in the order 0 2 4 6 1 3 5 7.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  std::size_t i = 0;
  for (; i + 32 <= x.size(); i += 32) {
    const float* const from = x.data() + i;
    const __m256i first = _mm256_packs_epi32(Round8(from, scales), Round8(from + 8, scales));
    const __m256i second = _mm256_packs_epi32(Round8(from + 16, scales), Round8(from + 24, scales));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second), order));
  }
  return i;
}

}  // namespace
#endif

void QuantizeRow(std::span<const float> x, int q, std::int8_t* out) {
  // x * 2^q is exact in float where it is neither beyond the bounds nor so small that it gives 0.
  // The sum with `kRounder` is the integer next to it, of two the even one; the difference from
  // that is exact, and tells where a half was rounded down.
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23
  const float scale = std::ldexp(1.0F, q);
  std::size_t i = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) i = QuantizeThirtyTwos(x, scale, out);
#endif
#if defined(__SSE2__)
  i += QuantizeSixteens(x.subspan(i), scale, out + i);
#endif
  for (; i < x.size(); ++i) {
    float v = x[i] * scale;
    v = v < 127.0F ? v : 127.0F;  // NaN too, which the last line takes back
    v = v > -128.0F ? v : -128.0F;
    const float sum = v + kRounder;
    const int nearest = std::bit_cast<int>(sum) - std::bit_cast<int>(kRounder);
    const int rounded = nearest + (v - (sum - kRounder) == 0.5F ? 1 : 0);
    out[i] = static_cast<std::int8_t>(x[i] == x[i] ? rounded : 0);
  }
}

}  // namespace tf2::numerics
