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
// Blocks that are summed before the sums leave their tiles: the weights of two output-channel tiles
// fit the first-level cache, and storing and loading the sums takes a small part of the time.
inline constexpr int kBatchBlocks = 16;
inline constexpr int kBatchEntries = kBatchBlocks * kBlockEntries;
// Tiles of rows that are brought together before they pass the weights.
inline constexpr int kChunkTiles = 6;

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
  __mmask64 bytes;      // of the row
  std::int32_t offset;  // from a pixel's address to what would be the row's first byte
};

// How the entries of a batch of blocks lie in memory.
struct BatchLayout {
  Segment segments[kBatchEntries];
  int ends[kBatchBlocks];            // index of the segment after a block's last
  std::int32_t first[kBatchBlocks];  // offset of its first entry
  bool whole[kBatchBlocks];          // 64 adjacent bytes
  int blocks = 0;
};

// Whether 16 entries are adjacent.
inline bool IsWhole(const std::int32_t* offsets) {
  const __m512i steps =
      _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
  const __m512i wanted = _mm512_add_epi32(_mm512_set1_epi32(offsets[0]), steps);
  return _mm512_cmpeq_epi32_mask(wanted, _mm512_loadu_si512(offsets)) == __mmask16{0xFFFF};
}

inline void LayOut(const std::int32_t* offsets, int entries, BatchLayout& layout) {
  layout.blocks = (entries + kBlockEntries - 1) / kBlockEntries;
  int count = 0;
  for (int b = 0; b < layout.blocks; ++b) {
    const int first = b * kBlockEntries;
    const int end = entries < first + kBlockEntries ? entries : first + kBlockEntries;
    layout.first[b] = offsets[first];
    layout.whole[b] = end == first + kBlockEntries && IsWhole(offsets + first);
    for (int e = first; e < end && !layout.whole[b]; ++e) {
      const int at = (e - first) * kGroup;
      if (e > first && offsets[e] == offsets[e - 1] + kGroup) {
        layout.segments[count - 1].bytes |= __mmask64{0xF} << at;
      } else {
        layout.segments[count++] = {__mmask64{0xF} << at, offsets[e] - at};
      }
    }
    layout.ends[b] = count;
  }
}

// A tile of features: its rows at base + i * stride.
struct FeatureTile {
  const std::uint8_t* base;
  std::int64_t stride;
};

// Brings the rows of A of one block together; zeros where it has no entries.
inline void GatherTile(const std::uint8_t* arena, const std::int64_t* input, const Segment* begin,
                       const Segment* end, std::uint8_t* to) {
  for (int i = 0; i < kTilePixels; ++i, to += kRowBytes) {
    const std::uint8_t* const pixel = arena + input[i];
    __m512i row = _mm512_setzero_si512();
    for (const Segment* s = begin; s != end; ++s) {
      row = _mm512_mask_loadu_epi8(row, s->bytes, pixel + s->offset);
    }
    _mm512_storeu_si512(to, row);
  }
}

// The features of a batch for some tiles of 16 rows.
struct GatheredBatch {
  FeatureTile tiles[kChunkTiles][kBatchBlocks];
  alignas(64) std::uint8_t memory[kChunkTiles * kBatchBlocks * kTileBytes];
};

// In place where the rows are equally far apart and a block's bytes adjacent.
inline void Gather(const std::uint8_t* arena, const std::int64_t* input, int tiles,
                   const BatchLayout& layout, GatheredBatch& gathered) {
  std::uint8_t* to = gathered.memory;
  for (int t = 0; t < tiles; ++t, input += kTilePixels) {
    const std::int64_t stride = input[1] - input[0];
    bool even = true;
    for (int i = 2; i < kTilePixels; ++i) even = even && input[i] - input[i - 1] == stride;
    for (int b = 0, begin = 0; b < layout.blocks; begin = layout.ends[b++]) {
      if (layout.whole[b] && even) {
        gathered.tiles[t][b] = {arena + input[0] + layout.first[b], stride};
        continue;
      }
      if (layout.whole[b]) {
        const Segment whole{~__mmask64{0}, layout.first[b]};
        GatherTile(arena, input, &whole, &whole + 1, to);
      } else {
        GatherTile(arena, input, layout.segments + begin, layout.segments + layout.ends[b], to);
      }
      gathered.tiles[t][b] = {to, kRowBytes};
      to += kTileBytes;
    }
  }
}

// Sums of one output-channel tile or two.
struct TileSums {
  const std::int32_t* from;  // row i's begin at from + i * from_stride
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
    // All loads before all products: a tenth faster while the core's other thread is busy.
    _tile_loadd(4, first[b].base, first[b].stride);
    _tile_loadd(6, weights, weight_stride);
    if constexpr (kColumns == 2) _tile_loadd(7, weights + kRowBytes, weight_stride);
    if constexpr (kRows == 2) _tile_loadd(5, second[b].base, second[b].stride);
    _tile_dpbusd(0, 4, 6);
    if constexpr (kColumns == 2) _tile_dpbusd(1, 4, 7);
    if constexpr (kRows == 2) {
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

// What passes the weights of a batch: tiles of rows, and their sums [row][kTiles * 16] before, or
// of all rows where from_stride is 0, and after.
struct Passing {
  const GatheredBatch* gathered;
  int tiles;
  const std::int32_t* from;
  std::int64_t from_stride;
  std::int32_t* to;
};

// Adds the products with output-channel tiles [first, first + kColumns) of a panel of kTiles: their
// weights stay in the first-level cache while all rows pass.
template <int kColumns, int kTiles>
inline void PassColumns(const Block& block, int first, const Passing& rows) {
  constexpr std::int64_t kRow = kTiles * kTile;
  const auto blocks = static_cast<int>((block.entries + kBlockEntries - 1) / kBlockEntries);
  const std::int8_t* const weights = block.weights + first * kRowBytes;
  TileSums sums{rows.from + first * kTile, rows.from_stride, rows.to + first * kTile, kRow};
  for (int t = 0; t < rows.tiles; t += 2) {
    const FeatureTile* const features = rows.gathered->tiles[t];
    if (t + 1 < rows.tiles) {
      MultiplyTiles<2, kColumns>(features, rows.gathered->tiles[t + 1], blocks, weights,
                                 kTiles * kRowBytes, sums);
    } else {
      MultiplyTiles<1, kColumns>(features, nullptr, blocks, weights, kTiles * kRowBytes, sums);
    }
    sums.from += 2 * kTilePixels * rows.from_stride;
    sums.to += 2 * kTilePixels * kRow;
  }
}

template <int kTiles>
inline void PassPanel(const Block& block, const Passing& rows) {
  for (int t = 0; t + 1 < kTiles; t += 2) PassColumns<2, kTiles>(block, t, rows);
  if constexpr (kTiles % 2 == 1) PassColumns<1, kTiles>(block, kTiles - 1, rows);
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_TILES_AMX_H_
