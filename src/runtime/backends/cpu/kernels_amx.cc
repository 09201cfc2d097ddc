// Kernels for AMX-INT8: convolutions in tile registers, all else, and weights of 4 bits, as for
// AVX-512 VNNI. TDPBUSD wraps modulo 2^32 and the true sum fits, so the sums are exact.
#include "runtime/backends/cpu/kernels.h"

#if (defined(__AMX_INT8__) && defined(__AVX512VNNI__)) || defined(TF2_EMULATE_ISA)

#include "runtime/backends/cpu/lrn_512.h"
#include "runtime/backends/cpu/primitives_512.h"
#include "runtime/backends/cpu/requantize_512.h"
#include "runtime/backends/cpu/table_512.h"
#include "runtime/backends/cpu/tiles_amx.h"

namespace tf2::runtime::cpu {
namespace {

// Of what tiles do not compute.
struct Isa : Requantizer512<Primitives512>, Normalizer512, Tables512 {};

}  // namespace
}  // namespace tf2::runtime::cpu

#include "runtime/backends/cpu/kernels_impl.h"

namespace tf2::runtime::cpu {
namespace {

// Output pixels are passed in an order in which their inputs lie equally far apart: row by row,
// with as many more after each row as its input is longer. Those lie in the border or the next row;
// they are computed and not kept.
std::int64_t RowPlaces(const ConvStep& step) {
  const std::int64_t kept = step.sink.width;
  const View& in = step.input;
  if (in.stride <= 0 || in.row % in.stride != 0 || step.panel_count == 0) return kept;
  // Blocks that are not whole are brought together whatever the order.
  const Panel& panel = step.panels[0];
  std::int64_t whole = 0;
  for (std::int64_t e = 0; e + kBlockEntries <= panel.entries; e += kBlockEntries) {
    whole += PiecesOf(step.offsets + panel.offsets + e) == Pieces::kWhole ? kBlockEntries : 0;
  }
  if (2 * whole <= panel.entries) return kept;
  // A third more is faster than to bring features together.
  const std::int64_t longer = in.row / in.stride;
  return longer >= kept && 3 * longer <= 4 * kept ? longer : kept;
}

struct PixelOrder {
  std::int64_t kept;   // pixels of a row
  std::int64_t width;  // and all places

  explicit PixelOrder(const ConvStep& step) : kept(step.sink.width), width(step.row_places) {}
  std::int64_t At(std::int64_t pixel) const { return pixel / kept * width + pixel % kept; }
};

inline constexpr int kTileRows = kChunkTiles * kTilePixels;

// A chunk of whole tiles of rows, which read `input`, and those of them that are kept: where their
// results go and their residuals, if any, are.
struct TileChunk {
  int count = 0;
  std::int64_t input[kTileRows];
  int kept = 0;
  int row[kTileRows];
  std::int64_t output[kTileRows];
  std::int64_t residual[kTileRows];

  void Keep(int first, int end) {
    for (int r = first; r < end; ++r) row[kept++] = r;
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
  chunk.kept = 0;
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
    FillRow(input, from.stride, all - i, chunk.input + i);
    FillRow(output, to.stride, kept - i, chunk.output + chunk.kept);
    if (step.sink.has_residual) {
      FillRow(row_of(residual, y) + x * residual.stride, residual.stride, kept - i,
              chunk.residual + chunk.kept);
    }
    chunk.Keep(i, Min(kept, whole));
    chunk.Keep(Max(i, whole) + tail, kept + tail);
    i = all;
  }
  if (tail > 0) {
    std::memmove(chunk.input + whole, chunk.input + count - kTilePixels,
                 kTilePixels * sizeof *chunk.input);
  }
  for (int i = count; i < kTilePixels; ++i) chunk.input[i] = chunk.input[count - 1];
  chunk.count = whole == count ? whole : whole + kTilePixels;
}

// Calls fn(places) for chunks of the order, kTileRows each but the last one, from a pixel that is
// kept to another.
template <typename Fn>
void ForChunks(const PixelOrder& order, Range pixels, const Fn& fn) {
  const std::int64_t begin = order.At(pixels.begin);
  const std::int64_t end = order.At(pixels.end - 1) + 1;
  for (std::int64_t from = begin; from < end; from += kTileRows) {
    std::int64_t first = from, last = Min(from + kTileRows, end) - 1;
    if (first % order.width >= order.kept) first += order.width - first % order.width;
    if (last % order.width >= order.kept) last -= last % order.width - (order.kept - 1);
    if (first <= last) fn(Range{first, last + 1});
  }
}

// Features of a chunk that were brought together last, for the panels that read the same.
struct TileCache {
  GatheredBatch gathered;
  BatchLayout layout;
  const std::int32_t* offsets = nullptr;  // that `layout` is of
  std::int64_t entries = 0;
  bool loaded = false;  // whether `gathered` is of `layout` and the chunk

  void Load(const std::int32_t* wanted, std::int64_t count, const std::uint8_t* arena,
            const TileChunk& chunk) {
    if (wanted != offsets || count != entries) {
      LayOut(wanted, static_cast<int>(count), layout);
      offsets = wanted;
      entries = count;
      loaded = false;
    }
    if (!loaded) Gather(arena, chunk.input, chunk.count / kTilePixels, layout, gathered);
    loaded = true;
  }
};

// The sums of a panel for a chunk: [row][tiles * 16].
struct PanelSums {
  const Panel* panel = nullptr;
  const TileChunk* chunk = nullptr;
  std::int32_t* sums = nullptr;
};

// Computes the sums, from `bias` on, or null for 0. between.AfterProduct() is called after each
// product.
template <int kTiles, typename Between>
[[gnu::always_inline]] inline void MultiplyPanel(const ConvStep& step, std::uint8_t* arena,
                                                 TileCache& cache, const PanelSums& to,
                                                 const std::int32_t* bias, Between& between) {
  const Panel& panel = *to.panel;
  const auto blocks_of = [](std::int64_t entries) {
    return (entries + kBlockEntries - 1) / kBlockEntries;
  };
  std::int64_t begin = 0;
  do {  // once, too, where there are no entries
    const std::int64_t entries = Min<std::int64_t>(kBatchEntries, panel.entries - begin);
    cache.Load(step.offsets + panel.offsets + begin, entries, arena, *to.chunk);
    const WeightBatch weights{step.weights + panel.weights, blocks_of(panel.entries),
                              begin / kBlockEntries, static_cast<int>(blocks_of(entries))};
    PassPanel<kTiles>(weights,
                      {&cache.gathered, to.chunk->count / kTilePixels, begin == 0 ? bias : to.sums,
                       begin == 0 ? 0 : kTiles * kTile, to.sums},
                      between);
    begin += entries;
  } while (begin < panel.entries);
}

// Weights that are read next, fetched into the second-level cache while others are used.
struct Prefetching {
  static constexpr int kLines = 128;  // bytes: two lines
  const std::int8_t* at;
  const std::int8_t* end;

  explicit Prefetching(const WeightsAhead& ahead)
      : at(ahead.begin), end(ahead.end - (ahead.end - ahead.begin) % kLines) {}

  [[gnu::always_inline]] void AfterProduct() {
    if (at >= end) return;
    _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(at) + kLines / 2, _MM_HINT_T1);
    at += kLines;
  }
};

// Requantises the sums of a panel between the products of the next one: kMost pixels after each, as
// many as the processor can begin before the product ends. The units for vectors are idle else.
template <int kTiles, bool kResidual, int kMost>
class Requantizing {
 public:
  [[gnu::always_inline]] Requantizing(const ConvStep& step, const PanelSums& from,
                                      std::uint8_t* arena, const Prefetching& prefetching)
      : prefetching_(prefetching),
        tiles_(step.sink, step.sink.fast + from.panel->first_tile,
               step.bias + std::int64_t{from.panel->first_tile} * kTile),
        sums_(from.sums),
        chunk_(from.chunk),
        base_(arena + from.panel->out_channel),
        count_(from.chunk->kept) {}

  [[gnu::always_inline]] void AfterProduct() {
    prefetching_.AfterProduct();
#pragma GCC unroll 4
    for (int i = 0; i < kMost; ++i) {
      if (next_ < count_) Store();
    }
  }
  [[gnu::always_inline]] Prefetching Finish() {
    while (next_ < count_) Store();
    return prefetching_;
  }

 private:
  [[gnu::always_inline]] void Store() {
    tiles_.Store(sums_ + std::int64_t{chunk_->row[next_]} * (kTiles * kTile),
                 kResidual ? base_ + chunk_->residual[next_] : nullptr,
                 base_ + chunk_->output[next_]);
    ++next_;
  }

  // Members, not references or closures, and nothing of it escapes: all lives in registers although
  // the tile instructions may, for all the compiler knows, change memory.
  Prefetching prefetching_;
  // The bias is added here: loading it into tiles takes longer.
  const typename Isa::template WholeTiles<kTiles, kResidual, true> tiles_;
  const std::int32_t* const sums_;
  const TileChunk* const chunk_;
  std::uint8_t* const base_;
  const std::int64_t count_;
  std::int64_t next_ = 0;
};

// Computes the sums of a panel and requantises those of the one before, if any.
template <int kTiles, bool kResidual, int kMost>
[[gnu::noinline]] void MultiplyAndRequantize(const ConvStep& step, std::uint8_t* arena,
                                             TileCache& cache, const PanelSums& to,
                                             const PanelSums& before, Prefetching& prefetching) {
  if (before.panel == nullptr) {
    return MultiplyPanel<kTiles>(step, arena, cache, to, nullptr, prefetching);
  }
  Requantizing<kTiles, kResidual, kMost> requantizing(step, before, arena, prefetching);
  MultiplyPanel<kTiles>(step, arena, cache, to, nullptr, requantizing);
  prefetching = requantizing.Finish();
}

// Panels of kTiles whole tiles, with FastRequantization.
template <int kTiles, bool kResidual>
void ConvWholeTiles(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels,
                    const WeightsAhead& ahead) {
  // Of the last panel and the next one, which may be another chunk's.
  alignas(64) std::int32_t sums[2][kTileRows * kTiles * kTile];
  TileChunk chunks[2];
  int chunk = 0;
  TileCache cache;
  PanelSums last;
  Prefetching prefetching(ahead);
  const PixelOrder order(step);
  ForChunks(order, pixels, [&](Range places) {
    chunk = 1 - chunk;
    FillTiles(step, order, places, chunks[chunk]);
    cache.loaded = false;
    for (std::int64_t i = panels.begin; i < panels.end; ++i) {
      const Panel& panel = step.panels[i];
      const PanelSums next{&panel, &chunks[chunk], last.sums == sums[0] ? sums[1] : sums[0]};
      const auto run =
          panel.entries > 3 * kBlockEntries ? MultiplyAndRequantize<kTiles, kResidual, 1>
          : panel.entries > kBlockEntries   ? MultiplyAndRequantize<kTiles, kResidual, 2>
                                            : MultiplyAndRequantize<kTiles, kResidual, 4>;
      run(step, arena, cache, next, last, prefetching);
      last = next;
    }
  });
  Requantizing<kTiles, kResidual, 1>(step, last, arena, prefetching).Finish();
}

// Any panel, one after the other.
template <int kTiles>
void TilePanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
               const TileChunk& chunk, TileCache& cache, Prefetching& prefetching) {
  constexpr int kRow = kTiles * kTile;
  alignas(64) std::int32_t sums[kTileRows * kRow];
  MultiplyPanel<kTiles>(step, arena, cache, {&panel, &chunk, sums},
                        step.bias + std::int64_t{panel.first_tile} * kTile, prefetching);
  for (int i = 0, count; i < chunk.kept; i += count) {
    const auto follows = [&](int k) {  // whether sums, too, are adjacent
      return i + k < chunk.kept && chunk.row[i + k] == chunk.row[i] + k;
    };
    for (count = 1; count < kTilePixels && follows(count);) ++count;
    StoreSums(step.sink, {count, chunk.output + i, chunk.residual + i}, sums + chunk.row[i] * kRow,
              kTiles, panel.first_tile, panel.out_channel, panel.channels, arena);
    // Tiles that have not multiplied for about 1,000 cycles take 800 to begin again.
    _tile_dpbusd(0, 4, 6);
  }
}

void ConvAnyTiles(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels,
                  const WeightsAhead& ahead) {
  static constexpr decltype(&TilePanel<1>) kPanels[] = {TilePanel<1>, TilePanel<2>, TilePanel<3>,
                                                        TilePanel<4>};
  static_assert(Isa::kPanelTiles == 4);
  TileChunk chunk;
  TileCache cache;
  Prefetching prefetching(ahead);
  const PixelOrder order(step);
  ForChunks(order, pixels, [&](Range places) {
    FillTiles(step, order, places, chunk);
    cache.loaded = false;
    for (std::int64_t i = panels.begin; i < panels.end; ++i) {
      const Panel& panel = step.panels[i];
      kPanels[panel.tiles - 1](step, panel, arena, chunk, cache, prefetching);
    }
  });
}

void ConvInTiles(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels,
                 const WeightsAhead& ahead) {
  if (step.nibbles) return ConvNibbles(step, arena, pixels, panels);
  if (pixels.begin == pixels.end || panels.begin == panels.end) return;
  const int size = step.panels[panels.begin].tiles;
  bool whole = step.sink.fast != nullptr && size % 2 == 0;
  for (std::int64_t i = panels.begin; i < panels.end; ++i) {
    const Panel& panel = step.panels[i];
    whole = whole && panel.tiles == size && panel.channels == size * kTile;
  }
  const ConfiguredTiles tiles;
  const bool residual = step.sink.has_residual;
  const auto run = !whole      ? ConvAnyTiles
                   : size == 4 ? (residual ? ConvWholeTiles<4, true> : ConvWholeTiles<4, false>)
                               : (residual ? ConvWholeTiles<2, true> : ConvWholeTiles<2, false>);
  run(step, arena, pixels, panels, ahead);
}

}  // namespace

const KernelSet* AmxKernels() {
  static constexpr KernelSet kSet = [] {
    KernelSet set = ByteKernels("amx", ConvInTiles);
    set.weights = WeightForm::kTiles;
    set.run_bytes = kRowBytes / 4;
    static_assert(kRowBytes / 4 <= kTile);
    set.fetches_ahead = true;
    set.piece_places = 2 * kTilePixels;
    set.row_places = RowPlaces;
    set.piece_macs = 1 << 21;
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
