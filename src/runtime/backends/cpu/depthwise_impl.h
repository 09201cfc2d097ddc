// Convolutions with one input and one output channel a group, over the primitives of an instruction
// set. Included by kernels_impl.h only.
//
// The rows of a window are brought together, kRows of them, for every column of pixels that the
// windows of some adjacent output pixels pass: [16 channels][kRows], which one instruction
// multiplies by as many weights and adds up. Windows that overlap share their columns.
//
// Isa::Columns provides: kRows; kPixels, the pixels that are computed together; kVectors, of a
// tile; Vector, Load, Save; void Gather(rows, to): 16 bytes of each row as 64 bytes of Features;
// Features LoadFeatures(const uint8_t*); Vector Dot(Vector, Features, const int8_t* weights).
#ifndef TF2_RUNTIME_BACKENDS_CPU_DEPTHWISE_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_DEPTHWISE_IMPL_H_

#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/scratch.h"
#include "runtime/backends/cpu/store_impl.h"

namespace tf2::runtime::cpu {
namespace {

inline constexpr int kColumnBytes = 64;  // of a group of rows of a column

// Adjacent output pixels of a row.
struct PixelSegment {
  static constexpr int kMost = 32;
  int count = 0;
  std::int64_t input = 0;  // of the first one
  std::int64_t output[kMost], residual[kMost];
};

inline PixelSegment SegmentAt(const DepthwiseStep& step, std::int64_t pixel, std::int64_t end) {
  PixelSegment segment;
  const std::int64_t width = step.sink.width;
  const std::int64_t y = pixel / width, x = pixel % width;
  segment.count =
      static_cast<int>(Min<std::int64_t>(Min(end - pixel, width - x), PixelSegment::kMost));
  const auto in = [&](const View& view) { return view.offset + y * view.row + x * view.stride; };
  segment.input = in(step.input);
  FillRow(in(step.sink.output), step.sink.output.stride, segment.count, segment.output);
  FillRow(in(step.sink.residual), step.sink.residual.stride, segment.count, segment.residual);
  return segment;
}

// The columns that are gathered for a segment: `runs` runs of `length` each; column k of pixel i is
// column i * stride + k * step of them. They are all that the windows span or, where those are
// more, the windows' own, one after the other.
struct Columns {
  std::int64_t runs, length;
  std::int64_t run_bytes, column_bytes;  // from a run to the next in the input, and from a column
  int stride, step;

  Columns(const DepthwiseStep& of, int count) {
    const std::int64_t span =
        (count - 1) * std::int64_t{of.stride} + (of.columns - 1) * std::int64_t{of.column_step} + 1;
    const bool all = span < count * std::int64_t{of.columns};
    runs = all ? 1 : of.columns;
    length = all ? span : count;
    run_bytes = of.column_step * of.column_bytes;
    column_bytes = all ? of.column_bytes : of.stride * of.column_bytes;
    stride = all ? of.stride : 1;
    step = all ? of.column_step : count;
  }
};

// Gathers the columns of a tile whose first tap of the first pixel is at `in`.
template <typename C>
inline void GatherColumns(const DepthwiseStep& step, const Columns& columns, const std::uint8_t* in,
                          std::uint8_t* to) {
  const std::int64_t bytes = std::int64_t{step.groups} * kColumnBytes;  // of a column
  for (std::int32_t g = 0; g < step.groups; ++g) {
    const std::int32_t* const rows = step.rows + g * C::kRows;
    std::uint8_t* out = to + g * kColumnBytes;
    for (std::int64_t run = 0; run < columns.runs; ++run) {
      const std::uint8_t* from[C::kRows];
      for (int r = 0; r < C::kRows; ++r) from[r] = in + run * columns.run_bytes + rows[r];
      for (std::int64_t k = 0; k < columns.length; ++k, out += bytes) {
        C::Gather(from, out);
        for (int r = 0; r < C::kRows; ++r) from[r] += columns.column_bytes;
      }
    }
  }
}

// The sums of a tile's channels, [pixel][row]. kPitch: bytes from a pixel's first column to the
// next one's, or 0 for any. Reads and writes up to kPixels - 1 more than there are.
template <typename C, int kPitch>
inline void SumColumns(const DepthwiseStep& step, const Columns& columns, int count,
                       const std::uint8_t* gathered, const std::int8_t* weights,
                       const std::int32_t* bias, int row, std::int32_t* sums) {
  constexpr int kLanes = kTile / C::kVectors;
  constexpr int kBytes = kColumnBytes / C::kVectors;
  const std::int64_t bytes = std::int64_t{step.groups} * kColumnBytes;  // of a column
  const std::int64_t pitch = kPitch > 0 ? kPitch : columns.stride * bytes;
  for (int first = 0; first < count; first += C::kPixels) {
    typename C::Vector acc[C::kPixels][C::kVectors];
#pragma GCC unroll 8
    for (int i = 0; i < C::kPixels; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < C::kVectors; ++v) acc[i][v] = C::Load(bias + v * kLanes);
    }
    const std::int8_t* w = weights;
    const std::uint8_t* column = gathered + first * pitch;
    for (std::int32_t k = 0; k < step.columns; ++k, column += columns.step * bytes) {
      const std::uint8_t* at = column;
      for (std::int32_t g = 0; g < step.groups; ++g, at += kColumnBytes, w += kColumnBytes) {
#pragma GCC unroll 8
        for (int i = 0; i < C::kPixels; ++i) {
#pragma GCC unroll 4
          for (int v = 0; v < C::kVectors; ++v) {
            acc[i][v] =
                C::Dot(acc[i][v], C::LoadFeatures(at + i * pitch + v * kBytes), w + v * kBytes);
          }
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < C::kPixels; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < C::kVectors; ++v)
        C::Save(sums + (first + i) * row + v * kLanes, acc[i][v]);
    }
  }
}

// Of a segment's columns, and of those beyond that kernels read.
template <typename C>
inline std::int64_t GatheredBytes(const DepthwiseStep& step, const Columns& columns) {
  return (columns.runs * columns.length + C::kPixels * std::int64_t{columns.stride}) * step.groups *
         kColumnBytes;
}

template <typename I = Isa>
std::int64_t DepthwiseScratch(const DepthwiseStep& step) {
  std::int64_t most = 0;
  const int longest = Min<int>(step.sink.width, PixelSegment::kMost);
  for (int count = 1; count <= longest; ++count)
    most = Max(most, GatheredBytes<typename I::Columns>(step, Columns(step, count)));
  return most;
}

template <typename I = Isa>
void Depthwise(const DepthwiseStep& step, std::uint8_t* arena, Range pixels) {
  using C = typename I::Columns;
  constexpr int kMostTiles = 4;
  alignas(64) std::int32_t sums[(PixelSegment::kMost + C::kPixels) * kMostTiles * kTile];
  const std::int64_t bytes = std::int64_t{step.groups} * kColumnBytes;
  const std::int64_t tile_bytes = step.columns * bytes;
  for (std::int64_t p = pixels.begin; p < pixels.end;) {
    const PixelSegment segment = SegmentAt(step, p, pixels.end);
    p += segment.count;
    const Columns columns(step, segment.count);
    const std::int64_t pitch = columns.stride * bytes;
    const auto sum = pitch == kColumnBytes       ? SumColumns<C, kColumnBytes>
                     : pitch == 2 * kColumnBytes ? SumColumns<C, 2 * kColumnBytes>
                     : pitch == 4 * kColumnBytes ? SumColumns<C, 4 * kColumnBytes>
                                                 : SumColumns<C, 0>;
    auto* const gathered = static_cast<std::uint8_t*>(Scratch(GatheredBytes<C>(step, columns)));
    // Pixels beyond the last one are computed, too.
    std::memset(gathered + columns.runs * columns.length * bytes, 0,
                static_cast<std::size_t>(C::kPixels * pitch));
    for (int c = 0; c < step.channels; c += kMostTiles * kTile) {
      const int channels = Min(step.channels - c, kMostTiles * kTile);
      const int tiles = (channels + kTile - 1) / kTile;
      for (int t = 0; t < tiles; ++t) {
        const int channel = c + t * kTile;
        GatherColumns<C>(step, columns, arena + segment.input + channel, gathered);
        sum(step, columns, segment.count, gathered, step.weights + channel / kTile * tile_bytes,
            step.bias + channel, tiles * kTile, sums + t * kTile);
      }
      StoreSums(step.sink, {segment.count, segment.output, segment.residual}, sums, tiles,
                c / kTile, c, channels, arena);
    }
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_DEPTHWISE_IMPL_H_
