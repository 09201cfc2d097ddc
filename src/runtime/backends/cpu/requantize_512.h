// Requantisation in registers of 512 bits, for the kernels for AVX-512 VNNI. Included by
// kernels_avx512vnni.cc only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/accumulate_impl.h"
#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

template <typename P>
struct Requantizer512 : AccumulatorOf<P> {
  using P::Load;

  static __m128i Load128(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }

  // Products of even channels are shifted down to the lower half of 64 bits, those of odd ones up
  // to the upper half.
  template <bool kResidual>
  static void StoreFast(const Sink& sink, const FastRequantization& r, const Rows& rows) {
    const __m512i alpha_even = Load(r.alpha_even), alpha_odd = Load(r.alpha_odd);
    const __m512i half_even = Load(r.half_even), half_odd = Load(r.half_odd);
    const __m512i right_even = Load(r.right_even), left_odd = Load(r.left_odd);
    const __m512i residual_even = Load(r.residual_even), residual_odd = Load(r.residual_odd);
    const __m128i low = Load128(r.low), high = Load128(r.high);
    const __m128i zero = _mm_set1_epi8(static_cast<char>(sink.zero));
    const __m128i residual_zero = _mm_set1_epi8(static_cast<char>(sink.residual_zero));
    const std::int32_t* from = rows.sums;
    for (int i = 0; i < rows.count; ++i, from += rows.stride) {
      const __m512i sums = Load(from);
      __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sums, alpha_even), half_even);
      __m512i odd =
          _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sums, 32), alpha_odd), half_odd);
      if constexpr (kResidual) {
        const __m512i residual = _mm512_cvtepi8_epi32(
            _mm_xor_si128(Load128(rows.residual + rows.residual_at[i]), residual_zero));
        even = _mm512_add_epi64(even, _mm512_mul_epi32(residual, residual_even));
        odd =
            _mm512_add_epi64(odd, _mm512_mul_epi32(_mm512_srli_epi64(residual, 32), residual_odd));
      }
      const __m512i joined = _mm512_mask_mov_epi32(
          _mm512_srlv_epi64(even, right_even), __mmask16{0xAAAA}, _mm512_sllv_epi64(odd, left_odd));
      __m128i y = _mm512_cvtsepi32_epi8(joined);
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

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_
