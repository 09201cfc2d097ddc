// The primitives of the portable kernels in plain C++, for any processor. Included by
// kernels_portable.cc only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_PLAIN_H_
#define TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_PLAIN_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct PrimitivesPlain {
  static constexpr int kPixels = 6;
  static constexpr int kVectors = 2;
  static constexpr bool kNarrow = false;
  struct Vector {  // sums of 4 output channels
    std::int32_t lane[4];
  };
  struct Features {  // 2 inputs
    std::int32_t first, second;
  };
  struct Weights {  // of 2 inputs and 4 output channels
    std::int16_t lane[4][2];
  };

  static Vector Load(const std::int32_t* from) {
    Vector sums;
    std::memcpy(&sums, from, sizeof sums);
    return sums;
  }
  static void Save(std::int32_t* to, const Vector& sums) { std::memcpy(to, &sums, sizeof sums); }
  static Weights LoadWeights(const std::int8_t* from) {
    Weights weights;
    std::memcpy(&weights, from, sizeof weights);
    return weights;
  }
  // Pair kPair of the 4 pairs at `from`.
  template <int kPair>
  static Features Broadcast(const std::int16_t* from) {
    return {from[2 * kPair], from[2 * kPair + 1]};
  }
  static Vector Dot(Vector sums, const Features& features, const Weights& weights) {
    for (int c = 0; c < 4; ++c) {  // modulo 2^32
      const std::int32_t pair =
          features.first * weights.lane[c][0] + features.second * weights.lane[c][1];
      sums.lane[c] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums.lane[c]) +
                                               static_cast<std::uint32_t>(pair));
    }
    return sums;
  }
  // Rows of windows (depthwise_impl.h).
  struct Columns {
    static void Gather(const std::uint8_t* const (&rows)[2], std::uint8_t* to) {
      std::int16_t pairs[kTile][2];
      for (int c = 0; c < kTile; ++c) {
        pairs[c][0] = rows[0][c];
        pairs[c][1] = rows[1][c];
      }
      std::memcpy(to, pairs, sizeof pairs);
    }
    static Weights LoadFeatures(const std::uint8_t* from) {
      Weights features;
      std::memcpy(&features, from, sizeof features);
      return features;
    }
    static Vector Dot(Vector acc, const Weights& features, const std::int8_t* from) {
      const Weights weights = LoadWeights(from);
      for (int c = 0; c < 4; ++c) {
        acc.lane[c] +=
            features.lane[c][0] * weights.lane[c][0] + features.lane[c][1] * weights.lane[c][1];
      }
      return acc;
    }
  };

  // 4 bytes of each pixel at an offset as 16-bit values.
  template <int kCount>
  static void Widen(const std::uint8_t* const (&pixel)[kCount], std::int32_t offset,
                    std::int16_t* to) {
    for (int i = 0; i < kCount; ++i) {
      for (int k = 0; k < kGroup; ++k) to[i * kGroup + k] = pixel[i][offset + k];
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PRIMITIVES_PLAIN_H_
