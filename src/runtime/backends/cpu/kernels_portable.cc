// Kernels in plain C++ for any processor. A block of inputs of a few pixels is brought together as
// 16-bit values, and every sum is a dot product with the adjacent weights of an output channel: the
// form that compilers turn into whatever the processor has for it.
#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

struct Isa {
  static constexpr int kLanes = kTile;
  static constexpr int kWeightBytes = 2;
  static constexpr int kRuns = 1;
  static constexpr int kPanelTiles = 4;
  static constexpr int kDotEntries = 64;  // of a block
  static constexpr int kDotInputs = kDotEntries * kGroup;
  struct Vector {
    std::int32_t lane[kTile];
  };
  static constexpr int Pixels(int) { return 4; }

  static Vector Load(const std::int32_t* from) {
    Vector sums;
    std::memcpy(&sums, from, sizeof sums);
    return sums;
  }
  static void Save(std::int32_t* to, const Vector& sums) { std::memcpy(to, &sums, sizeof sums); }

  // The inputs of one block, widened.
  static void Gather(const std::uint8_t* pixel, const std::int32_t* offsets, int entries,
                     std::int16_t* to) {
    for (int e = 0; e < entries; ++e) {
      for (int i = 0; i < kGroup; ++i) to[e * kGroup + i] = pixel[offsets[e] + i];
    }
  }

  // Dot products of the inputs of kPixels pixels and the weights of two output channels.
  template <int kPixels>
  static void DotPair(const std::int16_t (&x)[kPixels][kDotInputs], const std::int16_t* w, int n,
                      std::int32_t (&sums)[kPixels][2]) {
    const std::int16_t* const w0 = w;
    const std::int16_t* const w1 = w + n;
    if constexpr (kPixels == 4) {
      std::int32_t a0 = 0, a1 = 0, b0 = 0, b1 = 0, c0 = 0, c1 = 0, d0 = 0, d1 = 0;
      for (int k = 0; k < n; ++k) {
        a0 += x[0][k] * w0[k];
        a1 += x[0][k] * w1[k];
        b0 += x[1][k] * w0[k];
        b1 += x[1][k] * w1[k];
        c0 += x[2][k] * w0[k];
        c1 += x[2][k] * w1[k];
        d0 += x[3][k] * w0[k];
        d1 += x[3][k] * w1[k];
      }
      const std::int32_t all[4][2] = {{a0, a1}, {b0, b1}, {c0, c1}, {d0, d1}};
      std::memcpy(sums, all, sizeof all);
    } else {
      std::int32_t a0 = 0, a1 = 0;
      for (int k = 0; k < n; ++k) {
        a0 += x[0][k] * w0[k];
        a1 += x[0][k] * w1[k];
      }
      sums[0][0] = a0;
      sums[0][1] = a1;
    }
  }

  template <int kPixels, int kTiles, int kRun>
  static void Accumulate(Vector (&acc)[kPixels][kTiles],
                         const std::uint8_t* const (&pixel)[kPixels], const std::int32_t* offsets,
                         const std::int8_t* weights, std::int64_t entries) {
    const auto* w = reinterpret_cast<const std::int16_t*>(weights);
    alignas(64) std::int16_t x[kPixels][kDotInputs];
    for (std::int64_t begin = 0; begin < entries; begin += kDotEntries) {
      const auto count =
          static_cast<int>(entries - begin < kDotEntries ? entries - begin : kDotEntries);
      const int n = count * kGroup;
      for (int i = 0; i < kPixels; ++i) Gather(pixel[i], offsets + begin, count, x[i]);
      for (int t = 0; t < kTiles; ++t) {
        for (int slot = 0; slot < kTile; slot += 2, w += 2 * n) {
          std::int32_t sums[kPixels][2];
          DotPair(x, w, n, sums);
          for (int i = 0; i < kPixels; ++i) {
            acc[i][t].lane[slot] += sums[i][0];
            acc[i][t].lane[slot + 1] += sums[i][1];
          }
        }
      }
    }
  }

  // Weights are never packed in 4 bits for these kernels, nor requantisation made fast.
  template <int kTiles, int kRun>
  static void AccumulateNibbles(Vector (&)[kTiles], const std::uint8_t*, const std::int32_t*,
                                const std::uint8_t*, std::int64_t) {}
  template <bool kResidual>
  static void StoreFast(const Sink&, const FastRequantization&, const Rows&) {}
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* PortableKernels() {
  static constexpr KernelSet kSet = {.isa = "portable",
                                     .panel_tiles = Isa::kPanelTiles,
                                     .weight_limit = 32767,
                                     .short_sums = false,
                                     .dot_entries = Isa::kDotEntries,
                                     .entry_multiple = 2,
                                     .nibbles = false,
                                     .fast_requantization = false,
                                     .conv = Conv,
                                     .depthwise = Depthwise,
                                     .max_pool = MaxPool,
                                     .avg_pool = AvgPool,
                                     .add = Add};
  return &kSet;
}

}  // namespace tf2::runtime::cpu
