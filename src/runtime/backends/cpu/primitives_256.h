// What the kernels for AVX2 and for AVX-VNNI have in common: registers of 256 bits. Included by
// their kernels_*.cc files only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_256_H_
#define TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_256_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Primitives256 {
  static constexpr int kLanes = 8;
  static constexpr int kWeightBytes = 1;
  static constexpr int kNibbleTiles = 2;  // half the broadcasts of one tile; as fast as four
  using Vector = __m256i;
  using Features = __m256i;
  using Weights = __m256i;
  using Short = __m256i;
  using Nibbles = __m256i;

  static __m256i Load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static void Save(std::int32_t* to, Vector sums) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sums);
  }
  static Features Broadcast(const std::uint8_t* from) {
    std::int32_t four;
    std::memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Weights LoadWeights(const void* from) { return Load(from); }

  // Of products of pairs of 16-bit values (winograd_impl.h).
  struct Pairs {
    static constexpr int kTiles = 1;
    static constexpr int kSquares = 6;
    static constexpr int kLanes = 8;
    using Vector = __m256i;
    using Features = __m256i;
    using Weights = __m256i;

    static void Save(std::int32_t* to, Vector sums) { Primitives256::Save(to, sums); }
    static Weights LoadWeights(const std::int8_t* from) { return Load(from); }
    template <int kPair>
    static Features Broadcast(const std::int16_t* from) {
      return Primitives256::Broadcast(reinterpret_cast<const std::uint8_t*>(from + 2 * kPair));
    }
  };

  // Of rows of windows (depthwise_impl.h).
  struct Columns {
    static constexpr int kPixels = 4;
    static constexpr int kVectors = 2;
    using Vector = __m256i;
    using Features = __m256i;

    static Vector Load(const std::int32_t* from) { return Primitives256::Load(from); }
    static void Save(std::int32_t* to, Vector sums) { Primitives256::Save(to, sums); }
    static __m128i LoadRow(const std::uint8_t* from) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    }
    static Features LoadFeatures(const std::uint8_t* from) { return Primitives256::Load(from); }
  };

  static Nibbles LoadNibbles(const std::uint8_t* from) { return Load(from); }
  static Weights Decode(__m256i codes) {
    const __m256i values = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, 0, -1, -2, -4, -8, -16, -32, -64, 0));
    return _mm256_shuffle_epi8(values, _mm256_and_si256(codes, _mm256_set1_epi8(15)));
  }
  static Weights DecodeLow(Nibbles nibbles) { return Decode(nibbles); }
  static Weights DecodeHigh(Nibbles nibbles) { return Decode(_mm256_srli_epi16(nibbles, 4)); }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_256_H_
