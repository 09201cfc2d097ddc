// Requantisation of sums, over the primitives of an instruction set. Included by kernels_impl.h
// only.
//
// Isa provides:
// where kFast: void StoreFast<kResidual>(const Sink&, const FastRequantization&, const Rows&);
// and where kNarrow, for sinks that are `narrow`:
//   void StoreNarrow<kResidual>(const Sink&, const Requantization&, const Rows&).
// It may provide:
//   void StoreSeveral<kCount, kResidual>(const Sink&, const FastRequantization*, const Rows&), as
//     StoreFast does, of two or four whole tiles;
#ifndef TF2_RUNTIME_BACKENDS_CPU_STORE_IMPL_H_
#define TF2_RUNTIME_BACKENDS_CPU_STORE_IMPL_H_

#include <bit>
#include <cstdint>
#include <cstring>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {
namespace {

template <typename T>
inline T Min(T a, T b) {
  return a < b ? a : b;
}

template <typename T>
inline T Max(T a, T b) {
  return a > b ? a : b;
}

// The bytes of `v` from the lowest on.
inline std::uint16_t LittleEndian(std::uint16_t v) {
  if constexpr (std::endian::native == std::endian::big) {
    return static_cast<std::uint16_t>(v << 8 | v >> 8);
  }
  return v;
}

inline void StoreValue(std::uint8_t* out, bool wide, std::uint8_t zero, std::int32_t v) {
  if (wide) {
    out[0] = static_cast<std::uint8_t>(v & 0xFF);
    out[1] = static_cast<std::uint8_t>((v >> 8) & 0xFF);
  } else {
    out[0] = static_cast<std::uint8_t>(v + zero);
  }
}

// Any parameters: floor(sum * scale + 1/2 + residual), clamped, in double.
template <bool kSlopes, bool kResidual>
[[gnu::noinline]] void StoreGeneral(const Sink& sink, const Requantization& r, const Rows& rows) {
  const int element = sink.wide ? 2 : 1;
  for (int i = 0; i < rows.count; ++i) {
    const std::int32_t* const sums = rows.sums + i * rows.stride;
    double v[kTile];
    for (int c = 0; c < kTile; ++c) {
      v[c] = sums[c] * (kSlopes && sums[c] < 0 ? r.negative[c] : r.positive[c]) + 0.5;
    }
    if constexpr (kResidual) {
      const std::uint8_t* const residual = rows.residual + rows.residual_at[i];
      for (int c = 0; c < kTile; ++c) v[c] += (residual[c] - sink.residual_zero) * r.residual[c];
    }
    std::int32_t y[kTile];
    for (int c = 0; c < kTile; ++c) {
      const double above = v[c] > r.low[c] ? v[c] : r.low[c];
      const double inside = above < r.high[c] ? above : r.high[c];
      const auto towards_zero = static_cast<std::int32_t>(inside);
      y[c] = towards_zero - (towards_zero > inside ? 1 : 0);
    }
    alignas(16) std::uint8_t bytes[2 * kTile];
    if (sink.wide) {
      std::uint16_t halves[kTile];
      for (int c = 0; c < kTile; ++c) halves[c] = LittleEndian(static_cast<std::uint16_t>(y[c]));
      std::memcpy(bytes, halves, sizeof halves);
    } else {
      for (int c = 0; c < kTile; ++c) bytes[c] = static_cast<std::uint8_t>(y[c] + sink.zero);
    }
    std::memcpy(rows.output + rows.output_at[i], bytes,
                static_cast<std::size_t>(rows.channels) * static_cast<std::size_t>(element));
  }
}

// Requantises the sums of tile `tile` of the sink's tables. `I` is Isa, as a parameter so that what
// it lacks is never looked for.
template <typename I = Isa>
inline void StoreRows(const Sink& sink, std::int64_t tile, const Rows& rows) {
  if constexpr (I::kFast) {
    if (sink.fast != nullptr) {
      return sink.has_residual ? I::template StoreFast<true>(sink, sink.fast[tile], rows)
                               : I::template StoreFast<false>(sink, sink.fast[tile], rows);
    }
  }
  const Requantization& r = sink.general[tile];
  if constexpr (I::kNarrow) {
    if (sink.narrow) {
      return sink.has_residual ? I::template StoreNarrow<true>(sink, r, rows)
                               : I::template StoreNarrow<false>(sink, r, rows);
    }
  }
  if (sink.has_slopes) {
    sink.has_residual ? StoreGeneral<true, true>(sink, r, rows)
                      : StoreGeneral<true, false>(sink, r, rows);
  } else {
    sink.has_residual ? StoreGeneral<false, true>(sink, r, rows)
                      : StoreGeneral<false, false>(sink, r, rows);
  }
}

// Offsets `stride` apart.
inline void FillRow(std::int64_t from, std::int64_t stride, int count, std::int64_t* to) {
  for (int i = 0; i < count; ++i, from += stride) to[i] = from;
}

// Where the results of some pixels go.
struct Places {
  int count;
  const std::int64_t* output;
  const std::int64_t* residual;
};

// Requantises the sums of some pixels, of kCount whole tiles together.
template <int kCount, typename I = Isa>
inline void StoreSeveral(const Sink& sink, const Places& at, const std::int32_t* sums,
                         std::int64_t first_tile, std::int64_t channel, std::uint8_t* arena) {
  const Rows rows{.sums = sums,
                  .stride = kCount * kTile,
                  .count = at.count,
                  .channels = kCount * kTile,
                  .output = arena + channel,
                  .output_at = at.output,
                  .residual = arena + channel,
                  .residual_at = at.residual};
  const FastRequantization* const tables = sink.fast + first_tile;
  sink.has_residual ? I::template StoreSeveral<kCount, true>(sink, tables, rows)
                    : I::template StoreSeveral<kCount, false>(sink, tables, rows);
}

// Requantises the sums of some pixels, [pixel][tiles * 16], of the channels from `channel` on.
template <typename I = Isa>
inline void StoreSums(const Sink& sink, const Places& at, const std::int32_t* sums, int tiles,
                      std::int64_t first_tile, std::int64_t channel, int channels,
                      std::uint8_t* arena) {
  if constexpr (requires { &I::template StoreSeveral<4, false>; }) {
    if (sink.fast != nullptr && tiles % 2 == 0 && channels == tiles * kTile) {
      return tiles == 4 ? StoreSeveral<4>(sink, at, sums, first_tile, channel, arena)
                        : StoreSeveral<2>(sink, at, sums, first_tile, channel, arena);
    }
  }
  for (int t = 0; t < tiles; ++t) {
    const std::int64_t c = channel + t * kTile;
    StoreRows(sink, first_tile + t,
              {.sums = sums + t * kTile,
               .stride = tiles * kTile,
               .count = at.count,
               .channels = Min(kTile, channels - t * kTile),
               .output = arena + c * (sink.wide ? 2 : 1),
               .output_at = at.output,
               .residual = arena + c,
               .residual_at = at.residual});
  }
}

}  // namespace
}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_STORE_IMPL_H_
