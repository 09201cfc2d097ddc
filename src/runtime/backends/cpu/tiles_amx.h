// Sums of convolutions in the tile registers of AMX. Included by kernels_amx.cc only.
//
// A block is 16 entries. Its weights of an output-channel tile, one row of 64 bytes an entry, are a
// tile B as they are packed; the 64 bytes that 16 pixels meet them with are a tile A. One TDPBUSD
// adds the products of both to the sums of 16 pixels x 16 output channels.
#ifndef TF2_RUNTIME_BACKENDS_CPU_TILES_AMX_H_
#define TF2_RUNTIME_BACKENDS_CPU_TILES_AMX_H_

#include <cstddef>
#include <cstdint>

#include "runtime/backends/cpu/intrinsics.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

inline constexpr int kBlockEntries = 16;
inline constexpr int kTilePixels = 16;
inline constexpr int kRowBytes = 64;
inline constexpr int kTileBytes = kTilePixels * kRowBytes;
// Blocks that are summed before the sums leave their tiles: twice their features fit the
// first-level cache, and storing and loading the sums takes a small part of the time.
inline constexpr int kBatchBlocks = 16;

// The operand of LDTILECFG: palette 1, every tile of full size.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {kRowBytes, kRowBytes, kRowBytes, kRowBytes,
                                 kRowBytes, kRowBytes, kRowBytes, kRowBytes};
  std::uint8_t rows[16] = {kTilePixels, kTilePixels, kTilePixels, kTilePixels,
                           kTilePixels, kTilePixels, kTilePixels, kTilePixels};
};
static_assert(sizeof(TileConfig) == 64);

// Tiles are configured while this lives: a call of a kernel, so that both instructions are a small
// part of the time. Afterwards the thread's tiles are in their initial state, whatever they were
// before: no caller finds them configured, and no context switch has to save their 8 KiB.
class ConfiguredTiles {
 public:
  ConfiguredTiles() {
    static constexpr TileConfig kConfig;
    _tile_loadconfig(&kConfig);
  }
  ~ConfiguredTiles() { _tile_release(); }
  ConfiguredTiles(const ConfiguredTiles&) = delete;
  ConfiguredTiles& operator=(const ConfiguredTiles&) = delete;
};

// Adjacent input bytes that entries of a block read, and where they go in a row of A.
struct Segment {
  __mmask64 bytes;
  std::int32_t at;
  std::int32_t offset;
};

// How the entries of a batch of blocks lie in memory.
struct BatchLayout {
  Segment segments[kBatchBlocks * kBlockEntries];
  int ends[kBatchBlocks];    // index of the segment after a block's last
  bool whole[kBatchBlocks];  // 64 adjacent bytes
  int blocks = 0;
};

inline void LayOut(const std::int32_t* offsets, int entries, BatchLayout& layout) {
  layout.blocks = (entries + kBlockEntries - 1) / kBlockEntries;
  int count = 0;
  for (int b = 0; b < layout.blocks; ++b) {
    const int first = b * kBlockEntries;
    const int end = entries < first + kBlockEntries ? entries : first + kBlockEntries;
    const int before = count;
    for (int e = first; e < end; ++e) {
      const int at = (e - first) * kGroup;
      if (e > first && offsets[e] == offsets[e - 1] + kGroup) {
        Segment& last = layout.segments[count - 1];
        last.bytes |= __mmask64{0xF} << (at - last.at);
      } else {
        layout.segments[count++] = {__mmask64{0xF}, at, offsets[e]};
      }
    }
    layout.ends[b] = count;
    layout.whole[b] = count == before + 1 && end == first + kBlockEntries;
  }
}

// A tile of features: its rows at base + i * stride.
struct FeatureTile {
  const std::uint8_t* base;
  std::int64_t stride;
};

// Brings the rows of A of one block together; zeros where it has no entries. Writes up to 60 bytes
// past the tile.
inline void GatherTile(const std::uint8_t* arena, const std::int64_t* input, const Segment* begin,
                       const Segment* end, std::uint8_t* to) {
  for (int i = 0; i < kTilePixels; ++i, to += kRowBytes) {
    const std::uint8_t* const pixel = arena + input[i];
    // What a store leaves beyond its segment is overwritten, or the zeros at the end of the row.
    for (const Segment* s = begin; s != end; ++s) {
      _mm512_storeu_si512(to + s->at, _mm512_maskz_loadu_epi8(s->bytes, pixel + s->offset));
    }
  }
}

// The features of a batch for 16 pixels: in place where the pixels are equally far apart and a
// block's bytes adjacent, else gathered in `memory`.
inline void GatherBatch(const std::uint8_t* arena, const std::int64_t* input,
                        const BatchLayout& layout, std::uint8_t* memory, FeatureTile* tiles) {
  const std::int64_t stride = input[1] - input[0];
  bool even = true;
  for (int i = 2; i < kTilePixels; ++i) even = even && input[i] - input[i - 1] == stride;
  for (int b = 0, begin = 0; b < layout.blocks; begin = layout.ends[b++]) {
    if (even && layout.whole[b]) {
      tiles[b] = {arena + input[0] + layout.segments[begin].offset, stride};
    } else {
      std::uint8_t* const to = memory + b * kTileBytes;
      GatherTile(arena, input, layout.segments + begin, layout.segments + layout.ends[b], to);
      tiles[b] = {to, kRowBytes};
    }
  }
}

// Sums of one output-channel tile or two.
struct TileSums {
  const std::int32_t* from;  // pixel i's begin at from + i * from_stride
  std::int64_t from_stride;
  std::int32_t* to;
  std::int64_t to_stride;
};

// Adds the products of a batch: 16 kRows pixels, kColumns output-channel tiles. Weights of the next
// entry are `weight_stride` bytes further.
//
// Tiles 0 to 3: sums [row][column]; 4, 5: features; 6, 7: weights.
template <int kRows, int kColumns>
inline void MultiplyTiles(const FeatureTile* first, const FeatureTile* second, int blocks,
                          const std::int8_t* weights, std::int64_t weight_stride,
                          const TileSums& sums) {
  constexpr auto kBytes = static_cast<std::int64_t>(sizeof(std::int32_t));
  // The tile instructions of GCC do not tell it that they read memory.
  __asm__ volatile("" : : : "memory");
  const std::int32_t* const second_from = sums.from + kTilePixels * sums.from_stride;
  _tile_loadd(0, sums.from, sums.from_stride * kBytes);
  if constexpr (kColumns == 2) _tile_loadd(1, sums.from + kTile, sums.from_stride * kBytes);
  if constexpr (kRows == 2) {
    _tile_loadd(2, second_from, sums.from_stride * kBytes);
    if constexpr (kColumns == 2) _tile_loadd(3, second_from + kTile, sums.from_stride * kBytes);
  }
  for (int b = 0; b < blocks; ++b, weights += kBlockEntries * weight_stride) {
    _tile_loadd(4, first[b].base, first[b].stride);
    _tile_loadd(6, weights, weight_stride);
    _tile_dpbusd(0, 4, 6);
    if constexpr (kColumns == 2) {
      _tile_loadd(7, weights + kRowBytes, weight_stride);
      _tile_dpbusd(1, 4, 7);
    }
    if constexpr (kRows == 2) {
      _tile_loadd(5, second[b].base, second[b].stride);
      _tile_dpbusd(2, 5, 6);
      if constexpr (kColumns == 2) _tile_dpbusd(3, 5, 7);
    }
  }
  std::int32_t* const second_to = sums.to + kTilePixels * sums.to_stride;
  _tile_stored(0, sums.to, sums.to_stride * kBytes);
  if constexpr (kColumns == 2) _tile_stored(1, sums.to + kTile, sums.to_stride * kBytes);
  if constexpr (kRows == 2) {
    _tile_stored(2, second_to, sums.to_stride * kBytes);
    if constexpr (kColumns == 2) _tile_stored(3, second_to + kTile, sums.to_stride * kBytes);
  }
}

// One batch of a panel of kTiles output-channel tiles over some pixels.
struct TileWork {
  Block block;  // at most the entries of a batch
  const std::uint8_t* arena;
  const std::int64_t* input;  // the addresses of whole tiles of pixels
  int pixels;
  const std::int32_t* from;  // [pixel][kTiles * 16], or one for all
  int from_stride;
  std::int32_t* sums;  // [pixel][kTiles * 16], of whole tiles of pixels
};

template <int kRows, int kTiles>
inline void SumRows(const TileWork& work, const FeatureTile* first, const FeatureTile* second,
                    int blocks, int pixel) {
  constexpr std::int64_t kRow = kTiles * kTile;
  constexpr std::int64_t kWeightStride = kTiles * kRowBytes;
  TileSums sums{work.from + pixel * std::int64_t{work.from_stride}, work.from_stride,
                work.sums + pixel * kRow, kRow};
  const std::int8_t* weights = work.block.weights;
  for (int t = 0; t + 1 < kTiles; t += 2, weights += 2 * kRowBytes) {
    MultiplyTiles<kRows, 2>(first, second, blocks, weights, kWeightStride, sums);
    sums.from += 2 * kTile;
    sums.to += 2 * kTile;
  }
  if constexpr (kTiles % 2 == 1) {
    MultiplyTiles<kRows, 1>(first, second, blocks, weights, kWeightStride, sums);
  }
}

// The sums of all pixels, but of the last one where it would have a tile for itself. Returns how
// many pixels they are.
template <int kTiles>
inline int SumTiles(const TileWork& work) {
  const int pixels = work.pixels % kTilePixels == 1 ? work.pixels - 1 : work.pixels;
  if (pixels == 0) return 0;
  BatchLayout layout;
  LayOut(work.block.offsets, static_cast<int>(work.block.entries), layout);
  alignas(64) std::uint8_t memory[2 * kBatchBlocks * kTileBytes + kRowBytes];
  FeatureTile first[kBatchBlocks], second[kBatchBlocks];
  for (int pixel = 0; pixel < pixels; pixel += 2 * kTilePixels) {
    GatherBatch(work.arena, work.input + pixel, layout, memory, first);
    if (pixel + kTilePixels < pixels) {
      GatherBatch(work.arena, work.input + pixel + kTilePixels, layout,
                  memory + kBatchBlocks * kTileBytes, second);
      SumRows<2, kTiles>(work, first, second, layout.blocks, pixel);
    } else {
      SumRows<1, kTiles>(work, first, nullptr, layout.blocks, pixel);
    }
  }
  return pixels;
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_TILES_AMX_H_
