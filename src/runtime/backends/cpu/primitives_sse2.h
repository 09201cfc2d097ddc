// What the portable kernels take from SSE2, which every x86-64 processor has. Included by
// kernels_portable.cc only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_SSE2_H_
#define TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_SSE2_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct PrimitivesSse2 {
  // 12 sums, a pair of features and its copies in 16 registers; weights in memory.
  static constexpr int kPixels = 3;
  static constexpr int kVectors = 4;
  using Vector = __m128i;          // sums of 4 output channels
  using Features = __m128i;        // a pair of inputs, for every output channel
  using Weights = const __m128i*;  // of a pair of inputs for each of 4 output channels

  static Vector Load(const std::int32_t* from) { return LoadBytes(from); }
  static void Save(std::int32_t* to, Vector sums) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), sums);
  }
  static Weights LoadWeights(const std::int8_t* from) { return reinterpret_cast<Weights>(from); }
  // Pair kPair of the 4 pairs at `from`.
  template <int kPair>
  static Features Broadcast(const std::int16_t* from) {
    const auto* pairs = reinterpret_cast<const __m128i*>(from);
#if defined(__AVX__)
    return _mm_shuffle_epi32(_mm_load_si128(pairs), kPair * 0x55);
#else
    // From memory: compilers otherwise load the 4 pairs once, and have no register for them.
    Features pair;
    asm("pshufd %2, %1, %0" : "=x"(pair) : "m"(*pairs), "i"(kPair * 0x55));
    return pair;
#endif
  }
  static Vector Dot(Vector sums, Features features, Weights weights) {
#if defined(__AVX__)
    Vector sum = _mm_add_epi32(sums, _mm_madd_epi16(features, _mm_load_si128(weights)));
#else
    asm("pmaddwd %1, %0" : "+x"(features) : "m"(*weights));
    Vector sum = _mm_add_epi32(sums, features);
#endif
    // Here and now: compilers otherwise gather all products before they add, and spill them.
    asm volatile("" : "+x"(sum));
    return sum;
  }
  // 4 bytes of each pixel at an offset as 16-bit values, those of an even pixel at 16 bytes.
  template <int kCount>
  static void Widen(const std::uint8_t* const (&pixel)[kCount], std::int32_t offset,
                    std::int16_t* to) {
    const __m128i none = _mm_setzero_si128();
#pragma GCC unroll 4
    for (int i = 0; i + 1 < kCount; i += 2) {
      const __m128i both = _mm_unpacklo_epi32(Four(pixel[i] + offset), Four(pixel[i + 1] + offset));
      _mm_store_si128(reinterpret_cast<__m128i*>(to + i * kGroup), _mm_unpacklo_epi8(both, none));
    }
    if constexpr (kCount % 2 != 0) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to + (kCount - 1) * kGroup),
                       _mm_unpacklo_epi8(Four(pixel[kCount - 1] + offset), none));
    }
  }

  // Rows of windows (depthwise_impl.h).
  struct Columns {
    static void Gather(const std::uint8_t* const (&rows)[2], std::uint8_t* to) {
      const __m128i none = _mm_setzero_si128();
      const __m128i first = LoadBytes(rows[0]), second = LoadBytes(rows[1]);
      const __m128i low = _mm_unpacklo_epi8(first, second);
      const __m128i high = _mm_unpackhi_epi8(first, second);
      auto* const at = reinterpret_cast<__m128i*>(to);
      _mm_store_si128(at, _mm_unpacklo_epi8(low, none));
      _mm_store_si128(at + 1, _mm_unpackhi_epi8(low, none));
      _mm_store_si128(at + 2, _mm_unpacklo_epi8(high, none));
      _mm_store_si128(at + 3, _mm_unpackhi_epi8(high, none));
    }
    static __m128i LoadFeatures(const std::uint8_t* from) { return LoadBytes(from); }
    static Vector Dot(Vector acc, __m128i features, const std::int8_t* weights) {
      return _mm_add_epi32(acc, _mm_madd_epi16(features, LoadBytes(weights)));
    }
  };

  static constexpr bool kNarrow = true;

  // Rounds to the nearest by adding 1.5 * 2^52, whose last bit is worth 1: the low 32 bits are the
  // integer. A result is a multiple of 2^-32, so that 2^-33 more decides ties upwards and nothing
  // else, and every step is exact for what does not saturate anyhow.
  template <bool kResidual>
  static void StoreNarrow(const Sink& sink, const Requantization& r, const Rows& rows) {
    const __m128d up = _mm_set1_pd(0x1p-33);
    const __m128d round = _mm_set1_pd(0x1.8p52);
    const __m128i zero = _mm_set1_epi8(static_cast<char>(sink.zero));
    const __m128i residual_zero = _mm_set1_epi16(sink.residual_zero);
    const __m128i low_first = Words(r.low), low_second = Words(r.low + 8);
    const __m128i high_first = Words(r.high), high_second = Words(r.high + 8);
    for (int i = 0; i < rows.count; ++i) {
      const std::int32_t* const sums = rows.sums + i * rows.stride;
      [[maybe_unused]] __m128i residual[kTile / 4];
      if constexpr (kResidual) {
        const __m128i bytes = LoadBytes(rows.residual + rows.residual_at[i]);
        const __m128i none = _mm_setzero_si128();
        const __m128i first = _mm_sub_epi16(_mm_unpacklo_epi8(bytes, none), residual_zero);
        const __m128i second = _mm_sub_epi16(_mm_unpackhi_epi8(bytes, none), residual_zero);
        residual[0] = _mm_srai_epi32(_mm_unpacklo_epi16(none, first), 16);
        residual[1] = _mm_srai_epi32(_mm_unpackhi_epi16(none, first), 16);
        residual[2] = _mm_srai_epi32(_mm_unpacklo_epi16(none, second), 16);
        residual[3] = _mm_srai_epi32(_mm_unpackhi_epi16(none, second), 16);
      }
      __m128i y[kTile / 4];
#pragma GCC unroll 4
      for (int q = 0; q < kTile / 4; ++q) {
        const __m128i four = LoadBytes(sums + q * 4);
        __m128d v[2] = {_mm_cvtepi32_pd(four), _mm_cvtepi32_pd(_mm_unpackhi_epi64(four, four))};
        __m128d add[2];
        if constexpr (kResidual) {
          add[0] = _mm_cvtepi32_pd(residual[q]);
          add[1] = _mm_cvtepi32_pd(_mm_unpackhi_epi64(residual[q], residual[q]));
        }
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
          const int c = q * 4 + half * 2;
          v[half] = _mm_add_pd(_mm_mul_pd(v[half], _mm_load_pd(r.positive + c)), up);
          if constexpr (kResidual) {
            v[half] = _mm_add_pd(v[half], _mm_mul_pd(add[half], _mm_load_pd(r.residual + c)));
          }
          v[half] = _mm_add_pd(v[half], round);
        }
        y[q] = _mm_castps_si128(
            _mm_shuffle_ps(_mm_castpd_ps(v[0]), _mm_castpd_ps(v[1]), _MM_SHUFFLE(2, 0, 2, 0)));
      }
      const __m128i first = Between(_mm_packs_epi32(y[0], y[1]), low_first, high_first);
      const __m128i second = Between(_mm_packs_epi32(y[2], y[3]), low_second, high_second);
      const __m128i bytes = _mm_xor_si128(_mm_packs_epi16(first, second), zero);
      std::uint8_t* const out = rows.output + rows.output_at[i];
      if (rows.channels == kTile) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
      } else {
        std::memcpy(out, &bytes, static_cast<std::size_t>(rows.channels));
      }
    }
  }

 private:
  static __m128i Four(const std::uint8_t* from) {
    std::int32_t four;
    std::memcpy(&four, from, sizeof four);
    return _mm_cvtsi32_si128(four);
  }
  static __m128i LoadBytes(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }
  // 8 bounds as 16-bit values.
  static __m128i Words(const double* from) {
    const auto four = [](const double* at) {
      return _mm_unpacklo_epi64(_mm_cvttpd_epi32(_mm_load_pd(at)),
                                _mm_cvttpd_epi32(_mm_load_pd(at + 2)));
    };
    return _mm_packs_epi32(four(from), four(from + 4));
  }
  static __m128i Between(__m128i v, __m128i low, __m128i high) {
    return _mm_min_epi16(_mm_max_epi16(v, low), high);
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_SSE2_H_
