// Convolutions in squares (kernels.h: Squares), over the primitives of an instruction set for pairs
// of 16-bit values. Included by kernels_impl.h only.
//
// Isa::Pairs provides: kTiles, kSquares: output-channel tiles of a panel and squares that are
// computed together at most; kLanes, Vector, Load, Save; Weights LoadWeights(const int8_t*): a pair
// of weights of each of kLanes output channels; Features Broadcast<k>(const int16_t*): pair k of
// four, for every lane; Vector Dot(Vector, Features, Weights).
#ifndef TF2_RUNTIME_BACKENDS_CPU_WINOGRAD_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_WINOGRAD_IMPL_H_

#include <cstdint>
#include <cstring>

#if defined(__AVX512BW__)
#include "runtime/backends/cpu/intrinsics.h"
#endif
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/scratch.h"
#include "runtime/backends/cpu/store_impl.h"

namespace tf2::runtime::cpu {
namespace {

#if defined(__AVX512BW__)
inline constexpr int kSquareBytes = 64;  // of a register
#elif defined(__AVX2__)
inline constexpr int kSquareBytes = 32;
#else
inline constexpr int kSquareBytes = 16;
#endif
typedef std::uint32_t SquareWords __attribute__((vector_size(kSquareBytes)));
typedef std::int32_t SignedWords __attribute__((vector_size(kSquareBytes)));
inline constexpr int kSquareWords = kSquareBytes / 4;

// kCount channels as 16-bit values.
template <int kCount>
struct Widened;
template <>
struct Widened<8> {
  typedef std::int16_t Halves __attribute__((vector_size(16)));
  typedef std::uint8_t Bytes __attribute__((vector_size(8)));
};
template <>
struct Widened<16> {
  typedef std::int16_t Halves __attribute__((vector_size(32)));
  typedef std::uint8_t Bytes __attribute__((vector_size(16)));
};
template <>
struct Widened<32> {
  typedef std::int16_t Halves __attribute__((vector_size(64)));
  typedef std::uint8_t Bytes __attribute__((vector_size(32)));
};
template <int kCount>
[[gnu::always_inline]] inline typename Widened<kCount>::Halves Widen(const std::uint8_t* from) {
  using Halves = typename Widened<kCount>::Halves;
#if defined(__AVX512BW__)
  if constexpr (kCount == 32) {  // GCC 12 widens so many by halves
    return reinterpret_cast<Halves>(
        _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
  }
#endif
  typename Widened<kCount>::Bytes bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, Halves);
}

// t = B^T d of F(4, 3).
template <typename V>
[[gnu::always_inline]] inline void TransformInputs(const V (&d)[kPatch], V (&t)[kPatch]) {
  const V from_2 = d[4] - d[2];
  const V from_1 = d[3] - d[1];
  const V even = d[4] - (d[2] << 2);
  const V odd = d[3] - (d[1] << 2);
  t[0] = ((d[0] - d[2]) << 2) + from_2;
  t[1] = even + odd;
  t[2] = even - odd;
  t[3] = from_2 + (from_1 << 1);
  t[4] = from_2 - (from_1 << 1);
  t[5] = d[5] - d[3] - (from_1 << 2);
}

// Where the patch of a square lies: its rows in the arena, its columns from there on.
struct Patch {
  std::int64_t rows[kPatch];
  std::int64_t columns[kPatch];
};

// Transforms kCount channels of a patch; position p goes to to + p * stride.
template <int kCount>
[[gnu::always_inline]] inline void TransformPatch(const std::uint8_t* arena, const Patch& patch,
                                                  std::int64_t stride, std::int16_t* to) {
  using Halves = typename Widened<kCount>::Halves;
  Halves columns[kPatch][kPatch];  // [y][x]
#pragma GCC unroll 1
  for (int x = 0; x < kPatch; ++x) {
    Halves d[kPatch], t[kPatch];
#pragma GCC unroll 6
    for (int y = 0; y < kPatch; ++y) {
      d[y] = Widen<kCount>(arena + patch.rows[y] + patch.columns[x]);
    }
    TransformInputs(d, t);
#pragma GCC unroll 6
    for (int y = 0; y < kPatch; ++y) columns[y][x] = t[y];
  }
#pragma GCC unroll 1
  for (int y = 0; y < kPatch; ++y) {
    Halves t[kPatch];
    TransformInputs(columns[y], t);
#pragma GCC unroll 6
    for (int x = 0; x < kPatch; ++x) {
      std::memcpy(to + (y * kPatch + x) * stride, t + x, sizeof t[x]);
    }
  }
}

// Adjacent squares, and where their pixels go.
struct SquareChunk {
  static constexpr int kMost = 96;
  int count = 0;
  std::int64_t stride = 0;             // from a position to the next in `inputs`
  std::int16_t* inputs = nullptr;      // [position][square][channels]
  int pixels[kMost + 1];               // that exist, before each square
  int slots[kMost][kSquare][kSquare];  // which of them a pixel is, or -1
  std::int64_t output[kMost * kSquare * kSquare], residual[kMost * kSquare * kSquare];
};

// sums[square][tile][16] of one position: the products of all channels.
template <typename P, int kTiles, int kSquares>
[[gnu::noinline]] void SumPosition(const std::int16_t* inputs, const std::int8_t* weights,
                                   int channels, std::int32_t* sums) {
  constexpr int kCount = kTiles * kTile / P::kLanes;
  constexpr int kPairBytes = kTiles * kTile * 4;
  typename P::Vector acc[kSquares][kCount] = {};
  const auto add = [&]<int kPair>(const std::int16_t* x, const std::int8_t* w)
      __attribute__((always_inline)) {
    constexpr int kAhead = 4096;
    typename P::Weights loaded[kCount];
#pragma GCC unroll 4
    for (int at = 0; at < kPairBytes; at += 64) __builtin_prefetch(w + kAhead + at);
#pragma GCC unroll 4
    for (int v = 0; v < kCount; ++v) loaded[v] = P::LoadWeights(w + v * P::kLanes * 4);
#pragma GCC unroll 12
    for (int i = 0; i < kSquares; ++i) {
      const auto pair = P::template Broadcast<kPair>(x + i * std::int64_t{channels});
#pragma GCC unroll 4
      for (int v = 0; v < kCount; ++v) acc[i][v] = P::Dot(acc[i][v], pair, loaded[v]);
    }
  };
  for (int c = 0; c < channels; c += 8, inputs += 8, weights += 4 * kPairBytes) {
    add.template operator()<0>(inputs, weights);
    add.template operator()<1>(inputs, weights + kPairBytes);
    add.template operator()<2>(inputs, weights + 2 * kPairBytes);
    add.template operator()<3>(inputs, weights + 3 * kPairBytes);
  }
#pragma GCC unroll 12
  for (int i = 0; i < kSquares; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kCount; ++v) P::Save(sums + (i * kCount + v) * P::kLanes, acc[i][v]);
  }
}

inline SquareWords LoadWords(const std::int32_t* from) {
  SquareWords words;
  std::memcpy(&words, from, sizeof words);
  return words;
}
inline void SaveWords(std::int32_t* to, SquareWords words) {
  std::memcpy(to, &words, sizeof words);
}

// y = A^T m of F(4, 3), row k times 3 << kSquareShifts[k]; modulo 2^32.
inline constexpr int kSquareShifts[kSquare] = {3, 2, 1, 1};
[[gnu::always_inline]] inline void TransformSums(const SquareWords (&m)[kPatch],
                                                 SquareWords (&y)[kSquare]) {
  const SquareWords sum_1 = m[1] + m[2], diff_1 = m[1] - m[2];
  const SquareWords sum_2 = m[3] + m[4], diff_2 = m[3] - m[4];
  y[0] = m[0] + (sum_1 << 2) + sum_2;
  y[1] = (diff_1 << 1) + diff_2;
  y[2] = sum_1 + sum_2;
  y[3] = diff_1 + (diff_2 << 1) + m[5];
}

template <typename P, int kTiles>
struct SquarePanel {
  static constexpr int kRow = kTiles * kTile;  // channels
  static constexpr int kSquares = P::kSquares;
  static constexpr int kPixels = kSquares * kSquare * kSquare;

  alignas(64) std::int32_t products[kPatch][kSquares * kRow];       // of a row of positions
  alignas(64) std::int32_t rows[kPatch][kSquare][kSquares * kRow];  // transformed along x
  alignas(64) std::int32_t sums[(kPixels + 1) * kRow];              // the last one's are dropped

  // Squares [first, first + count) of the chunk.
  void Run(const ConvStep& step, const Panel& panel, std::uint8_t* arena, const SquareChunk& chunk,
           int first, int count) {
    const int channels = step.squares.channels;
    const std::int8_t* weights = step.weights + panel.weights * 2;
    for (int y = 0; y < kPatch; ++y) {
      for (int x = 0; x < kPatch; ++x, weights += std::int64_t{channels} * kRow * 2) {
        Sum<kSquares>(chunk.inputs + (y * kPatch + x) * chunk.stride + first * channels, weights,
                      channels, count, products[x]);
      }
      TransformRow(count, rows[y]);
    }
    TransformColumns(chunk, first, count, step.bias + std::int64_t{panel.first_tile} * kTile);
    const int begin = chunk.pixels[first];
    const Places places{chunk.pixels[first + count] - begin, chunk.output + begin,
                        chunk.residual + begin};
    StoreSums(step.sink, places, sums, kTiles, panel.first_tile, panel.out_channel, panel.channels,
              arena);
  }

 private:
  template <int kMost>
  static void Sum(const std::int16_t* inputs, const std::int8_t* weights, int channels, int count,
                  std::int32_t* sums) {
    constexpr int kLess = kMost > 2 ? kMost - 2 : 1;
    if constexpr (kMost > 1) {
      if (count <= kLess) return Sum<kLess>(inputs, weights, channels, count, sums);
    }
    SumPosition<P, kTiles, kMost>(inputs, weights, channels, sums);
  }

  [[gnu::noinline]] void TransformRow(int count,
                                      std::int32_t (&to)[kSquare][kSquares * kRow]) const {
    for (int i = 0; i < count * kRow; i += kSquareWords) {
      SquareWords m[kPatch], y[kSquare];
#pragma GCC unroll 6
      for (int x = 0; x < kPatch; ++x) m[x] = LoadWords(products[x] + i);
      TransformSums(m, y);
#pragma GCC unroll 4
      for (int x = 0; x < kSquare; ++x) SaveWords(to[x] + i, y[x]);
    }
  }

  [[gnu::noinline]] void TransformColumns(const SquareChunk& chunk, int first, int count,
                                          const std::int32_t* bias) {
    constexpr std::uint32_t kNinth = 954437177;  // its inverse modulo 2^32
    for (int i = 0; i < count; ++i) {
      for (int c = 0; c < kRow; c += kSquareWords) {
        const SquareWords add = LoadWords(bias + c);
#pragma GCC unroll 4
        for (int x = 0; x < kSquare; ++x) {
          SquareWords m[kPatch], y[kSquare];
#pragma GCC unroll 6
          for (int k = 0; k < kPatch; ++k) m[k] = LoadWords(rows[k][x] + i * kRow + c);
          TransformSums(m, y);
#pragma GCC unroll 4
          for (int k = 0; k < kSquare; ++k) {
            const auto scaled = reinterpret_cast<SignedWords>(y[k] * kNinth);
            const auto exact =
                reinterpret_cast<SquareWords>(scaled >> (kSquareShifts[k] + kSquareShifts[x]));
            const int slot = chunk.slots[first + i][k][x];
            SaveWords(sums + (slot < 0 ? kPixels : slot - chunk.pixels[first]) * kRow + c,
                      exact + add);
          }
        }
      }
    }
  }
};

// A square of one of some frames.
struct SquarePlace {
  std::int64_t frame;      // where its arena begins
  std::int64_t top, left;  // its first pixel
  SquarePlace(const ConvStep& step, std::int64_t square)
      : frame(square / step.pixels * step.frame_bytes),
        top(square % step.pixels / step.sink.width * kSquare),
        left(square % step.sink.width * kSquare) {}
};

// Finds where the pixels of squares from `begin` on go.
[[gnu::noinline]] inline void FindPixels(const ConvStep& step, std::int64_t begin,
                                         SquareChunk& chunk) {
  const Sink& sink = step.sink;
  int pixels = 0;
  for (int i = 0; i < chunk.count; ++i) {
    const SquarePlace at(step, begin + i);
    chunk.pixels[i] = pixels;
    for (int y = 0; y < kSquare; ++y) {
      for (int x = 0; x < kSquare; ++x) {
        const std::int64_t row = at.top + y, column = at.left + x;
        const bool exists = row < step.squares.height && column < step.squares.width;
        chunk.slots[i][y][x] = exists ? pixels : -1;
        if (!exists) continue;
        const auto in = [&](const View& view) {
          return at.frame + view.offset + row * view.row + column * view.stride;
        };
        chunk.output[pixels] = in(sink.output);
        chunk.residual[pixels++] = in(sink.residual);
      }
    }
  }
  chunk.pixels[chunk.count] = pixels;
}

// Transforms the inputs of squares from `begin` on.
[[gnu::noinline]] inline void TransformSquares(const ConvStep& step, const std::uint8_t* arena,
                                               std::int64_t begin, const SquareChunk& chunk) {
  const Squares& squares = step.squares;
  const int channels = squares.channels;
  Patch patch;
  for (int i = 0; i < chunk.count; ++i) {
    const SquarePlace at(step, begin + i);
    // What lies beyond the last window is not kept, whatever it is.
    for (int k = 0; k < kPatch; ++k) {
      patch.rows[k] = at.frame + step.input.offset +
                      Min<std::int64_t>(at.top + k, squares.height + 1) * step.input.row;
      patch.columns[k] = Min<std::int64_t>(at.left + k, squares.width + 1) * step.input.stride;
    }
    std::int16_t* const to = chunk.inputs + std::int64_t{i} * channels;
    int c = 0;
#if defined(__AVX512BW__)
    for (; c + 32 <= channels; c += 32) TransformPatch<32>(arena + c, patch, chunk.stride, to + c);
#endif
#if defined(__AVX2__)
    for (; c < channels; c += 16) TransformPatch<16>(arena + c, patch, chunk.stride, to + c);
#endif
    for (; c < channels; c += 8) TransformPatch<8>(arena + c, patch, chunk.stride, to + c);
  }
  // The square beyond the last one is computed, too, by some kernels.
  const std::int64_t beyond = std::int64_t{chunk.count} * channels;
  for (int p = 0; p < kPositions; ++p) {
    std::memset(chunk.inputs + p * chunk.stride + beyond, 0,
                static_cast<std::size_t>(channels) * sizeof(chunk.inputs[0]));
  }
}

template <typename P, int kTiles>
void ConvSquares(const ConvStep& step, const Panel& panel, std::uint8_t* arena,
                 const SquareChunk& chunk) {
  if constexpr (kTiles > 1) {
    if (panel.tiles != kTiles) return ConvSquares<P, kTiles - 1>(step, panel, arena, chunk);
  }
  SquarePanel<P, kTiles> work;
  const int parts = (chunk.count + P::kSquares - 1) / P::kSquares;
  for (int part = 0, first = 0; part < parts; ++part) {
    const int count = (chunk.count - first + parts - part - 1) / (parts - part);
    work.Run(step, panel, arena, chunk, first, count);
    first += count;
  }
}

// Bytes of the transformed inputs of so many squares, and of one beyond, which kernels that compute
// two together read.
inline std::int64_t TransformedBytes(const ConvStep& step, std::int64_t squares) {
  return kPositions * (squares + 1) * std::int64_t{step.squares.channels} * 2;
}

// Most squares of a chunk.
template <typename P>
std::int64_t MostSquares(const ConvStep& step) {
  constexpr std::int64_t kMostBytes = 768 << 10;  // of transformed inputs
  const std::int64_t most = kMostBytes / TransformedBytes(step, 0);
  return Max<std::int64_t>(Min<std::int64_t>(most, SquareChunk::kMost) / P::kSquares * P::kSquares,
                           P::kSquares);
}

template <typename I = Isa>
std::int64_t SquaresScratch(const ConvStep& step) {
  using P = typename I::Pairs;
  return step.squares.height == 0 ? 0 : TransformedBytes(step, MostSquares<P>(step));
}

// Of squares [squares.begin, squares.end), in chunks of about equal size.
template <typename P>
void ConvSquares(const ConvStep& step, std::uint8_t* arena, Range squares, Range panels) {
  const std::int64_t most = MostSquares<P>(step);
  const std::int64_t chunks = (squares.end - squares.begin + most - 1) / most;
  SquareChunk chunk;
  for (std::int64_t k = 0, begin = squares.begin; k < chunks; ++k) {
    chunk.count = static_cast<int>((squares.end - begin + chunks - k - 1) / (chunks - k));
    chunk.stride = std::int64_t{chunk.count + 1} * step.squares.channels;
    chunk.inputs = static_cast<std::int16_t*>(Scratch(TransformedBytes(step, chunk.count)));
    FindPixels(step, begin, chunk);
    TransformSquares(step, arena, begin, chunk);
    for (std::int64_t i = panels.begin; i < panels.end; ++i) {
      ConvSquares<P, P::kTiles>(step, step.panels[i], arena, chunk);
    }
    begin += chunk.count;
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_WINOGRAD_IMPL_H_
