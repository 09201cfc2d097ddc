// Kernels for AMX-INT8: convolutions of several pixels in tile registers, all else as for AVX-512
// VNNI, whose weights they share. TDPBUSD wraps modulo 2^32 and the true sum fits, so the sums are
// exact.
#include "runtime/backends/cpu/kernels.h"

#if (defined(__AMX_INT8__) && defined(__AVX512VNNI__)) || defined(TF2_EMULATE_ISA)

#include "runtime/backends/cpu/lrn_512.h"
#include "runtime/backends/cpu/primitives_512.h"
#include "runtime/backends/cpu/requantize_512.h"
#include "runtime/backends/cpu/tiles_amx.h"

namespace tf2::runtime::cpu {
namespace {

// Of what tiles do not compute.
struct Isa : Requantizer512<Primitives512>, Normalizer512 {};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {
namespace {

// The output pixels in an order in which their inputs lie equally far apart: row by row, with as
// many more after each row as its input is longer. Those lie in the border or the next row; they
// are computed and not kept.
struct PixelOrder {
  std::int64_t kept;   // pixels of a row
  std::int64_t width;  // and all

  PixelOrder(const ConvStep& step, const Panel& panel) : kept(step.sink.width), width(kept) {
    const View& in = step.input;
    if (in.stride <= 0 || in.row % in.stride != 0) return;
    // Blocks that are not whole are brought together whatever the order.
    std::int64_t whole = 0;
    for (std::int64_t e = 0; e + kBlockEntries <= panel.entries; e += kBlockEntries) {
      whole += IsWhole(step.offsets + panel.offsets + e) ? kBlockEntries : 0;
    }
    if (2 * whole <= panel.entries) return;
    // A third more is faster than to bring features together.
    const std::int64_t longer = in.row / in.stride;
    if (longer >= kept && 3 * longer <= 4 * kept) width = longer;
  }

  std::int64_t At(std::int64_t pixel) const { return pixel / kept * width + pixel % kept; }
};

// Adjacent rows of tiles whose sums are kept: `count` from `row` on, whose places in the arena are
// a chunk's from `place` on.
struct KeptRows {
  int row, place, count;
};

// A chunk of whole tiles of rows, and which of them are kept.
struct TileChunk : Chunk {
  int runs = 0;
  KeptRows kept[kChunk + 1];

  void Keep(const KeptRows& rows) {
    if (rows.count <= 0) return;
    if (runs > 0) {
      KeptRows& last = kept[runs - 1];
      if (last.row + last.count == rows.row && last.place + last.count == rows.place) {
        last.count += rows.count;
        return;
      }
    }
    kept[runs++] = rows;
  }
};

// Fills `chunk` with whole tiles of rows for the places [begin, end) of the order. The last tile
// holds the last 16 of them, of which those that an earlier one has are not kept again: the
// residual of a pixel may be where its result goes.
inline void FillTiles(const ConvStep& step, const PixelOrder& order, Range places,
                      TileChunk& chunk) {
  const auto count = static_cast<int>(places.end - places.begin);
  const int whole = count / kTilePixels * kTilePixels;
  const int tail = whole > 0 && whole < count ? kTilePixels - (count - whole) : 0;
  chunk.runs = 0;
  const View& from = step.input;
  const View& to = step.sink.output;
  const View& residual = step.sink.residual;
  const std::int64_t rows = step.pixels / order.kept;
  const auto row_of = [&](const View& view, std::int64_t y) {  // y: of all frames
    return y / rows * step.frame_bytes + view.offset + y % rows * view.row;
  };
  std::int64_t y = places.begin / order.width, x = places.begin % order.width;
  for (int i = 0; i < count; ++y, x = 0) {
    const int kept = Min(count, i + static_cast<int>(order.kept - x));
    const int all = Min(count, i + static_cast<int>(order.width - x));
    const std::int64_t input = row_of(from, y) + x * from.stride;
    const std::int64_t output = row_of(to, y) + x * to.stride;
    const std::int64_t more = row_of(residual, y) + x * residual.stride;
    for (int k = 0; i + k < all; ++k) chunk.input[i + k] = input + k * from.stride;
    for (int k = 0; i + k < kept; ++k) chunk.output[i + k] = output + k * to.stride;
    for (int k = 0; i + k < kept; ++k) chunk.residual[i + k] = more + k * residual.stride;
    const int in_last = Max(i, whole);
    chunk.Keep({i, i, Min(kept, whole) - i});
    chunk.Keep({in_last + tail, in_last, kept - in_last});
    i = all;
  }
  if (tail > 0) {
    std::memmove(chunk.input + whole, chunk.input + count - kTilePixels,
                 kTilePixels * sizeof *chunk.input);
  }
  for (int i = count; i < kTilePixels; ++i) chunk.input[i] = chunk.input[count - 1];
  chunk.count = whole == count ? whole : whole + kTilePixels;
}

// Features that were brought together last, for the panels that read the same.
struct TileCache {
  GatheredBatch gathered;
  BatchLayout layout;
  const std::int32_t* offsets = nullptr;
  std::int64_t entries = 0;

  void Load(const std::int32_t* wanted, std::int64_t count, const std::uint8_t* arena,
            const TileChunk& chunk) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof *wanted;
    if (offsets != nullptr && count == entries && std::memcmp(offsets, wanted, bytes) == 0) return;
    LayOut(wanted, static_cast<int>(count), layout);
    Gather(arena, chunk.input, chunk.count / kTilePixels, layout, gathered);
    offsets = wanted;
    entries = count;
  }
};

template <int kTiles>
void TilePanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
               const TileChunk& chunk, TileCache& cache) {
  constexpr int kRow = kTiles * kTile;
  alignas(64) std::int32_t sums[kChunkTiles * kTilePixels * kRow];
  const std::int32_t* const bias = step.bias + std::int64_t{panel.first_tile} * kTile;
  std::int64_t begin = 0;
  do {  // once, too, where there are no entries
    const std::int64_t entries = Min<std::int64_t>(kBatchEntries, panel.entries - begin);
    const std::int32_t* const offsets = step.offsets + panel.offsets + begin;
    cache.Load(offsets, entries, arena, chunk);
    const Block block{offsets, step.weights + panel.weights + begin * kRow * kGroup, entries};
    PassPanel<kTiles>(block, {&cache.gathered, chunk.count / kTilePixels, begin == 0 ? bias : sums,
                              begin == 0 ? 0 : kRow, sums});
    begin += entries;
  } while (begin < panel.entries);
  for (int i = 0; i < chunk.runs; ++i) {
    const auto [row, place, count] = chunk.kept[i];
    StoreSums(step.sink, {count, chunk.output + place, chunk.residual + place}, sums + row * kRow,
              kTiles, panel.first_tile, panel.out_channel, panel.channels, arena);
  }
}

void DispatchTilePanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                       const TileChunk& chunk, TileCache& cache) {
  static_assert(Isa::kPanelTiles == 4);
  switch (panel.tiles) {
    case 1:
      return TilePanel<1>(step, panel, arena, chunk, cache);
    case 2:
      return TilePanel<2>(step, panel, arena, chunk, cache);
    case 3:
      return TilePanel<3>(step, panel, arena, chunk, cache);
    default:
      return TilePanel<4>(step, panel, arena, chunk, cache);
  }
}

void ConvInTiles(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels) {
  static_assert(kChunk == kChunkTiles * kTilePixels);
  if (step.nibbles || pixels.end - pixels.begin < 2 || panels.begin == panels.end) {
    return Conv(step, arena, pixels, panels);
  }
  const ConfiguredTiles tiles;
  const PixelOrder order(step, step.panels[panels.begin]);
  const std::int64_t begin = order.At(pixels.begin);
  const std::int64_t end = order.At(pixels.end - 1) + 1;
  // Chunks of about equal size, in whole tiles.
  const std::int64_t chunks = (end - begin + kChunk - 1) / kChunk;
  const std::int64_t size =
      ((end - begin + chunks - 1) / chunks + kTilePixels - 1) / kTilePixels * kTilePixels;
  TileChunk chunk;
  TileCache cache;
  for (std::int64_t from = begin; from < end; from += size) {
    // From a pixel that is kept to another.
    std::int64_t first = from, last = Min(from + size, end) - 1;
    if (first % order.width >= order.kept) first += order.width - first % order.width;
    if (last % order.width >= order.kept) last -= last % order.width - (order.kept - 1);
    if (first > last) continue;
    FillTiles(step, order, {first, last + 1}, chunk);
    cache.offsets = nullptr;
    for (std::int64_t i = panels.begin; i < panels.end; ++i) {
      DispatchTilePanel(step, step.panels[i], arena, chunk, cache);
    }
  }
}

}  // namespace

const KernelSet* AmxKernels() {
  static constexpr KernelSet kSet = [] {
    KernelSet set = ByteKernels("amx");
    // The last block of a panel may have fewer entries than its tile of weights has rows.
    set.weight_slack = (kBlockEntries - 1) * Isa::kPanelTiles * kRowBytes;
    set.piece_pixels = 2 * kTilePixels;
    set.piece_macs = 1 << 21;
    set.conv = ConvInTiles;
    return set;
  }();
  return &kSet;
}

}  // namespace tf2::runtime::cpu

#else

namespace tf2::runtime::cpu {
const KernelSet* AmxKernels() { return nullptr; }
}  // namespace tf2::runtime::cpu

#endif
