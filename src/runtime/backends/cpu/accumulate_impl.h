// The inner loops of convolutions for instruction sets that multiply unsigned features by signed
// weights. Included by kernels_*.cc files for their primitives `P`:
//   kLanes, Vector, Load, Save; Features Broadcast(const uint8_t*): 4 features for every lane;
//   Weights LoadWeights(const void*): 4 weights of each of kLanes output channels;
//   with kShortSums: Short Multiply(Features, Weights), the sums of adjacent products in 16 bits,
//   Short AddShort(Short, Short), Vector AddPairs(Vector, Short);
//   without: Vector Dot(Vector, Features, Weights);
//   kNibbleTiles, Nibbles LoadNibbles(const uint8_t*), Weights DecodeLow(Nibbles), Weights
//   DecodeHigh(Nibbles).
#ifndef TF2_RUNTIME_BACKENDS_CPU_ACCUMULATE_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_ACCUMULATE_IMPL_H_

#include <cstdint>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

template <typename P>
struct AccumulatorOf : P {
  using P::kLanes;
  using P::kShortSums;
  using typename P::Features;
  using typename P::Nibbles;
  using typename P::Short;
  using typename P::Vector;
  using typename P::Weights;
  static constexpr int kPerTile = kTile / kLanes;
  static constexpr int kVectorBytes = kLanes * kGroup;

  // What remains to be read of a block, in order; Weight: of the bytes that hold weights.
  template <typename Weight>
  struct Cursor {
    const std::int32_t* offsets;
    const Weight* weights;
  };

  // Adds the products of groups of 4 inputs up to `end` to acc[pixel][vector], kRun of them in 16
  // bits first.
  template <int kRun, int kPixels, int kCount>
  [[gnu::always_inline]] static inline void AddRuns(Vector (&acc)[kPixels][kCount],
                                                    const std::uint8_t* const (&pixel)[kPixels],
                                                    Cursor<std::int8_t>& at,
                                                    const std::int32_t* end) {
    for (; at.offsets != end; at.offsets += kRun, at.weights += kRun * kCount * kVectorBytes) {
      Short sums[kPixels][kCount];
#pragma GCC unroll 8
      for (int j = 0; j < kRun; ++j) {
        Weights w[kCount];
#pragma GCC unroll 8
        for (int v = 0; v < kCount; ++v) {
          w[v] = P::LoadWeights(at.weights + (j * kCount + v) * kVectorBytes);
        }
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i) {
          const Features f = P::Broadcast(pixel[i] + at.offsets[j]);
#pragma GCC unroll 8
          for (int v = 0; v < kCount; ++v) {
            const Short product = P::Multiply(f, w[v]);
            sums[i][v] = j == 0 ? product : P::AddShort(sums[i][v], product);
          }
        }
      }
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 8
        for (int v = 0; v < kCount; ++v) acc[i][v] = P::AddPairs(acc[i][v], sums[i][v]);
      }
    }
  }

  // Adds the products of a block's groups of 4 inputs to acc[pixel][vector]. kRun: of all entries,
  // or 0 where the block's runs differ.
  template <int kRun, int kPixels, int kCount>
  [[gnu::always_inline]] static inline void Accumulate(Vector (&acc)[kPixels][kCount],
                                                       const std::uint8_t* const (&pixel)[kPixels],
                                                       const Block& block) {
    const std::int32_t* const first = block.offsets;
    Cursor<std::int8_t> at{first, block.weights};
    if constexpr (kShortSums && kRun > 0) {
      AddRuns<kRun>(acc, pixel, at, first + block.entries);
    } else if constexpr (kShortSums) {
      AddRuns<8>(acc, pixel, at, first + block.runs.eights);
      AddRuns<4>(acc, pixel, at, first + block.runs.fours);
      AddRuns<2>(acc, pixel, at, first + block.runs.twos);
      AddRuns<1>(acc, pixel, at, first + block.entries);
    } else {
      const std::int32_t* const end = first + block.entries;
      for (; at.offsets != end; ++at.offsets, at.weights += kCount * kVectorBytes) {
        Weights w[kCount];
#pragma GCC unroll 8
        for (int v = 0; v < kCount; ++v) w[v] = P::LoadWeights(at.weights + v * kVectorBytes);
#pragma GCC unroll 16
        for (int i = 0; i < kPixels; ++i) {
          const Features f = P::Broadcast(pixel[i] + *at.offsets);
#pragma GCC unroll 8
          for (int v = 0; v < kCount; ++v) acc[i][v] = P::Dot(acc[i][v], f, w[v]);
        }
      }
    }
  }

  // The same for one pixel and pairs of entries of 4-bit weights, whose products are added in 16
  // bits first where kRun is 2.
  template <int kRun, int kCount>
  [[gnu::always_inline]] static inline void AddNibbles(Vector (&acc)[kCount],
                                                       const std::uint8_t* pixel,
                                                       Cursor<std::uint8_t>& at,
                                                       const std::int32_t* end) {
    constexpr int kAhead = 4096;  // bytes that are fetched before they are needed
    for (; at.offsets != end; at.offsets += 2) {
      const Features low = P::Broadcast(pixel + at.offsets[0]);
      const Features high = P::Broadcast(pixel + at.offsets[1]);
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) {
        if (v * kVectorBytes % 64 == 0) __builtin_prefetch(at.weights + kAhead);
        const Nibbles nibbles = P::LoadNibbles(at.weights);
        at.weights += kVectorBytes;
        const Weights w_low = P::DecodeLow(nibbles);
        const Weights w_high = P::DecodeHigh(nibbles);
        if constexpr (!kShortSums) {
          acc[v] = P::Dot(P::Dot(acc[v], low, w_low), high, w_high);
        } else if constexpr (kRun == 1) {
          acc[v] =
              P::AddPairs(P::AddPairs(acc[v], P::Multiply(low, w_low)), P::Multiply(high, w_high));
        } else {
          acc[v] =
              P::AddPairs(acc[v], P::AddShort(P::Multiply(low, w_low), P::Multiply(high, w_high)));
        }
      }
    }
  }

  // What kernels_impl.h asks for.
  static constexpr int kNibbleTiles = P::kNibbleTiles;
  static constexpr bool kFast = true;
  static constexpr bool kNarrow = false;

  template <int kPixels, int kTiles, int kRun>
  [[gnu::always_inline]] static inline void SumTile(const Block& block, const std::uint8_t* arena,
                                                    const std::int64_t* input,
                                                    const std::int32_t* from, int from_stride,
                                                    std::int32_t* sums) {
    constexpr int kCount = kTiles * kPerTile;
    Vector acc[kPixels][kCount];
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < kCount; ++v) acc[i][v] = P::Load(from + i * from_stride + v * kLanes);
    }
    const std::uint8_t* pixel[kPixels];
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) pixel[i] = arena + input[i];
    Accumulate<kRun>(acc, pixel, block);
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < kCount; ++v) P::Save(sums + i * kTiles * kTile + v * kLanes, acc[i][v]);
    }
  }

  template <int kTiles>
  [[gnu::always_inline]] static inline void SumNibbles(const Block& block,
                                                       const std::uint8_t* pixel,
                                                       const std::int32_t* from,
                                                       std::int32_t* sums) {
    constexpr int kCount = kTiles * kPerTile;
    Vector acc[kCount];
#pragma GCC unroll 16
    for (int v = 0; v < kCount; ++v) acc[v] = P::Load(from + v * kLanes);
    const std::int32_t* const first = block.offsets;
    Cursor<std::uint8_t> at{first, reinterpret_cast<const std::uint8_t*>(block.weights)};
    if constexpr (kShortSums) AddNibbles<2>(acc, pixel, at, first + block.runs.twos);
    AddNibbles<1>(acc, pixel, at, first + block.entries);
#pragma GCC unroll 16
    for (int v = 0; v < kCount; ++v) P::Save(sums + v * kLanes, acc[v]);
  }
};

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_ACCUMULATE_IMPL_H_
