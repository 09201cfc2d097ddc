// Kernels in plain C++ for any processor; int16 weights, int32 sums.
#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Isa {
  static constexpr int kTilePixels = 2;
  static constexpr int kPanelTiles = 1;
  static constexpr int kLanes = 8;
  using Weight = std::int16_t;
  // Vectors of GCC and Clang: compiled to whatever the processor has.
  typedef std::int32_t Vector __attribute__((vector_size(32)));
  typedef std::int16_t Half __attribute__((vector_size(16)));
  struct Features {
    std::int16_t value[kGroup];
  };
  // Points to a block [input channel][kLanes output channels].
  using Weights = const std::int16_t*;

  static Vector Load(const std::int32_t* from) {
    Vector sums;
    std::memcpy(&sums, from, sizeof sums);
    return sums;
  }

  static void Save(std::int32_t* to, const Vector& sums) { std::memcpy(to, &sums, sizeof sums); }

  static Features Broadcast(const std::uint8_t* from) {
    Features features;
    for (int i = 0; i < kGroup; ++i) features.value[i] = static_cast<std::int8_t>(from[i]);
    return features;
  }

  static Weights LoadWeights(const Weight* from) { return from; }

  static Half LoadHalf(const std::int16_t* from) {
    Half half;
    std::memcpy(&half, from, sizeof half);
    return half;
  }

  // Two products of features and weights up to 127 fit 16 bits: 2 * 128 * 127 = 32,512.
  static Vector Dot(Vector acc, const Features& features, Weights weights) {
    for (int i = 0; i < kGroup; i += 2) {
      const Half pair = LoadHalf(weights + i * kLanes) * features.value[i] +
                        LoadHalf(weights + (i + 1) * kLanes) * features.value[i + 1];
      acc += __builtin_convertvector(pair, Vector);
    }
    return acc;
  }

  static void Store(const std::int32_t* sums, const Requantization& r, int channel,
                    const std::uint8_t* res, std::uint8_t* out, int n) {
    const std::int64_t high = r.wide ? 32767 : 127;
    const std::int64_t low = r.relu ? 0 : r.wide ? -32768 : -128;
    for (int o = 0; o < n; ++o) {
      const int c = channel + o;
      std::int64_t v = sums[o] * r.alpha[c] + r.half[c];
      if (r.t != nullptr) {
        v += std::int64_t{static_cast<std::int8_t>(res[o])} * (std::int64_t{1} << r.t[c]);
      }
      v >>= r.s[c];
      v = v < low ? low : v > high ? high : v;
      const auto bits = static_cast<std::uint16_t>(v);
      if (r.wide) {
        out[2 * o] = static_cast<std::uint8_t>(bits & 0xFF);
        out[2 * o + 1] = static_cast<std::uint8_t>(bits >> 8);
      } else {
        out[o] = static_cast<std::uint8_t>(bits & 0xFF);
      }
    }
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* PortableKernels() {
  static constexpr KernelSet kSet = {.isa = "portable",
                                     .tile_pixels = Isa::kTilePixels,
                                     .panel_tiles = Isa::kPanelTiles,
                                     .weight_bytes = sizeof(Isa::Weight),
                                     .weight_limit = 127,
                                     .transposed_lanes = Isa::kLanes,
                                     .offset_128 = false,
                                     .conv = Conv,
                                     .depthwise = Depthwise,
                                     .max_pool = MaxPool,
                                     .avg_pool = AvgPool,
                                     .add = Add};
  return &kSet;
}

}  // namespace tf2::runtime::cpu
