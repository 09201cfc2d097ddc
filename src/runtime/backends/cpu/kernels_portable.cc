// Kernels for any processor: 16-bit products of pairs of inputs, added in 32 bits. The inputs of
// some pixels are brought together as 16-bit values, then pass the weights of all tiles of a panel;
// each pair of inputs is broadcast to adjacent output channels, so that no sum is ever taken across
// a register. On x86-64 a pair of 4 channels is one instruction of SSE2.
#include <cstdint>

#include "runtime/backends/cpu/kernels.h"

#if defined(__SSE2__) && !defined(TF2_PLAIN_KERNELS)
#include "runtime/backends/cpu/primitives_sse2.h"
#else
#include "runtime/backends/cpu/primitives_plain.h"
#endif

namespace tf2::runtime::cpu {
namespace {

#if defined(__SSE2__) && !defined(TF2_PLAIN_KERNELS)
using Primitives = PrimitivesSse2;
#else
using Primitives = PrimitivesPlain;
#endif

struct Isa : Primitives {
  static constexpr int kWeightBytes = 2;
  static constexpr int kPanelTiles = 4;
  static constexpr bool kShortSums = false;
  static constexpr int kNibbleTiles = 0;
  static constexpr bool kFast = false;
  static constexpr int Pixels(int) { return Primitives::kPixels; }
  struct Pairs : Primitives {
    static constexpr int kTiles = 1;
    static constexpr int kSquares = Primitives::kPixels;
    static constexpr int kLanes = 4;
  };
  struct Columns : Primitives::Columns {
    static constexpr int kRows = 2;
    static constexpr int kVectors = 4;
    static constexpr int kPixels = 2;
    using Vector = Primitives::Vector;

    static Vector Load(const std::int32_t* from) { return Primitives::Load(from); }
    static void Save(std::int32_t* to, Vector sums) { Primitives::Save(to, sums); }
  };

  // Entries whose inputs are brought together.
  static constexpr int kDepth = 64;
  static constexpr int kLanes = 4;
  static constexpr int kPairBytes = kTile * 2 * 2;  // of the weights of a pair of inputs

  // kCount adjacent vectors of sums of some pixels; inputs are [entry][pixels, even][4].
  template <int kPixels, int kTiles, int kCount>
  [[gnu::always_inline]] static inline void Accumulate(Vector (&acc)[kPixels][kCount],
                                                       const std::int16_t* x,
                                                       const std::int8_t* weights, int entries) {
    constexpr int kRow = (kPixels + 1) / 2 * 2 * kGroup;
    for (int e = 0; e < entries; ++e, x += kRow, weights += 2 * kTiles * kPairBytes) {
      AddPair<0>(acc, x, weights);
      AddPair<1>(acc, x, weights + kPairBytes);
    }
  }

  // Pair kPair of each pixel's entry. The registers of x hold the entries of two pixels.
  template <int kPair, int kPixels, int kCount>
  [[gnu::always_inline]] static inline void AddPair(Vector (&acc)[kPixels][kCount],
                                                    const std::int16_t* x,
                                                    const std::int8_t* weights) {
    Weights w[kCount];
#pragma GCC unroll 4
    for (int v = 0; v < kCount; ++v) w[v] = LoadWeights(weights + v * kLanes * 4);
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; i += 2) {
      const auto even = Broadcast<kPair>(x + i * kGroup);
#pragma GCC unroll 4
      for (int v = 0; v < kCount; ++v) acc[i][v] = Dot(acc[i][v], even, w[v]);
      if (i + 1 < kPixels) {
        const auto odd = Broadcast<kPair + 2>(x + i * kGroup);
#pragma GCC unroll 4
        for (int v = 0; v < kCount; ++v) acc[i + 1][v] = Dot(acc[i + 1][v], odd, w[v]);
      }
    }
  }

  template <int kPixels, int kTiles, int kRun>
  static void SumTile(const Block& block, const std::uint8_t* arena, const std::int64_t* input,
                      const std::int32_t* from, int from_stride, std::int32_t* sums) {
    constexpr int kRow = (kPixels + 1) / 2 * 2 * kGroup;
    constexpr int kChannels = kVectors * kLanes;
    alignas(64) std::int16_t x[kDepth * kRow];
    const std::uint8_t* pixel[kPixels];
    for (int i = 0; i < kPixels; ++i) pixel[i] = arena + input[i];
    std::int64_t begin = 0;
    do {  // once, too, where there are no entries
      const auto entries = static_cast<int>(block.entries - begin < kDepth ? block.entries - begin
                                                                           : std::int64_t{kDepth});
      for (int e = 0; e < entries; ++e) Widen(pixel, block.offsets[begin + e], x + e * kRow);
      const std::int8_t* const weights = block.weights + begin * 2 * kTiles * kPairBytes;
      for (int c = 0; c < kTiles * kTile; c += kChannels) {
        Vector acc[kPixels][kVectors];
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            acc[i][v] = Load(from + i * from_stride + c + v * kLanes);
          }
        }
        Accumulate<kPixels, kTiles>(acc, x, weights + c / kTile * 2 * kPairBytes + c % kTile * 4,
                                    entries);
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            Save(sums + i * kTiles * kTile + c + v * kLanes, acc[i][v]);
          }
        }
      }
      begin += entries;
      from = sums;
      from_stride = kTiles * kTile;
    } while (begin < block.entries);
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {

const KernelSet* PortableKernels() {
  static constexpr KernelSet kSet = WithSquares({.isa = "portable",
                                                 .panel_tiles = Isa::kPanelTiles,
                                                 .weight_limit = 32767,
                                                 .short_sums = false,
                                                 .weights = WeightForm::kPairs,
                                                 .nibble_tiles = 0,
                                                 .fast_requantization = false,
                                                 .depthwise_rows = Isa::Columns::kRows,
                                                 .depthwise_scratch = DepthwiseScratch<>,
                                                 .conv = Conv<>,
                                                 .depthwise = Depthwise<>,
                                                 .max_pool = MaxPool,
                                                 .avg_pool = AvgPool,
                                                 .binary = Binary,
                                                 .table = Table,
                                                 .lrn = Lrn},
                                                2, 4);
  return &kSet;
}

}  // namespace tf2::runtime::cpu
