// The kernels, written once over the primitives of an instruction set (`Isa`). Included by the
// kernels_*.cc files only, each of which defines `Isa` in its anonymous namespace first and is
// compiled with its own flags. Everything here has internal linkage for that reason.
//
// Isa provides: kPanelTiles; Pixels(tiles), the pixels that are computed together with that many
// tiles; kWeightBytes; kShortSums, whether entries come in runs;
//   void SumTile<kPixels, kTiles, kRun>(const Block&, arena, offsets of the pixels in the arena,
//     from, from_stride, sums): sums[pixel][tiles * 16] = from + products, `from` advancing by
//     from_stride a pixel; kRun: of all the block's entries, or 0 where its runs differ;
// kNibbleTiles, as kPanelTiles for 4-bit weights, or 0: it takes no such; where it does:
//   void SumNibbles<kTiles>(const Block&, pixel, from, sums);
// and what store_impl.h, depthwise_impl.h and winograd_impl.h ask for. It may provide:
//   void NormalizeEight(const LrnStep&, values, squares, out), what is below for any processor;
//   bool NormalizeSixteen(the same), as NormalizeEight of 16 channels, or false and nothing.
#ifndef TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/depthwise_impl.h"
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/store_impl.h"
#include "runtime/backends/cpu/winograd_impl.h"

namespace tf2::runtime::cpu {
namespace {

// Pixels that pass a block of weights before the next one is read; a multiple of the pixels that
// most kernels compute together.
inline constexpr int kChunk = 96;
// Weights that stay in the first-level cache while a chunk passes.
inline constexpr int kBlockBytes = 16384;

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

// Arena offsets of the pixels of a chunk, those of residuals where there are any; the last input is
// repeated, for kernels that compute more.
struct Chunk {
  int count = 0;
  std::int64_t input[kChunk + kMaxTilePixels];
  std::int64_t output[kChunk];
  std::int64_t residual[kChunk];

  Places places() const { return {count, output, residual}; }
};

// Pixels of a frame, and the bytes from a frame's arena to the next one's.
struct FramePixels {
  std::int64_t pixels;
  std::int64_t bytes;
};

inline void FillChunk(const View& input, const Sink& sink, FramePixels frame, Range pixels,
                      Chunk& chunk) {
  chunk.count = static_cast<int>(pixels.end - pixels.begin);
  std::int64_t base = pixels.begin / frame.pixels * frame.bytes;
  Walker walker(pixels.begin % frame.pixels, sink.width);
  for (int first = 0; first < chunk.count;) {  // row by row
    const int count =
        static_cast<int>(Min<std::int64_t>(sink.width - walker.x, chunk.count - first));
    FillRow(base + walker.In(input), input.stride, count, chunk.input + first);
    FillRow(base + walker.In(sink.output), sink.output.stride, count, chunk.output + first);
    if (sink.has_residual) {
      FillRow(base + walker.In(sink.residual), sink.residual.stride, count, chunk.residual + first);
    }
    first += count;
    walker.x = 0;
    if (++walker.y * walker.width == frame.pixels) {
      walker.y = 0;
      base += frame.bytes;
    }
  }
  for (int i = chunk.count; i < chunk.count + kMaxTilePixels; ++i) {
    chunk.input[i] = chunk.input[chunk.count - 1];
  }
}

// Entries whose weights a chunk of pixels passes before the next ones: a multiple of every run.
constexpr std::int64_t BlockEntries(int tiles) {
  return kBlockBytes / (tiles * kTile * kGroup * Isa::kWeightBytes);
}

template <int kTiles, int kRun>
[[gnu::noinline]] void SumBlock(const Block& block, const std::uint8_t* arena, const Chunk& chunk,
                                const std::int32_t* bias, std::int32_t* sums) {
  constexpr int kPixels = Isa::Pixels(kTiles);
  constexpr int kRow = kTiles * kTile;
  constexpr int kLine = 64;
  // The weights that follow are fetched in equal parts while the pixels pass these: each block is
  // read for the first time at once, which no prefetcher of a processor foresees.
  const std::int64_t bytes = block.entries * kTiles * kTile * kGroup * Isa::kWeightBytes;
  const std::int64_t part = chunk.count > kPixels ? bytes * kPixels / chunk.count + 1 : 0;
  const std::int8_t* ahead = block.weights + bytes;
  const std::int8_t* end = ahead;
  for (int first = 0; first < chunk.count; first += kPixels) {
    for (end += part; ahead < end; ahead += kLine) __builtin_prefetch(ahead);
    std::int32_t* const to = sums + first * kRow;
    const std::int32_t* const from = bias != nullptr ? bias : to;
    const int stride = bias != nullptr ? 0 : kRow;
    if (first + 1 == chunk.count) {
      Isa::template SumTile<1, kTiles, kRun>(block, arena, chunk.input + first, from, stride, to);
    } else {
      Isa::template SumTile<kPixels, kTiles, kRun>(block, arena, chunk.input + first, from, stride,
                                                   to);
    }
  }
}

// The runs of `entries` entries from `begin` on, a multiple of every run.
inline RunEnds RunsWithin(const RunEnds& runs, std::int64_t begin, std::int64_t entries) {
  const auto within = [&](std::int32_t end) {
    return static_cast<std::int32_t>(Min(entries, end > begin ? end - begin : std::int64_t{0}));
  };
  return {within(runs.eights), within(runs.fours), within(runs.twos)};
}

template <int kTiles, int kRun>
void ConvPanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena, const Chunk& chunk) {
  constexpr std::int64_t kBlock = BlockEntries(kTiles);
  alignas(64) std::int32_t sums[(kChunk + kMaxTilePixels) * kTiles * kTile];
  const std::int64_t length = chunk.count <= Isa::Pixels(kTiles) ? panel.entries : kBlock;
  std::int64_t begin = 0;
  do {  // once, too, where there are no entries
    const std::int64_t entries = Min(length, panel.entries - begin);
    const Block block{
        step.offsets + panel.offsets + begin,
        step.weights + (panel.weights + begin * kTiles * kTile * kGroup) * Isa::kWeightBytes,
        entries, RunsWithin(panel.runs, begin, entries)};
    const std::int32_t* const bias =
        begin == 0 ? step.bias + std::int64_t{panel.first_tile} * kTile : nullptr;
    SumBlock<kTiles, kRun>(block, arena, chunk, bias, sums);
    begin += entries;
  } while (begin < panel.entries);
  StoreSums(step.sink, chunk.places(), sums, kTiles, panel.first_tile, panel.out_channel,
            panel.channels, arena);
}

// One panel of 4-bit weights, of kTiles at most, over one pixel after the other.
template <int kTiles, typename I = Isa>
void NibblePanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                 const Chunk& chunk) {
  if constexpr (kTiles > 1) {
    if (panel.tiles != kTiles) return NibblePanel<kTiles - 1, I>(step, panel, arena, chunk);
  }
  alignas(64) std::int32_t sums[kChunk * kTiles * kTile];
  for (int i = 0; i < chunk.count; ++i) {
    I::template SumNibbles<kTiles>(
        {step.offsets + panel.offsets, step.weights + panel.weights / 2, panel.entries, panel.runs},
        arena + chunk.input[i], step.bias + std::int64_t{panel.first_tile} * kTile,
        sums + i * kTiles * kTile);
  }
  StoreSums(step.sink, chunk.places(), sums, kTiles, panel.first_tile, panel.out_channel,
            panel.channels, arena);
}

// The run of all entries of a panel, or 0 where they differ.
inline int OnlyRun(const Panel& panel) {
  const auto& [eights, fours, twos] = panel.runs;
  if (eights > 0) return eights == panel.entries ? 8 : 0;
  if (fours > 0) return fours == panel.entries ? 4 : 0;
  if (twos > 0) return twos == panel.entries ? 2 : 0;
  return 1;
}

// Chooses the instantiation for the panel's tiles and run.
template <int kTiles>
void DispatchPanel(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                   const Chunk& chunk) {
  if (panel.tiles != kTiles) {
    if constexpr (kTiles > 1) DispatchPanel<kTiles - 1>(step, panel, arena, chunk);
  } else {
    if constexpr (Isa::kShortSums) {
      switch (OnlyRun(panel)) {
        case 8:
          return ConvPanel<kTiles, 8>(step, panel, arena, chunk);
        case 4:
          return ConvPanel<kTiles, 4>(step, panel, arena, chunk);
        case 2:
          return ConvPanel<kTiles, 2>(step, panel, arena, chunk);
        case 1:
          return ConvPanel<kTiles, 1>(step, panel, arena, chunk);
        default:
          break;
      }
    }
    ConvPanel<kTiles, 0>(step, panel, arena, chunk);
  }
}

// Calls fn(panel, chunk) for chunks of about equal size, in whole tiles of most kernels.
template <typename Fn>
void ForPanels(const ConvStep& step, Range pixels, Range panels, const Fn& fn) {
  constexpr std::int64_t kUnit = 12;
  const std::int64_t count = pixels.end - pixels.begin;
  const std::int64_t chunks = (count + kChunk - 1) / kChunk;
  const std::int64_t size =
      chunks <= 1 ? count : ((count + chunks - 1) / chunks + kUnit - 1) / kUnit * kUnit;
  Chunk chunk;
  for (std::int64_t begin = pixels.begin; begin < pixels.end; begin += size) {
    FillChunk(step.input, step.sink, {step.pixels, step.frame_bytes},
              {begin, Min<std::int64_t>(begin + size, pixels.end)}, chunk);
    for (std::int64_t i = panels.begin; i < panels.end; ++i) fn(step.panels[i], chunk);
  }
}

// With weights of 4 bits.
template <typename I = Isa>
void ConvNibbles(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels) {
  ForPanels(step, pixels, panels, [&](const Panel& panel, const Chunk& chunk) {
    NibblePanel<I::kNibbleTiles>(step, panel, arena, chunk);
  });
}

// With weights in the form of kBytes or kPairs, or of squares.
template <typename I = Isa>
void Conv(const ConvStep& step, std::uint8_t* arena, Range pixels, Range panels,
          const WeightsAhead& /*ahead*/) {
  if constexpr (I::kNibbleTiles > 0) {
    if (step.nibbles) return ConvNibbles(step, arena, pixels, panels);
  }
  if (step.squares.height > 0) {
    return ConvSquares<typename I::Pairs>(step, arena, pixels, panels);
  }
  ForPanels(step, pixels, panels, [&](const Panel& panel, const Chunk& chunk) {
    DispatchPanel<I::kPanelTiles>(step, panel, arena, chunk);
  });
}

// Calls tap(address) for the input pixels under the window of output pixel (y, x).
template <typename Tap>
[[gnu::always_inline]] inline void ForTaps(const PoolStep& step, const std::uint8_t* arena,
                                           const Walker& at, const Tap& tap) {
  const PoolRange rows = step.rows[at.y];
  const PoolRange columns = step.columns[at.x];
  const std::int64_t across = step.step_x * step.input.stride;
  const std::uint8_t* row =
      arena + step.input.offset + rows.begin * step.input.row + columns.begin * step.input.stride;
  const std::int64_t down = step.step_y * step.input.row;
  if (columns.end - columns.begin == 2 * step.step_x + 1) {  // most windows are three wide
    for (int y = rows.begin; y < rows.end; y += step.step_y, row += down) {
      tap(row);
      tap(row + across);
      tap(row + 2 * across);
    }
    return;
  }
  for (int y = rows.begin; y < rows.end; y += step.step_y, row += down) {
    const std::uint8_t* from = row;
    for (int x = columns.begin; x < columns.end; x += step.step_x, from += across) tap(from);
  }
}

#if defined(__AVX512BW__)
typedef std::uint8_t WidestBytes __attribute__((vector_size(64)));
#else
typedef std::uint8_t WidestBytes __attribute__((vector_size(32)));
#endif
typedef std::uint8_t Bytes32 __attribute__((vector_size(32)));
typedef std::uint8_t Bytes16 __attribute__((vector_size(16)));

// The largest of the window of one output pixel, of as many channels as kCount of Bytes hold from c
// on.
template <typename Bytes, int kCount>
[[gnu::always_inline]] inline void MaxOfWindow(const PoolStep& step, const std::uint8_t* arena,
                                               const Walker& at, int c, std::uint8_t* out) {
  Bytes best[kCount] = {};
  ForTaps(step, arena + c, at, [&](const std::uint8_t* from) {
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) {
      Bytes x;
      std::memcpy(&x, from + i * sizeof x, sizeof x);
      best[i] = x > best[i] ? x : best[i];
    }
  });
#pragma GCC unroll 4
  for (int i = 0; i < kCount; ++i) best[i] ^= static_cast<std::uint8_t>(step.zero ^ step.sink.zero);
  const auto left = static_cast<std::size_t>(step.channels - c);
  if (left >= sizeof best) {
    std::memcpy(out + c, &best, sizeof best);
  } else {
    std::memcpy(out + c, &best, left);
  }
}

void MaxPool(const PoolStep& step, std::uint8_t* arena, Range pixels) {
  Walker walker(pixels.begin, step.sink.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    std::uint8_t* const out = arena + walker.In(step.sink.output);
    int c = 0;
    // Never beyond whole tiles: what lies there may be another thread's to write.
    for (; step.channels - c > 7 * kTile; c += 8 * kTile) {
      MaxOfWindow<WidestBytes, 128 / sizeof(WidestBytes)>(step, arena, walker, c, out);
    }
    for (; step.channels - c > 3 * kTile; c += 4 * kTile) {
      MaxOfWindow<WidestBytes, 64 / sizeof(WidestBytes)>(step, arena, walker, c, out);
    }
    for (; step.channels - c > kTile; c += 2 * kTile) {
      MaxOfWindow<Bytes32, 1>(step, arena, walker, c, out);
    }
    if (c < step.channels) MaxOfWindow<Bytes16, 1>(step, arena, walker, c, out);
  }
}

void AvgPool(const PoolStep& step, std::uint8_t* arena, Range pixels) {
  const int element = step.sink.wide ? 2 : 1;
  Walker walker(pixels.begin, step.sink.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    const std::int64_t out = walker.In(step.sink.output);
    for (int c = 0; c < step.channels; c += kTile) {
      std::int32_t acc[kTile] = {};
      ForTaps(step, arena + c, walker, [&](const std::uint8_t* from) {
        for (int o = 0; o < kTile; ++o) acc[o] += from[o] - step.zero;
      });
      StoreRows(step.sink, step.first_tile[p] + c / kTile,
                {.sums = acc,
                 .stride = kTile,
                 .count = 1,
                 .channels = Min(kTile, step.channels - c),
                 .output = arena + c * element,
                 .output_at = &out,
                 .residual = nullptr,
                 .residual_at = nullptr});
    }
  }
}

// Channels of a pixel that element-wise kernels take at once: more than a compiler unrolls, which
// would not vectorise them then.
inline constexpr int kElementwiseBlock = 64;
static_assert(kElementwiseBlock <= kSlack);

// Results in 32 bits for `count` channels from c on, whose bytes are x and y.
template <BinaryOp kOp>
inline void ComputeNarrow(const AddStep& step, const std::uint8_t* x, const std::uint8_t* y, int c,
                          int count, std::int32_t* results) {
  const std::int32_t* const shift_a = step.shift_a + c;
  const std::int32_t* const shift_b = step.shift_b + c;
  const std::int32_t* const limit = step.limit_32 + c;
  const std::int32_t* const left = step.left + c;
  const std::int32_t* const half = step.half_32 + c;
  const std::int32_t* const right = step.right + c;
  const std::int32_t zero_a = step.zero_a, zero_b = step.zero_b, low = step.low, high = step.high;
  for (int o = 0; o < count; ++o) {
    const std::int32_t a = x[o] - zero_a;
    const std::int32_t b = y[o] - zero_b;
    const std::int32_t shifted_a = a << shift_a[o];
    const std::int32_t shifted_b = b << shift_b[o];
    std::int32_t v = kOp == BinaryOp::kAdd   ? shifted_a + shifted_b
                     : kOp == BinaryOp::kSub ? shifted_a - shifted_b
                     : kOp == BinaryOp::kMul ? a * b
                     : kOp == BinaryOp::kMax ? Max(shifted_a, shifted_b)
                                             : Min(shifted_a, shifted_b);
    v = Max(Min(v, limit[o]), -limit[o]);
    v = ((v << left[o]) + half[o]) >> right[o];
    results[o] = Max(Min(v, high), low);
  }
}

inline void AddExact(const AddStep& step, const std::uint8_t* x, const std::uint8_t* y, int c,
                     int count, std::int32_t* results) {
  for (int o = 0; o < count; ++o) {
    std::int64_t v = std::int64_t{x[o] - step.zero_a} * (std::int64_t{1} << step.shift_a[c + o]) +
                     std::int64_t{y[o] - step.zero_b} * (std::int64_t{1} << step.shift_b[c + o]);
    const std::int64_t limit = step.limit[c + o];
    v = v < -limit ? -limit : v > limit ? limit : v;
    v = (v * (std::int64_t{1} << step.left[c + o]) + step.half[c + o]) >> step.right[c + o];
    results[o] = Clamp(v, step.low, step.high);
  }
}

template <BinaryOp kOp>
void Elementwise(const BinaryStep& binary, std::uint8_t* arena, Range pixels) {
  const AddStep& step = binary.step;
  std::uint8_t all_a[kElementwiseBlock], all_b[kElementwiseBlock];  // of operands of one channel
  Walker walker(pixels.begin, step.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    const std::uint8_t* const a = arena + walker.In(step.a);
    const std::uint8_t* const b = arena + walker.In(step.b);
    std::uint8_t* const out = arena + walker.In(step.output);
    if (binary.one_a) std::memset(all_a, a[0], sizeof all_a);
    if (binary.one_b) std::memset(all_b, b[0], sizeof all_b);
    for (int c = 0; c < step.channels; c += kElementwiseBlock) {
      const int count = Min(kElementwiseBlock, step.channels - c);
      const int tiles = (count + kTile - 1) / kTile * kTile;  // parameters are whole tiles
      const std::uint8_t* const x = binary.one_a ? all_a : a + c;
      const std::uint8_t* const y = binary.one_b ? all_b : b + c;
      std::int32_t results[kElementwiseBlock];
      if (kOp != BinaryOp::kAdd || step.fits_32) {
        ComputeNarrow<kOp>(step, x, y, c, tiles, results);
      } else {
        AddExact(step, x, y, c, count, results);
      }
      if (step.wide) {
        for (int o = 0; o < count; ++o) StoreValue(out + 2 * (c + o), true, 0, results[o]);
      } else {
        for (int o = 0; o < count; ++o) {
          out[c + o] = static_cast<std::uint8_t>(results[o] + step.zero);
        }
      }
    }
  }
}

void Binary(const BinaryStep& step, std::uint8_t* arena, Range pixels) {
  switch (step.op) {
    case BinaryOp::kAdd:
      return Elementwise<BinaryOp::kAdd>(step, arena, pixels);
    case BinaryOp::kSub:
      return Elementwise<BinaryOp::kSub>(step, arena, pixels);
    case BinaryOp::kMul:
      return Elementwise<BinaryOp::kMul>(step, arena, pixels);
    case BinaryOp::kMax:
      return Elementwise<BinaryOp::kMax>(step, arena, pixels);
    case BinaryOp::kMin:
      return Elementwise<BinaryOp::kMin>(step, arena, pixels);
  }
}

template <typename I = Isa>
inline void LookUp(const std::uint8_t* table, const std::uint8_t* from, std::int64_t count,
                   std::uint8_t* to) {
  if constexpr (requires { &I::LookUp; }) {
    I::LookUp(table, from, count, to);
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
  }
}

void Table(const TableStep& step, std::uint8_t* arena, Range pixels) {
  const bool dense = step.input.stride == step.channels && step.output.stride == step.channels;
  Walker walker(pixels.begin, step.width);
  for (std::int64_t p = pixels.begin; p < pixels.end;) {
    const std::uint8_t* const from = arena + walker.In(step.input);
    std::uint8_t* const to = arena + walker.In(step.output);
    if (step.wide) {
      for (int c = 0; c < step.channels; ++c) {
        StoreValue(to + 2 * c, true, 0, step.words[from[c]]);
      }
    } else if (dense) {  // the rest of the row
      const std::int64_t rest = step.width - walker.x;
      const std::int64_t count = rest < pixels.end - p ? rest : pixels.end - p;
      LookUp(step.bytes, from, count * step.channels, to);
      p += count;
      walker = Walker(p, step.width);
      continue;
    } else {
      LookUp(step.bytes, from, step.channels, to);
    }
    ++p;
    walker.Next();
  }
}

// Channels of a pixel that are normalised together.
inline constexpr int kLrnBlock = 256;

// Normalises 8 channels by the squares from the first of their windows on.
template <typename I = Isa>
inline void NormalizeEight(const LrnStep& step, const float* values, const float* squares,
                           std::uint8_t* out) {
  if constexpr (requires { &I::NormalizeEight; }) {
    I::NormalizeEight(step, values, squares, out);
  } else {
    float sums[8] = {};  // integers below 2^24
    for (int k = 0; k < step.size; ++k) {
      for (int i = 0; i < 8; ++i) sums[i] += squares[i + k];
    }
    for (int i = 0; i < 8; ++i) {
      std::int32_t bits;
      std::memcpy(&bits, sums + i, sizeof bits);
      const LrnFactors& f = step.factors[Max((bits >> kLrnRestBits) - kLrnFirstPattern, 0)];
      const double rest = (bits & ((1 << kLrnRestBits) - 1)) * kLrnRestUnit;
      // 128 more than the result, so that the conversion rounds down.
      const double v = values[i] * step.unit * (f.low + f.diff * rest) + 128.5;
      const double inside = Max(Min(v, 255.0), 0.0);
      out[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(inside) - 128 + step.zero_out);
    }
  }
}

template <typename I = Isa>
inline bool NormalizeSixteen(const LrnStep& step, const float* values, const float* squares,
                             std::uint8_t* out) {
  if constexpr (requires { &I::NormalizeSixteen; }) {
    return I::NormalizeSixteen(step, values, squares, out);
  } else {
    return false;
  }
}

// Adjacent channels of a pixel, widened: with those before them that the first window holds, and
// zeros beyond the tensor.
struct LrnBlock {
  float values[kLrnBlock + kMaxLrnSize + 8], squares[kLrnBlock + kMaxLrnSize + 8];
  int count = 0;
  std::uint8_t* out = nullptr;
};

// Widens `count` channels from c on.
inline void WidenBlock(const LrnStep& step, const std::uint8_t* in, int c, int count,
                       LrnBlock& block) {
  const int before = (step.size - 1) / 2;
  float* const values = block.values;
  const int first = Max(c - before, 0);
  const int end = Min(c + count + step.size / 2, step.channels);
  const int start = first - (c - before);
  for (int i = 0; i < start; ++i) values[i] = 0;
  for (int i = 0; i < end - first; ++i) {
    values[start + i] = static_cast<float>(in[first + i] - step.zero_in);
  }
  const int all = count + step.size + 7;  // as many as the last eight channels read
  for (int i = start + end - first; i < all; ++i) values[i] = 0;
  for (int i = 0; i < all; ++i) block.squares[i] = values[i] * values[i];
}

inline void NormalizeBlock(const LrnStep& step, const LrnBlock& block) {
  const float* const values = block.values + (step.size - 1) / 2;
  int i = 0;
  for (; i + 8 <= block.count; i += 8) {
    if (i + 16 <= block.count &&
        NormalizeSixteen(step, values + i, block.squares + i, block.out + i)) {
      i += 8;
      continue;
    }
    NormalizeEight(step, values + i, block.squares + i, block.out + i);
  }
  if (i < block.count) {
    std::uint8_t y[8];
    NormalizeEight(step, values + i, block.squares + i, y);
    std::memcpy(block.out + i, y, static_cast<std::size_t>(block.count - i));
  }
}

void Lrn(const LrnStep& step, std::uint8_t* arena, Range pixels) {
  // A block is widened before the last one is normalised, whose windows lie across what was stored:
  // such loads wait until it is in the cache.
  LrnBlock blocks[2];
  int at = 0;
  Walker walker(pixels.begin, step.width);
  for (std::int64_t p = pixels.begin; p < pixels.end; ++p, walker.Next()) {
    for (int c = 0; c < step.channels; c += kLrnBlock) {
      LrnBlock& block = blocks[at];
      block.count = Min(kLrnBlock, step.channels - c);
      block.out = arena + walker.In(step.output) + c;
      WidenBlock(step, arena + walker.In(step.input), c, block.count, block);
      at = 1 - at;
      NormalizeBlock(step, blocks[at]);
    }
  }
  NormalizeBlock(step, blocks[1 - at]);
}

// The same kernels with convolutions in squares.
template <typename I = Isa>
constexpr KernelSet WithSquares(KernelSet set, double pair_cost, double group_cost) {
  set.square_tiles = I::Pairs::kTiles;
  set.square_lanes = I::Pairs::kLanes;
  set.pair_cost = pair_cost;
  set.group_cost = group_cost;
  set.conv_scratch = SquaresScratch<>;
  return set;
}

// The set of an instruction set that multiplies features by int8 weights (accumulate_impl.h).
template <typename I = Isa>
constexpr KernelSet ByteKernels(const char* isa, decltype(KernelSet::conv) conv) {
  return {.isa = isa,
          .panel_tiles = I::kPanelTiles,
          .weight_limit = 127,
          .short_sums = I::kShortSums,
          .weights = WeightForm::kBytes,
          .nibble_tiles = I::kNibbleTiles,
          .fast_requantization = true,
          .depthwise_rows = I::Columns::kRows,
          .depthwise_scratch = DepthwiseScratch<>,
          .conv = conv,
          .depthwise = Depthwise<>,
          .max_pool = MaxPool,
          .avg_pool = AvgPool,
          .binary = Binary,
          .table = Table,
          .lrn = Lrn};
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_KERNELS_IMPL_H_
