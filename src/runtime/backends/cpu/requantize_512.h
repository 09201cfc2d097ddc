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
  using P::Load128;

  // Float arithmetic of 16 channels: a result before saturation is (sum + bias) * scale + residual
  // + 1/2, with kBias.
  template <bool kResidual, bool kBias = false>
  struct Scaling {
    __m512 scale, residual, offset;
    __m512i bias;

    [[gnu::always_inline]] Scaling(const FastRequantization& r, std::uint8_t residual_zero,
                                   const std::int32_t* biases = nullptr)
        : scale(_mm512_load_ps(r.scale)),
          residual(_mm512_load_ps(r.residual)),
          offset(_mm512_set1_ps(0.5F)),
          bias(kBias ? Load(biases) : _mm512_setzero_si512()) {
      // Exact: see FitsFast (prepare.cc).
      const __m512 zero = _mm512_set1_ps(residual_zero);
      if constexpr (kResidual) offset = _mm512_fnmadd_ps(residual, zero, offset);
    }

    // `bytes`: 16 of the residual.
    [[gnu::always_inline]] __m512i Apply(__m512i sums, const std::uint8_t* bytes) const {
      constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
      __m512 add = offset;
      if constexpr (kResidual) {
        const __m512i values = _mm512_cvtepu8_epi32(Load128(bytes));
        add = _mm512_fmadd_round_ps(_mm512_cvtepi32_ps(values), residual, offset, kDown);
      }
      if constexpr (kBias) sums = _mm512_add_epi32(sums, bias);
      return _mm512_cvt_roundps_epi32(
          _mm512_fmadd_round_ps(_mm512_cvtepi32_ps(sums), scale, add, kDown), kDown);
    }
  };

  template <bool kResidual>
  static void StoreFast(const Sink& sink, const FastRequantization& r, const Rows& rows) {
    const Scaling<kResidual> scaling(r, sink.residual_zero);
    const __m128i low = Load128(r.low), high = Load128(r.high);
    const __m128i zero = _mm_set1_epi8(static_cast<char>(sink.zero));
    const std::int32_t* from = rows.sums;
    for (int i = 0; i < rows.count; ++i, from += rows.stride) {
      const std::uint8_t* const residual =
          kResidual ? rows.residual + rows.residual_at[i] : nullptr;
      __m128i y = _mm512_cvtsepi32_epi8(scaling.Apply(Load(from), residual));
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
    __m512i bytes = _mm512_castsi128_si512(Load128(r[0].*field));
    bytes = _mm512_inserti32x4(bytes, Load128(r[1].*field), 1);
    if constexpr (kCount == 4) {
      bytes = _mm512_inserti32x4(bytes, Load128(r[2].*field), 2);
      bytes = _mm512_inserti32x4(bytes, Load128(r[3].*field), 3);
    }
    return bytes;
  }

  // Requantises and stores pixels of two or four whole tiles. `bias`: of their channels, to be
  // added, with kBias.
  template <int kCount, bool kResidual, bool kBias = false>
  class WholeTiles {
    using Tile = Scaling<kResidual, kBias>;

   public:
    [[gnu::always_inline]] WholeTiles(const Sink& sink, const FastRequantization* r,
                                      const std::int32_t* bias = nullptr)
        : first_(r[0], sink.residual_zero, bias),
          second_(r[1], sink.residual_zero, Bias(bias, 1)),
          third_(r[kCount - 2], sink.residual_zero, Bias(bias, kCount - 2)),
          fourth_(r[kCount - 1], sink.residual_zero, Bias(bias, kCount - 1)),
          low_(Bytes<kCount>(r, &FastRequantization::low)),
          high_(Bytes<kCount>(r, &FastRequantization::high)),
          zero_(_mm512_set1_epi8(static_cast<char>(sink.zero))) {}

    // `residual`, `out`: the bytes of as many channels.
    [[gnu::always_inline]] void Store(const std::int32_t* sums, const std::uint8_t* residual,
                                      std::uint8_t* out) const {
      static_assert(kCount == 2 || kCount == 4);
      constexpr __mmask64 kBytes = kCount == 4 ? ~__mmask64{0} : __mmask64{0xFFFFFFFF};
      // Saturated, results come in lanes of [tile][4 channels]; of two tiles twice.
      const __m512i order =
          kCount == 4 ? _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
                      : _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 4, 8, 12, 1, 5, 9, 13);
      const __m512i first =
          _mm512_packs_epi32(Apply(first_, 0, sums, residual), Apply(second_, 1, sums, residual));
      __m512i second = first;
      if constexpr (kCount == 4) {
        second =
            _mm512_packs_epi32(Apply(third_, 2, sums, residual), Apply(fourth_, 3, sums, residual));
      }
      __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(first, second));
      bytes = _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(bytes, low_), high_), zero_);
      _mm512_mask_storeu_epi8(out, kBytes, bytes);
    }

   private:
    [[gnu::always_inline]] static const std::int32_t* Bias(const std::int32_t* bias, int t) {
      return kBias ? bias + t * kTile : nullptr;
    }
    [[gnu::always_inline]] static __m512i Apply(const Tile& scaling, int t,
                                                const std::int32_t* sums,
                                                const std::uint8_t* residual) {
      return scaling.Apply(Load(sums + t * kTile), kResidual ? residual + t * kTile : nullptr);
    }

    Tile first_, second_, third_, fourth_;
    __m512i low_, high_, zero_;
  };

  // `rows` of as many sums and channels.
  template <int kCount, bool kResidual>
  static void StoreSeveral(const Sink& sink, const FastRequantization* r, const Rows& rows) {
    const WholeTiles<kCount, kResidual> tiles(sink, r);
    const std::int32_t* from = rows.sums;
    for (int i = 0; i < rows.count; ++i, from += rows.stride) {
      tiles.Store(from, kResidual ? rows.residual + rows.residual_at[i] : nullptr,
                  rows.output + rows.output_at[i]);
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_
