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
#include "runtime/backends/cpu/primitives_512.h"
#include "runtime/backends/cpu/tile_config.h"

namespace tf2::runtime::cpu {
namespace {

// Most blocks that are summed before the sums leave their tiles.
inline constexpr int kBatchBlocks = 72;  // 3 x 3 pixels of 512 channels
inline constexpr int kBatchEntries = kBatchBlocks * kBlockEntries;
// Tiles of rows that pass all weights together: their features stay in the first-level cache unless
// there are very many, and weights come one after the other.
inline constexpr int kChunkTiles = 2;

// Adjacent input bytes that entries of a block read, and where they go in a row of A.
struct Segment {
  __mmask64 bytes;      // of the row
  std::int32_t offset;  // from a pixel's address to what would be the row's first byte
};

// Where the features of a block of 64 bytes are.
enum class Pieces : std::uint8_t {
  kWhole,     // 64 adjacent bytes
  kHalves,    // 32 and 32
  kQuarters,  // 4 times 16
  kSegments,  // anything else
};

// How the entries of a batch of blocks lie in memory.
struct BatchLayout {
  Pieces pieces[kBatchBlocks];
  std::int32_t quarters[kBatchBlocks][4];  // offsets, unless in segments
  Segment segments[kBatchEntries];
  int ends[kBatchBlocks];  // index of the segment after a block's last
  int blocks = 0;
};

// The pieces of the block whose 16 entries have these offsets.
inline Pieces PiecesOf(const std::int32_t* offsets) {
  const __m512i all = _mm512_loadu_si512(offsets);
  const __m512i within = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  const __m512i firsts = _mm512_shuffle_epi8(all, _mm512_set1_epi32(0x03020100));
  const __m512i quarters = _mm512_add_epi32(firsts, within);
  if (_mm512_cmpeq_epi32_mask(all, quarters) != __mmask16{0xFFFF}) return Pieces::kSegments;
  if (offsets[4] != offsets[0] + 16 || offsets[12] != offsets[8] + 16) return Pieces::kQuarters;
  return offsets[8] == offsets[0] + 32 ? Pieces::kWhole : Pieces::kHalves;
}

inline void LayOut(const std::int32_t* offsets, int entries, BatchLayout& layout) {
  layout.blocks = (entries + kBlockEntries - 1) / kBlockEntries;
  int count = 0;
  for (int b = 0; b < layout.blocks; ++b) {
    const std::int32_t* block = offsets + b * kBlockEntries;
    const int present = entries - b * kBlockEntries;
    // What the last block lacks has weights of 0: the first quarter's features will do. What a
    // quarter lacks leaves it in segments: the bytes after those that are there may be others'.
    std::int32_t filled[kBlockEntries];
    if (present < kBlockEntries) {
      const int whole = (present + 3) / 4 * 4;
      for (int e = 0; e < kBlockEntries; ++e) {
        const int like = e < whole ? e : e % 4;
        filled[e] = block[like < present ? like : present - 1];
      }
      block = filled;
    }
    layout.pieces[b] = PiecesOf(block);
    for (int q = 0; q < 4; ++q) layout.quarters[b][q] = block[4 * q];
    const int end = present < kBlockEntries ? present : kBlockEntries;
    for (int e = 0; e < end && layout.pieces[b] == Pieces::kSegments; ++e) {
      const int at = e * kGroup;
      if (e > 0 && block[e] == block[e - 1] + kGroup) {
        layout.segments[count - 1].bytes |= __mmask64{0xF} << at;
      } else {
        layout.segments[count++] = {__mmask64{0xF} << at, block[e] - at};
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

inline __m256i Load256(const std::uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// Brings the rows of A of one block together: load(address of a pixel) for 16 pixels.
template <typename Load>
inline void GatherRows(const std::uint8_t* arena, const std::int64_t* input, std::uint8_t* to,
                       const Load& load) {
#pragma GCC unroll 4
  for (int i = 0; i < kTilePixels; ++i) {
    _mm512_storeu_si512(to + i * kRowBytes, load(arena + input[i]));
  }
}

// The same in the block's pieces.
inline void GatherTile(const std::uint8_t* arena, const std::int64_t* input,
                       const BatchLayout& layout, int block, std::uint8_t* to) {
  const std::int64_t first = layout.quarters[block][0], second = layout.quarters[block][1];
  const std::int64_t third = layout.quarters[block][2], fourth = layout.quarters[block][3];
  switch (layout.pieces[block]) {
    case Pieces::kWhole:
      return GatherRows(arena, input, to, [=](const std::uint8_t* pixel) {
        return _mm512_loadu_si512(pixel + first);
      });
    case Pieces::kHalves:
      return GatherRows(arena, input, to, [=](const std::uint8_t* pixel) {
        return _mm512_inserti64x4(_mm512_castsi256_si512(Load256(pixel + first)),
                                  Load256(pixel + third), 1);
      });
    case Pieces::kQuarters:
      return GatherRows(arena, input, to, [=](const std::uint8_t* pixel) {
        __m512i row = _mm512_castsi128_si512(Primitives512::Load128(pixel + first));
        row = _mm512_inserti32x4(row, Primitives512::Load128(pixel + second), 1);
        row = _mm512_inserti32x4(row, Primitives512::Load128(pixel + third), 2);
        return _mm512_inserti32x4(row, Primitives512::Load128(pixel + fourth), 3);
      });
    case Pieces::kSegments:
      break;
  }
  const Segment* const begin = layout.segments + (block > 0 ? layout.ends[block - 1] : 0);
  const Segment* const end = layout.segments + layout.ends[block];
  GatherRows(arena, input, to, [=](const std::uint8_t* pixel) {
    __m512i row = _mm512_setzero_si512();
    for (const Segment* s = begin; s != end; ++s) {
      row = _mm512_mask_loadu_epi8(row, s->bytes, pixel + s->offset);
    }
    return row;
  });
}

// The features of a batch for some tiles of 16 rows. Its memory, most of what a call takes of the
// stack, is touched where features are brought together only.
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
    for (int b = 0; b < layout.blocks; ++b) {
      if (even && layout.pieces[b] == Pieces::kWhole) {
        gathered.tiles[t][b] = {arena + input[0] + layout.quarters[b][0], stride};
        continue;
      }
      GatherTile(arena, input, layout, b, to);
      gathered.tiles[t][b] = {to, kRowBytes};
      to += kTileBytes;
    }
  }
}

// Sums of one output-channel tile or two.
struct TileSums {
  const std::int32_t* from;  // row i's begin at from + i * from_stride; null: zeros
  std::int64_t from_stride;
  std::int32_t* to;
  std::int64_t to_stride;
};

// Adds the products of a batch: 16 kRows pixels, kColumns output-channel tiles, whose weights are
// [block][column][entry].
//
// Tiles 0 to 3: sums [row][column]; 4, 5: features; 6, 7: weights.
template <int kRows, int kColumns, typename Between>
[[gnu::always_inline]] inline void MultiplyTiles(const FeatureTile* first,
                                                 const FeatureTile* second, int blocks,
                                                 const std::int8_t* weights, const TileSums& sums,
                                                 Between& between) {
  constexpr auto kBytes = static_cast<std::int64_t>(sizeof(std::int32_t));
  // The tile instructions of GCC do not tell it that they read memory.
  __asm__ volatile("" : : : "memory");
  if (sums.from == nullptr) {
    _tile_zero(0);
    if constexpr (kColumns == 2) _tile_zero(1);
    if constexpr (kRows == 2) {
      _tile_zero(2);
      if constexpr (kColumns == 2) _tile_zero(3);
    }
  } else {
    const std::int32_t* const second_from = sums.from + kTilePixels * sums.from_stride;
    _tile_loadd(0, sums.from, sums.from_stride * kBytes);
    if constexpr (kColumns == 2) _tile_loadd(1, sums.from + kTile, sums.from_stride * kBytes);
    if constexpr (kRows == 2) {
      _tile_loadd(2, second_from, sums.from_stride * kBytes);
      if constexpr (kColumns == 2) _tile_loadd(3, second_from + kTile, sums.from_stride * kBytes);
    }
  }
  for (int b = 0; b < blocks; ++b, weights += kColumns * kTileBytes) {
    // All loads before all products: a tenth faster while the core's other thread is busy.
    _tile_loadd(4, first[b].base, first[b].stride);
    _tile_loadd(6, weights, kRowBytes);
    if constexpr (kColumns == 2) _tile_loadd(7, weights + kTileBytes, kRowBytes);
    if constexpr (kRows == 2) _tile_loadd(5, second[b].base, second[b].stride);
    _tile_dpbusd(0, 4, 6);
    between.AfterProduct();
    if constexpr (kColumns == 2) {
      _tile_dpbusd(1, 4, 7);
      between.AfterProduct();
    }
    if constexpr (kRows == 2) {
      _tile_dpbusd(2, 5, 6);
      between.AfterProduct();
      if constexpr (kColumns == 2) {
        _tile_dpbusd(3, 5, 7);
        between.AfterProduct();
      }
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
// of all rows where from_stride is 0, or null for zeros, and after.
struct Passing {
  const GatheredBatch* gathered;
  int tiles;
  const std::int32_t* from;
  std::int64_t from_stride;
  std::int32_t* to;
};

// A batch of blocks of a panel's weights, WeightForm::kTiles.
struct WeightBatch {
  const std::int8_t* panel;
  std::int64_t panel_blocks;
  std::int64_t first;
  int blocks;
};

// Adds the products with output-channel tiles [first, first + kColumns) of a panel of kTiles.
template <int kColumns, int kTiles, typename Between>
[[gnu::always_inline]] inline void PassColumns(const WeightBatch& batch, int first,
                                               const Passing& rows, Between& between) {
  constexpr std::int64_t kRow = kTiles * kTile;
  const std::int8_t* const weights =
      batch.panel + (first * batch.panel_blocks + kColumns * batch.first) * kTileBytes;
  const std::int32_t* const from = rows.from == nullptr ? nullptr : rows.from + first * kTile;
  const TileSums sums{from, rows.from_stride, rows.to + first * kTile, kRow};
  const FeatureTile* const features = rows.gathered->tiles[0];
  if (rows.tiles == 2) {
    MultiplyTiles<2, kColumns>(features, rows.gathered->tiles[1], batch.blocks, weights, sums,
                               between);
  } else {
    MultiplyTiles<1, kColumns>(features, nullptr, batch.blocks, weights, sums, between);
  }
}

template <int kTiles, typename Between>
[[gnu::always_inline]] inline void PassPanel(const WeightBatch& batch, const Passing& rows,
                                             Between& between) {
  for (int t = 0; t + 1 < kTiles; t += 2) PassColumns<2, kTiles>(batch, t, rows, between);
  if constexpr (kTiles % 2 == 1) PassColumns<1, kTiles>(batch, kTiles - 1, rows, between);
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_TILES_AMX_H_
