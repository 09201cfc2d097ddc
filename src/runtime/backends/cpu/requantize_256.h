// Requantisation in registers of 256 bits, for the kernels for AVX2 and AVX-VNNI. Included by
// their kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_
#define TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/accumulate_impl.h"
#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

template <typename P>
struct Requantizer256 : AccumulatorOf<P> {
  using P::Load;

  static __m128i Load128(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }

  // Parameters of 8 channels.
  struct Parameters {
    __m256i alpha_even, alpha_odd, half_even, half_odd, right_even, left_odd;
    __m256i residual_even, residual_odd;
  };
  static Parameters LoadParameters(const FastRequantization& r, int vector) {
    const int narrow = vector * 8;
    const int wide = vector * 4;
    return {Load(r.alpha_even + narrow),    Load(r.alpha_odd + narrow),   Load(r.half_even + wide),
            Load(r.half_odd + wide),        Load(r.right_even + wide),    Load(r.left_odd + wide),
            Load(r.residual_even + narrow), Load(r.residual_odd + narrow)};
  }

  // 8 results before saturation. Products of even channels are shifted down to the lower half of 64
  // bits, those of odd ones up to the upper half.
  template <bool kResidual>
  static __m256i Scale(const Parameters& p, __m256i sums, __m256i residual) {
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, p.alpha_even), p.half_even);
    __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(sums, 32), p.alpha_odd), p.half_odd);
    if constexpr (kResidual) {
      even = _mm256_add_epi64(even, _mm256_mul_epi32(residual, p.residual_even));
      odd =
          _mm256_add_epi64(odd, _mm256_mul_epi32(_mm256_srli_epi64(residual, 32), p.residual_odd));
    }
    return _mm256_blend_epi32(_mm256_srlv_epi64(even, p.right_even),
                              _mm256_sllv_epi64(odd, p.left_odd), 0xAA);
  }

  template <bool kResidual>
  static void StoreFast(const Sink& sink, const FastRequantization& r, const Rows& rows) {
    const Parameters first = LoadParameters(r, 0);
    const Parameters second = LoadParameters(r, 1);
    const __m128i low = Load128(r.low);
    const __m128i high = Load128(r.high);
    const __m128i zero = _mm_set1_epi8(static_cast<char>(sink.zero));
    const __m128i residual_zero = _mm_set1_epi8(static_cast<char>(sink.residual_zero));
    const std::int32_t* sums = rows.sums;
    for (int i = 0; i < rows.count; ++i, sums += rows.stride) {
      __m256i add_first = _mm256_setzero_si256();
      __m256i add_second = add_first;
      if constexpr (kResidual) {
        const __m128i values =
            _mm_xor_si128(Load128(rows.residual + rows.residual_at[i]), residual_zero);
        add_first = _mm256_cvtepi8_epi32(values);
        add_second = _mm256_cvtepi8_epi32(_mm_srli_si128(values, 8));
      }
      const __m256i words = _mm256_permute4x64_epi64(
          _mm256_packs_epi32(Scale<kResidual>(first, Load(sums), add_first),
                             Scale<kResidual>(second, Load(sums + 8), add_second)),
          _MM_SHUFFLE(3, 1, 2, 0));
      __m128i y =
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      y = _mm_xor_si128(_mm_min_epi8(_mm_max_epi8(y, low), high), zero);
      std::uint8_t* const out = rows.output + rows.output_at[i];
      if (rows.channels == kTile) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), y);
      } else {
        alignas(16) std::uint8_t bytes[kTile];
        _mm_store_si128(reinterpret_cast<__m128i*>(bytes), y);
        std::memcpy(out, bytes, static_cast<std::size_t>(rows.channels));
      }
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_256_H_
