// The kernels, written once over the primitives of an instruction set (`Isa`). Included by the
// kernels_*.cc files only, each of which defines `Isa` in its anonymous namespace first and is
// compiled with its own flags. Everything here has internal linkage for that reason.
//
// Isa provides: kLanes, the 32-bit sums of a Vector; kPanelTiles; Pixels(tiles), the pixels that
// are computed together with that many tiles; kRuns, the largest run;
//   Vector Load(const int32_t*), void Save(int32_t*, Vector),
//   void Accumulate<kPixels, kTiles, kRun>(Vector (&acc)[kPixels][kTiles * kVectors], pixel
//     addresses, offsets, weights, entries), and AccumulateNibbles<kTiles, kRun> for one pixel,
//   Sums FromChannels(const int32_t*): 16 sums in channel order brought into slot order,
//   void StoreFast(const Sink&, const FastRequantization&, const Sums&, const uint8_t* residual,
//     uint8_t* out, int n): the first n of 16 channels.
#ifndef TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

// Registers that hold the sums of a tile of 16 output channels.
inline constexpr int kVectors = kTile / Isa::kLanes;
// Pixels that pass a block of weights before the next one is read; a multiple of the pixels that
// most kernels compute together.
inline constexpr int kChunk = 96;
// Weights that stay in the first-level cache while a chunk passes.
inline constexpr int kBlockBytes = 16384;

template <typename T>
inline T Min(T a, T b) {
  return a < b ? a : b;
}

// Walks over the pixels of a map, row by row.
struct Walker {
  std::int64_t y, x;
  std::int32_t width;
  Walker(std::int64_t pixel, std::int32_t row_width)
      : y(pixel / row_width), x(pixel % row_width), width(row_width) {}
  void Next() {
    if (++x == width) {
      x = 0;
      ++y;
    }
  }
  std::int64_t In(const View& view) const { return view.offset + y * view.row + x * view.stride; }
};

inline std::int32_t Clamp(std::int64_t v, std::int32_t low, std::int32_t high) {
  return static_cast<std::int32_t>(v < low ? low : v > high ? high : v);
}

inline void StoreValue(std::uint8_t* out, bool wide, std::uint8_t zero, std::int32_t v) {
  if (wide) {
    out[0] = static_cast<std::uint8_t>(v & 0xFF);
    out[1] = static_cast<std::uint8_t>((v >> 8) & 0xFF);
  } else {
    out[0] = static_cast<std::uint8_t>(v + zero);
  }
}

// Any parameters, in 64 bits. `sums` are in slot order.
void StoreGeneral(const Sink& sink, const Requantization* table, const std::int32_t* sums,
                  const std::uint8_t* residual, std::uint8_t* out, int n) {
  const int element = sink.wide ? 2 : 1;
  for (int slot = 0; slot < kTile; ++slot) {
    const int c = Isa::kSlotChannel[slot];
    if (c >= n) continue;
    const Requantization& r = table[slot];
    std::int64_t v = std::int64_t{sums[slot]} * (sums[slot] < 0 ? r.alpha_negative : r.alpha) +
                     (std::int64_t{1} << (r.s - 1));
    if (sink.has_residual) {
      v += std::int64_t{residual[c] - sink.residual_zero} * (std::int64_t{1} << r.t);
    }
    StoreValue(out + c * element, sink.wide, sink.zero, Clamp(v >> r.s, r.low, r.high));
  }
}

// Requantises the sums of tile `tile` of the sink's tables and writes the first n channels.
inline void StoreTile(const Sink& sink, std::int64_t tile, const typename Isa::Sums& sums,
                      const std::uint8_t* residual, std::uint8_t* out, int n) {
  if (sink.fast != nullptr) {
    Isa::StoreFast(sink, sink.fast[tile], sums, residual, out, n);
    return;
  }
  std::int32_t values[kTile];
  for (int v = 0; v < kVectors; ++v) Isa::Save(values + v * Isa::kLanes, sums.vector[v]);
  StoreGeneral(sink, sink.general + tile * kTile, values, residual, out, n);
}

// Arena offsets of the pixels of a chunk; the last one is repeated, for kernels that compute more.
struct Chunk {
  int count = 0;
  std::int64_t input[kChunk + kMaxTilePixels];
  std::int64_t output[kChunk];
  std::int64_t residual[kChunk];
};

inline void FillChunk(const ConvStep& step, Range pixels, Chunk& chunk) {
  chunk.count = static_cast<int>(pixels.end - pixels.begin);
  Walker walker(pixels.begin, step.sink.width);
  for (int i = 0; i < chunk.count; ++i) {
    chunk.input[i] = walker.In(step.input);
    chunk.output[i] = walker.In(step.sink.output);
    chunk.residual[i] = walker.In(step.sink.residual);
    walker.Next();
  }
  for (int i = chunk.count; i < chunk.count + kMaxTilePixels; ++i) {
    chunk.input[i] = chunk.input[chunk.count - 1];
  }
}

// One panel over pixels [first, first + kPixels) of a chunk, `valid` of which exist: entries
// [begin, end). The sums start from the bias or, at a later block of entries, from `partial`; they
// end in `partial` or, at the last block, requantised in the output.
template <int kPixels, int kTiles, int kRun>
inline void ConvTile(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                     const Chunk& chunk, int first, int valid, Range entries,
                     std::int32_t* partial) {
  constexpr int kCount = kTiles * kVectors;
  typename Isa::Vector acc[kPixels][kCount];
  const std::int32_t* const bias = step.bias + panel.first_tile * kTile;
  const bool from_bias = entries.begin == 0;
#pragma GCC unroll 16
  for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kCount; ++v) {
      acc[i][v] = Isa::Load((from_bias ? bias : partial + i * kTiles * kTile) + v * Isa::kLanes);
    }
  }
  const std::uint8_t* pixel[kPixels];
#pragma GCC unroll 16
  for (int i = 0; i < kPixels; ++i) pixel[i] = arena + chunk.input[first + i];
  Isa::template Accumulate<kPixels, kTiles, kRun>(
      acc, pixel, step.offsets + panel.offsets + entries.begin,
      step.weights + (panel.weights + entries.begin * kTiles * kTile * kGroup) * Isa::kWeightBytes,
      entries.end - entries.begin);
  if (entries.end != panel.entries) {
#pragma GCC unroll 16
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < kCount; ++v) {
        Isa::Save(partial + i * kTiles * kTile + v * Isa::kLanes, acc[i][v]);
      }
    }
    return;
  }
  const int element = step.sink.wide ? 2 : 1;
#pragma GCC unroll 16
  for (int i = 0; i < kPixels; ++i) {
    if (i >= valid) break;
    std::uint8_t* const out = arena + chunk.output[first + i] + panel.out_channel * element;
    const std::uint8_t* const residual = arena + chunk.residual[first + i] + panel.out_channel;
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) {
      typename Isa::Sums sums;
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums.vector[v] = acc[i][t * kVectors + v];
      StoreTile(step.sink, panel.first_tile + t, sums, residual + t * kTile,
                out + t * kTile * element, Min(kTile, panel.channels - t * kTile));
    }
  }
}

template <int kTiles, int kRun>
void ConvPanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena, const Chunk& chunk) {
  constexpr int kPixels = Isa::Pixels(kTiles);
  // A multiple of every run and of portable blocks.
  constexpr std::int64_t kBlock = kBlockBytes / (kTiles * kTile * kGroup) / 64 * 64;
  alignas(64) std::int32_t partial[(kChunk + kMaxTilePixels) * kTiles * kTile];
  const std::int64_t block = chunk.count <= kPixels ? panel.entries : kBlock;
  std::int64_t begin = 0;
  do {  // once, too, where there are no entries
    const Range entries{begin, Min<std::int64_t>(begin + block, panel.entries)};
    for (int first = 0; first < chunk.count; first += kPixels) {
      const int valid = Min(kPixels, chunk.count - first);
      std::int32_t* const sums = partial + first * kTiles * kTile;
      if (valid == 1) {
        ConvTile<1, kTiles, kRun>(step, panel, arena, chunk, first, 1, entries, sums);
      } else {
        ConvTile<kPixels, kTiles, kRun>(step, panel, arena, chunk, first, valid, entries, sums);
      }
    }
    begin = entries.end;
  } while (begin < panel.entries);
}

// One panel of 4-bit weights over one pixel.
template <int kTiles, int kRun>
void NibblePanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                 const Chunk& chunk) {
  constexpr int kCount = kTiles * kVectors;
  typename Isa::Vector acc[kCount];
  for (int v = 0; v < kCount; ++v) {
    acc[v] = Isa::Load(step.bias + panel.first_tile * kTile + v * Isa::kLanes);
  }
  Isa::template AccumulateNibbles<kTiles, kRun>(
      acc, arena + chunk.input[0], step.offsets + panel.offsets,
      reinterpret_cast<const std::uint8_t*>(step.weights) + panel.weights / 2, panel.entries);
  const int element = step.sink.wide ? 2 : 1;
  for (int t = 0; t < kTiles; ++t) {
    typename Isa::Sums sums;
    for (int v = 0; v < kVectors; ++v) sums.vector[v] = acc[t * kVectors + v];
    const std::int64_t channel = panel.out_channel + t * kTile;
    StoreTile(step.sink, panel.first_tile + t, sums, arena + chunk.residual[0] + channel,
              arena + chunk.output[0] + channel * element, Min(kTile, panel.channels - t * kTile));
  }
}

// Chooses the instantiation for the panel's tiles and run.
template <int kTiles, int kRun>
void DispatchPanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                   const Chunk& chunk) {
  if (panel.tiles != kTiles) {
    if constexpr (kTiles > 1) DispatchPanel<kTiles - 1, kRun>(step, panel, arena, chunk);
  } else if (panel.run != kRun) {
    if constexpr (kRun > 1) DispatchPanel<kTiles, kRun / 2>(step, panel, arena, chunk);
  } else if (step.nibbles) {
    NibblePanel<kTiles, kRun>(step, panel, arena, chunk);
  } else {
    ConvPanel<kTiles, kRun>(step, panel, arena, chunk);
  }
}

void Conv(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels) {
  // Chunks of about equal size, in whole tiles of most kernels.
  constexpr std::int64_t kUnit = 12;
  const std::int64_t count = pixels.end - pixels.begin;
  const std::int64_t chunks = (count + kChunk - 1) / kChunk;
  const std::int64_t size =
      chunks <= 1 ? count : ((count + chunks - 1) / chunks + kUnit - 1) / kUnit * kUnit;
  Chunk chunk;
  for (std::int64_t begin = pixels.begin; begin < pixels.end; begin += size) {
    FillChunk(step, {begin, Min<std::int64_t>(begin + size, pixels.end)}, chunk);
    for (std::int64_t i = panels.begin; i < panels.end; ++i) {
      DispatchPanel<Isa::kPanelTiles, Isa::kRuns>(step, step.panels[i], arena, chunk);
    }
  }
}

void Depthwise(const DepthwiseStep& step, std::uint8_t* arena, Range pixels) {
  const int element = step.sink.wide ? 2 : 1;
  const std::int64_t row = (step.channels + kTile - 1) / kTile * kTile;
  Walker walker(pixels.begin, step.sink.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    const std::uint8_t* const in = arena + walker.In(step.input);
    std::uint8_t* const out = arena + walker.In(step.sink.output);
    const std::uint8_t* const residual = arena + walker.In(step.sink.residual);
    for (int c = 0; c < step.channels; c += kTile) {
      std::int32_t acc[kTile];
      std::memcpy(acc, step.bias + c, sizeof acc);
      for (int tap = 0; tap < step.taps; ++tap) {
        const std::uint8_t* const x = in + step.offsets[tap] + c;
        const std::int16_t* const w = step.weights + tap * row + c;
        // |w| <= 128, so that a product has 16 bits: 255 * 128 = 32,640.
        for (int o = 0; o < kTile; ++o) acc[o] += static_cast<std::int16_t>(x[o] * w[o]);
      }
      StoreTile(step.sink, c / kTile, Isa::FromChannels(acc), residual + c, out + c * element,
                Min(kTile, step.channels - c));
    }
  }
}

// Calls tap(address) for the input pixels under the window of output pixel (y, x).
template <typename Tap>
inline void ForTaps(const PoolStep& step, const std::uint8_t* arena, const Walker& at,
                    const Tap& tap) {
  const PoolRange& rows = step.rows[at.y];
  const PoolRange& columns = step.columns[at.x];
  for (int y = rows.begin; y < rows.end; y += step.step_y) {
    const std::uint8_t* const row = arena + step.input.offset + y * step.input.row;
    for (int x = columns.begin; x < columns.end; x += step.step_x) {
      tap(row + x * step.input.stride);
    }
  }
}

// The maximum of kWidth channels from c on; the first n are stored.
template <int kWidth>
inline void MaxBlock(const PoolStep& step, const std::uint8_t* arena, const Walker& at, int c,
                     int n, std::uint8_t* out) {
  std::uint8_t best[kWidth] = {};
  ForTaps(step, arena, at, [&](const std::uint8_t* from) {
    std::uint8_t x[kWidth];
    std::memcpy(x, from + c, kWidth);
    for (int o = 0; o < kWidth; ++o) best[o] = x[o] > best[o] ? x[o] : best[o];
  });
  const auto change = static_cast<std::uint8_t>(step.zero ^ step.sink.zero);
  for (int o = 0; o < kWidth; ++o) best[o] ^= change;
  std::memcpy(out + c, best, static_cast<std::size_t>(n));
}

void MaxPool(const PoolStep& step, std::uint8_t* arena, Range pixels) {
  Walker walker(pixels.begin, step.sink.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    std::uint8_t* const out = arena + walker.In(step.sink.output);
    int c = 0;
    for (; c + 64 <= step.channels; c += 64) MaxBlock<64>(step, arena, walker, c, 64, out);
    for (; c < step.channels; c += 16) {
      MaxBlock<16>(step, arena, walker, c, Min(16, step.channels - c), out);
    }
  }
}

void AvgPool(const PoolStep& step, std::uint8_t* arena, Range pixels) {
  const int element = step.sink.wide ? 2 : 1;
  Walker walker(pixels.begin, step.sink.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    std::uint8_t* const out = arena + walker.In(step.sink.output);
    for (int c = 0; c < step.channels; c += kTile) {
      std::int32_t acc[kTile] = {};
      ForTaps(step, arena, walker, [&](const std::uint8_t* from) {
        for (int o = 0; o < kTile; ++o) acc[o] += from[c + o] - step.zero;
      });
      StoreTile(step.sink, step.first_tile[p] + c / kTile, Isa::FromChannels(acc), out,
                out + c * element, Min(kTile, step.channels - c));
    }
  }
}

// Sums of kTile channels from c on that fit 32 bits.
inline void AddNarrow(const AddStep& step, const std::uint8_t* a, const std::uint8_t* b, int c,
                      std::int32_t (&sums)[kTile]) {
  for (int o = 0; o < kTile; ++o) {
    std::int32_t v = ((a[c + o] - step.zero_a) << step.shift_a[c + o]) +
                     ((b[c + o] - step.zero_b) << step.shift_b[c + o]);
    const auto limit = static_cast<std::int32_t>(step.limit[c + o]);
    v = v < -limit ? -limit : v > limit ? limit : v;
    v = ((v << step.left[c + o]) + static_cast<std::int32_t>(step.half[c + o])) >>
        step.right[c + o];
    sums[o] = v < step.low ? step.low : v > step.high ? step.high : v;
  }
}

inline void AddExact(const AddStep& step, const std::uint8_t* a, const std::uint8_t* b, int c,
                     std::int32_t (&sums)[kTile]) {
  for (int o = 0; o < kTile; ++o) {
    std::int64_t v =
        std::int64_t{a[c + o] - step.zero_a} * (std::int64_t{1} << step.shift_a[c + o]) +
        std::int64_t{b[c + o] - step.zero_b} * (std::int64_t{1} << step.shift_b[c + o]);
    const std::int64_t limit = step.limit[c + o];
    v = v < -limit ? -limit : v > limit ? limit : v;
    v = (v * (std::int64_t{1} << step.left[c + o]) + step.half[c + o]) >> step.right[c + o];
    sums[o] = Clamp(v, step.low, step.high);
  }
}

void Add(const AddStep& step, std::uint8_t* arena, Range pixels) {
  const int element = step.wide ? 2 : 1;
  Walker walker(pixels.begin, step.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    const std::uint8_t* const a = arena + walker.In(step.a);
    const std::uint8_t* const b = arena + walker.In(step.b);
    std::uint8_t* const out = arena + walker.In(step.output);
    for (int c = 0; c < step.channels; c += kTile) {
      std::int32_t sums[kTile];
      if (step.fits_32) {
        AddNarrow(step, a, b, c, sums);
      } else {
        AddExact(step, a, b, c, sums);
      }
      std::uint8_t bytes[2 * kTile];
      for (int o = 0; o < kTile; ++o) {
        StoreValue(bytes + o * element, step.wide, step.zero, sums[o]);
      }
      std::memcpy(out + c * element, bytes,
                  static_cast<std::size_t>(Min(kTile, step.channels - c) * element));
    }
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_
