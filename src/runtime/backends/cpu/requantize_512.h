// Requantisation in registers of 512 bits, for the kernels for AVX-512 VNNI and AMX. Included by
// their kernels_*.cc files only.
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

  // The results of 16 channels before saturation. `residual`: of them.
  template <bool kResidual>
  static __m512i Scale(__m512 scale, __m512 residual_scale, __m512i sums, __m128i residual) {
    constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
    __m512 add = _mm512_set1_ps(0.5F);
    if constexpr (kResidual) {
      add = _mm512_fmadd_round_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(residual)),
                                  residual_scale, add, kDown);
    }
    return _mm512_cvt_roundps_epi32(
        _mm512_fmadd_round_ps(_mm512_cvtepi32_ps(sums), scale, add, kDown), kDown);
  }

  template <bool kResidual>
  static void StoreFast(const Sink& sink, const FastRequantization& r, const Rows& rows) {
    const __m512 scale = _mm512_load_ps(r.scale);
    const __m512 residual_scale = _mm512_load_ps(r.residual);
    const __m128i low = Load128(r.low), high = Load128(r.high);
    const __m128i zero = _mm_set1_epi8(static_cast<char>(sink.zero));
    const __m128i residual_zero = _mm_set1_epi8(static_cast<char>(sink.residual_zero));
    const std::int32_t* from = rows.sums;
    for (int i = 0; i < rows.count; ++i, from += rows.stride) {
      __m128i residual = _mm_setzero_si128();
      if constexpr (kResidual) {
        residual = _mm_xor_si128(Load128(rows.residual + rows.residual_at[i]), residual_zero);
      }
      __m128i y =
          _mm512_cvtsepi32_epi8(Scale<kResidual>(scale, residual_scale, Load(from), residual));
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

  // Of kCount tables one after the other, a field of 16 bytes.
  template <int kCount>
  static __m512i Bytes(const FastRequantization* r,
                       std::int8_t (FastRequantization::*field)[kTile]) {
    std::int8_t bytes[64] = {};
    for (int t = 0; t < kCount; ++t) std::memcpy(bytes + t * kTile, r[t].*field, kTile);
    return Load(bytes);
  }

  // Stores two or four whole tiles: `rows` of as many sums and channels.
  template <int kCount, bool kResidual>
  static void StoreSeveral(const Sink& sink, const FastRequantization* r, const Rows& rows) {
    static_assert(kCount == 2 || kCount == 4);
    constexpr __mmask64 kBytes = kCount == 4 ? ~__mmask64{0} : __mmask64{0xFFFFFFFF};
    __m512 scale[kCount], residual_scale[kCount];
#pragma GCC unroll 4
    for (int t = 0; t < kCount; ++t) {
      scale[t] = _mm512_load_ps(r[t].scale);
      residual_scale[t] = _mm512_load_ps(r[t].residual);
    }
    const __m512i low = Bytes<kCount>(r, &FastRequantization::low);
    const __m512i high = Bytes<kCount>(r, &FastRequantization::high);
    const __m512i zero = _mm512_set1_epi8(static_cast<char>(sink.zero));
    const __m512i residual_zero = _mm512_set1_epi8(static_cast<char>(sink.residual_zero));
    // Saturated, results come in lanes of [tile][4 channels]; of two tiles twice.
    const __m512i order =
        kCount == 4 ? _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
                    : _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 4, 8, 12, 1, 5, 9, 13);
    const std::int32_t* from = rows.sums;
    for (int i = 0; i < rows.count; ++i, from += rows.stride) {
      __m512i residual = _mm512_setzero_si512();
      if constexpr (kResidual) {
        residual = _mm512_xor_si512(
            _mm512_maskz_loadu_epi8(kBytes, rows.residual + rows.residual_at[i]), residual_zero);
      }
      const __m128i parts[4] = {
          _mm512_castsi512_si128(residual), _mm512_extracti32x4_epi32(residual, 1),
          _mm512_extracti32x4_epi32(residual, 2), _mm512_extracti32x4_epi32(residual, 3)};
      __m512i y[kCount];
#pragma GCC unroll 4
      for (int t = 0; t < kCount; ++t) {
        y[t] = Scale<kResidual>(scale[t], residual_scale[t], Load(from + t * kTile), parts[t]);
      }
      const __m512i first = _mm512_packs_epi32(y[0], y[1]);
      const __m512i second = _mm512_packs_epi32(y[kCount - 2], y[kCount - 1]);
      __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(first, second));
      bytes = _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(bytes, low), high), zero);
      _mm512_mask_storeu_epi8(rows.output + rows.output_at[i], kBytes, bytes);
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_
