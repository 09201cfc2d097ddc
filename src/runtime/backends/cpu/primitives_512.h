// The primitives of the kernels for AVX-512 VNNI and AMX: registers of 512 bits. Included by their
// kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_512_H_
#define TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_512_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Primitives512 {
  static constexpr int kLanes = 16;
  static constexpr int kWeightBytes = 1;
  static constexpr bool kShortSums = false;
  static constexpr int kPanelTiles = 4;
  static constexpr int kNibbleTiles = 4;
  using Vector = __m512i;
  using Features = __m512i;
  using Weights = __m512i;
  using Short = __m512i;
  using Nibbles = __m512i;

  // At most 24 sums, 4 weights and 1 feature in 32 registers, and few enough addresses.
  static constexpr int Pixels(int tiles) { return tiles == 4 ? 6 : tiles == 2 ? 12 : 8; }

  static __m512i Load(const void* from) { return _mm512_loadu_si512(from); }
  static __m128i Load128(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }
  static void Save(std::int32_t* to, Vector sums) { _mm512_storeu_si512(to, sums); }
  static Features Broadcast(const std::uint8_t* from) {
    std::int32_t four;
    std::memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Weights LoadWeights(const void* from) { return Load(from); }
  static Vector Dot(Vector acc, Features features, Weights weights) {
    return _mm512_dpbusd_epi32(acc, features, weights);
  }

  // Products of pairs of 16-bit values (winograd_impl.h).
  struct Pairs {
    static constexpr int kTiles = 2;
    static constexpr int kSquares = 12;
    static constexpr int kLanes = 16;
    using Vector = __m512i;
    using Features = __m512i;
    using Weights = __m512i;

    static void Save(std::int32_t* to, Vector sums) { Primitives512::Save(to, sums); }
    static Weights LoadWeights(const std::int8_t* from) { return Load(from); }
    template <int kPair>
    static Features Broadcast(const std::int16_t* from) {
      std::int32_t pair;
      std::memcpy(&pair, from + 2 * kPair, sizeof pair);
      return _mm512_set1_epi32(pair);
    }
    static Vector Dot(Vector acc, Features features, Weights weights) {
      return _mm512_dpwssd_epi32(acc, features, weights);
    }
  };

  static Nibbles LoadNibbles(const std::uint8_t* from) { return Load(from); }
  static Weights Decode(__m512i codes) {
    const __m512i values = _mm512_broadcast_i32x4(
        _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, 0, -1, -2, -4, -8, -16, -32, -64, 0));
    return _mm512_shuffle_epi8(values, _mm512_and_si512(codes, _mm512_set1_epi8(15)));
  }
  static Weights DecodeLow(Nibbles nibbles) { return Decode(nibbles); }
  static Weights DecodeHigh(Nibbles nibbles) { return Decode(_mm512_srli_epi16(nibbles, 4)); }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_512_H_
