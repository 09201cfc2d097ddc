// Requantisation in registers of 512 bits, for the kernels for AVX-512 VNNI and AMX. Included by
// their kernels_*.cc files only, after accumulate_impl.h.
#ifndef TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Requantizer512 : Accumulator {
  static Sums FromChannels(const std::int32_t* sums) { return {{Load(sums)}}; }

  static __m128i Load128(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }

  static __m512i Product(__m512i a, __m512i b) { return _mm512_mul_epi32(a, b); }
  static __m512i OddProduct(__m512i a, __m512i b) {
    return _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  }

  // Products of even slots are shifted down to the lower half of 64 bits, those of odd ones up to
  // the upper half.
  static void StoreFast(const Sink& sink, const FastRequantization& r, const Sums& sums,
                        const std::uint8_t* residual, std::uint8_t* out, int n) {
    const __m512i alpha = Load(r.alpha);
    __m512i even = _mm512_add_epi64(Product(sums.vector[0], alpha), Load(r.half_even));
    __m512i odd = _mm512_add_epi64(OddProduct(sums.vector[0], alpha), Load(r.half_odd));
    if (sink.has_residual) {
      alignas(16) std::uint8_t bytes[kTile] = {};
      if (n < kTile) {
        std::memcpy(bytes, residual, static_cast<std::size_t>(n));
        residual = bytes;
      }
      const __m512i addend = _mm512_cvtepi8_epi32(
          _mm_xor_si128(Load128(residual), _mm_set1_epi8(static_cast<char>(sink.residual_zero))));
      const __m512i factor = Load(r.residual);
      even = _mm512_add_epi64(even, Product(addend, factor));
      odd = _mm512_add_epi64(odd, OddProduct(addend, factor));
    }
    const __m512i joined =
        _mm512_mask_mov_epi32(_mm512_srlv_epi64(even, Load(r.right_even)), __mmask16{0xAAAA},
                              _mm512_sllv_epi64(odd, Load(r.left_odd)));
    __m128i y = _mm512_cvtsepi32_epi8(joined);
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

#endif  // TF2_RUNTIME_BACKENDS_CPU_REQUANTIZE_512_H_
