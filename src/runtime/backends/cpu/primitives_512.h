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
      return Primitives512::Broadcast(reinterpret_cast<const std::uint8_t*>(from + 2 * kPair));
    }
    static Vector Dot(Vector acc, Features features, Weights weights) {
      return _mm512_dpwssd_epi32(acc, features, weights);
    }
  };

  // Rows of windows (depthwise_impl.h).
  struct Columns {
    static constexpr int kRows = 4;
    static constexpr int kPixels = 8;
    static constexpr int kVectors = 1;
    using Vector = __m512i;

    static Vector Load(const std::int32_t* from) { return Primitives512::Load(from); }
    static void Save(std::int32_t* to, Vector sums) { Primitives512::Save(to, sums); }
    static void Gather(const std::uint8_t* const (&rows)[kRows], std::uint8_t* to) {
      __m512i all = _mm512_castsi128_si512(Load128(rows[0]));
      all = _mm512_inserti32x4(all, Load128(rows[1]), 1);
      all = _mm512_inserti32x4(all, Load128(rows[2]), 2);
      all = _mm512_inserti32x4(all, Load128(rows[3]), 3);
      // [row][4][4 channels] to [4][row][4 channels], then to [4][channel][row].
      all = _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), all);
      all = _mm512_shuffle_epi8(all, _mm512_broadcast_i32x4(_mm_setr_epi8(
                                         0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
      _mm512_storeu_si512(to, all);
    }
    static Features LoadFeatures(const std::uint8_t* from) { return Primitives512::Load(from); }
    static Vector Dot(Vector acc, Features features, const std::int8_t* weights) {
      return _mm512_dpbusd_epi32(acc, features, Primitives512::Load(weights));
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
