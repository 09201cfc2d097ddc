// The kernels, written once over the primitives of an instruction set (`Isa`). Included by the
// kernels_*.cc files only, each of which defines `Isa` in its anonymous namespace first and is
// compiled with its own flags. Everything here has internal linkage for that reason.
//
// Isa provides: kTilePixels, kPanelTiles; Vector (kLanes int32 sums), Weight (element type),
// Features (one pixel's 4 channels, broadcast), Weights (those of kLanes output channels and 4
// channels);
//   Vector Load(const int32_t*), void Save(int32_t*, Vector),
//   Features Broadcast(const uint8_t*), Weights LoadWeights(const Weight*),
//   Vector Dot(Vector acc, Features, Weights): acc[o] + sum over i of feature[i] * weight[o][i],
//   void Store(const int32_t* sums, const Requantization&, int channel, const uint8_t* res,
//     uint8_t* out, int n): n <= 16 requantised sums (16 are readable) of the channels whose
//     parameters begin at `channel`; `res` is read where there is a residual only.
#ifndef TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

// Pixel tiles that a thread computes for one panel before it turns to the next panel: their inputs
// stay in the first-level cache while the panel's weights pass.
inline constexpr std::int64_t kTilesPerChunk = 8;
// Registers that hold the sums of a tile of 16 output channels.
inline constexpr int kVectors = kTile / Isa::kLanes;

template <typename T>
inline T Min(T a, T b) {
  return a < b ? a : b;
}

// Adds the products of one panel and one tile of pixels to acc[pixel][vector].
template <int kPixels, int kTiles>
inline void Accumulate(const ConvStep& step, const Panel& panel, const std::uint8_t* arena,
                       const std::int32_t* offsets,
                       typename Isa::Vector (&acc)[kPixels][kTiles * kVectors]) {
  constexpr int kBlock = kTile * kGroup;
  const std::int64_t tile_weights =
      std::int64_t{step.planes} * step.taps * step.groups_of_4 * kBlock;
  const auto* weights =
      static_cast<const typename Isa::Weight*>(step.weights) + panel.first_tile * tile_weights;
  for (int plane = 0; plane < step.planes; ++plane) {
    for (int tap = 0; tap < step.taps; ++tap) {
      const std::uint8_t* pixel[kPixels];
      for (int i = 0; i < kPixels; ++i) {
        pixel[i] = arena + offsets[tap * kPixels + i] + panel.in_channel;
      }
      for (int g = 0; g < step.groups_of_4; ++g) {
        typename Isa::Weights block[kTiles * kVectors];
        for (int v = 0; v < kTiles * kVectors; ++v) {
          block[v] = Isa::LoadWeights(weights + v / kVectors * tile_weights +
                                      v % kVectors * Isa::kLanes * kGroup);
        }
        weights += kBlock;
        for (int i = 0; i < kPixels; ++i) {
          const auto features = Isa::Broadcast(pixel[i] + g * kGroup);
          for (int v = 0; v < kTiles * kVectors; ++v) {
            acc[i][v] = Isa::Dot(acc[i][v], features, block[v]);
          }
        }
      }
    }
  }
}

// One panel of kTiles tiles over one tile of kPixels pixels.
template <int kPixels, int kTiles>
inline void ConvTile(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                     std::int64_t tile) {
  typename Isa::Vector acc[kPixels][kTiles * kVectors];
  for (int v = 0; v < kTiles * kVectors; ++v) {
    const auto bias = Isa::Load(step.bias + panel.first_tile * kTile + v * Isa::kLanes);
    for (int i = 0; i < kPixels; ++i) acc[i][v] = bias;
  }
  Accumulate<kPixels, kTiles>(step, panel, arena, step.offsets + tile * step.taps * kPixels, acc);
  // To memory first: compilers keep an array that is indexed at run time out of registers.
  std::int32_t sums[kPixels][kTiles * kTile];
  for (int i = 0; i < kPixels; ++i) {
    for (int v = 0; v < kTiles * kVectors; ++v) Isa::Save(sums[i] + v * Isa::kLanes, acc[i][v]);
  }
  const int element = step.requantization.wide ? 2 : 1;
  const auto valid = static_cast<int>(Min<std::int64_t>(kPixels, step.pixels - tile * kPixels));
  for (int i = 0; i < valid; ++i) {
    const std::int64_t p = tile * kPixels + i;
    std::uint8_t* out =
        arena + step.output.offset + p * step.output.stride + panel.out_channel * element;
    const std::uint8_t* res =
        arena + step.residual.offset + p * step.residual.stride + panel.out_channel;
    for (int v = 0; v < kTiles; ++v) {
      Isa::Store(sums[i] + v * kTile, step.requantization, (panel.first_tile + v) * kTile,
                 res + v * kTile, out + v * kTile * element,
                 Min(kTile, panel.channels - v * kTile));
    }
  }
}

template <int kPixels, int kTiles>
void ConvTiles(const ConvStep& step, const Panel& panel, std::uint8_t* arena, Range tiles) {
  for (std::int64_t tile = tiles.begin; tile < tiles.end; ++tile) {
    ConvTile<kPixels, kTiles>(step, panel, arena, tile);
  }
}

// Chooses the instantiation for the panel's number of tiles.
template <int kPixels, int kTiles>
void ConvPanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena, Range tiles) {
  if (panel.tiles == kTiles) {
    ConvTiles<kPixels, kTiles>(step, panel, arena, tiles);
  } else if constexpr (kTiles > 1) {
    ConvPanel<kPixels, kTiles - 1>(step, panel, arena, tiles);
  }
}

void Conv(const ConvStep& step, std::uint8_t* arena, Range tiles, Range panels) {
  for (std::int64_t begin = tiles.begin; begin < tiles.end; begin += kTilesPerChunk) {
    const Range chunk{begin, Min(begin + kTilesPerChunk, tiles.end)};
    for (std::int64_t i = panels.begin; i < panels.end; ++i) {
      if (step.pixels_per_tile == 1) {
        ConvPanel<1, Isa::kPanelTiles>(step, step.panels[i], arena, chunk);
      } else {
        ConvPanel<Isa::kTilePixels, Isa::kPanelTiles>(step, step.panels[i], arena, chunk);
      }
    }
  }
}

void Depthwise(const DepthwiseStep& step, std::uint8_t* arena, Range pixels) {
  const int element = step.requantization.wide ? 2 : 1;
  const std::int64_t row = (step.channels + kTile - 1) / kTile * kTile;
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p) {
    const std::int32_t* offsets = step.offsets + p * step.taps;
    std::uint8_t* out = arena + step.output.offset + p * step.output.stride;
    const std::uint8_t* res = arena + step.residual.offset + p * step.residual.stride;
    for (int c = 0; c < step.channels; c += kTile) {
      std::int32_t acc[kTile];
      std::memcpy(acc, step.bias + c, sizeof acc);
      for (int tap = 0; tap < step.taps; ++tap) {
        const auto* x = reinterpret_cast<const std::int8_t*>(arena + offsets[tap] + c);
        const std::int16_t* w = step.weights + tap * row + c;
        for (int o = 0; o < kTile; ++o) acc[o] += std::int32_t{x[o]} * w[o];
      }
      Isa::Store(acc, step.requantization, c, res + c, out + c * element,
                 Min(kTile, step.channels - c));
    }
  }
}

// The maximum of kWidth channels from c on; the first n are stored.
template <int kWidth>
inline void MaxBlock(const MaxPoolStep& step, const std::int32_t* offsets, std::uint8_t* arena,
                     int c, int n, std::uint8_t* out) {
  std::int8_t best[kWidth];
  std::memcpy(best, arena + offsets[0] + c, kWidth);
  for (int tap = 1; tap < step.taps; ++tap) {
    std::int8_t x[kWidth];
    std::memcpy(x, arena + offsets[tap] + c, kWidth);
    for (int o = 0; o < kWidth; ++o) best[o] = x[o] > best[o] ? x[o] : best[o];
  }
  std::memcpy(out + c, best, static_cast<std::size_t>(n));
}

void MaxPool(const MaxPoolStep& step, std::uint8_t* arena, Range pixels) {
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p) {
    const std::int32_t* offsets = step.offsets + p * step.taps;
    std::uint8_t* out = arena + step.output.offset + p * step.output.stride;
    int c = 0;
    for (; c + 64 <= step.channels; c += 64) MaxBlock<64>(step, offsets, arena, c, 64, out);
    for (; c < step.channels; c += 16) {
      MaxBlock<16>(step, offsets, arena, c, Min(16, step.channels - c), out);
    }
  }
}

void AvgPool(const AvgPoolStep& step, std::uint8_t* arena, Range pixels) {
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p) {
    const std::int32_t* offsets = step.offsets + p * step.taps;
    const Requantization& requantization = step.requantization[step.divisor[p]];
    const int element = requantization.wide ? 2 : 1;
    std::uint8_t* out = arena + step.output.offset + p * step.output.stride;
    for (int c = 0; c < step.channels; c += kTile) {
      std::int32_t acc[kTile] = {};
      for (int tap = 0; tap < step.taps; ++tap) {
        const auto* x = reinterpret_cast<const std::int8_t*>(arena + offsets[tap] + c);
        for (int o = 0; o < kTile; ++o) acc[o] += x[o];
      }
      Isa::Store(acc, requantization, c, out, out + c * element, Min(kTile, step.channels - c));
    }
  }
}

void Add(const AddStep& step, std::uint8_t* arena, Range pixels) {
  const std::int64_t low = step.wide ? -32768 : -128;
  const std::int64_t high = step.wide ? 32767 : 127;
  const std::int64_t floor = step.relu ? 0 : low;
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p) {
    const auto* a = reinterpret_cast<const std::int8_t*>(arena + step.a.offset + p * step.a.stride);
    const auto* b = reinterpret_cast<const std::int8_t*>(arena + step.b.offset + p * step.b.stride);
    std::uint8_t* out = arena + step.output.offset + p * step.output.stride;
    for (int c = 0; c < step.channels; ++c) {
      std::int64_t v = std::int64_t{a[c]} * (std::int64_t{1} << step.shift_a[c]) +
                       std::int64_t{b[c]} * (std::int64_t{1} << step.shift_b[c]);
      v = v < -step.limit[c] ? -step.limit[c] : v > step.limit[c] ? step.limit[c] : v;
      v = (v * (std::int64_t{1} << step.left[c]) + step.half[c]) >> step.right[c];
      v = v < floor ? floor : v > high ? high : v;
      if (step.wide) {
        out[2 * c] = static_cast<std::uint8_t>(v & 0xFF);
        out[2 * c + 1] = static_cast<std::uint8_t>((v >> 8) & 0xFF);
      } else {
        out[c] = static_cast<std::uint8_t>(v & 0xFF);
      }
    }
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_
