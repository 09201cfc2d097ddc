// Moving tensors between the [c, h, w] order of the device interface and the channel-last order of
// the arena, and between places in the arena.
#ifndef TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_
#define TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// Writes the bytes of some rows of `tensor` ([c, h, w]; int16 little endian) to their place in the
// arena, `zero` added to each (modulo 256; 0 for int16). `bytes`: of the whole tensor.
void Scatter(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes, Range rows,
             const View& view, std::uint8_t zero, std::uint8_t* arena);

// The bytes of `tensor`, [c, h, w].
std::vector<std::uint8_t> Gather(const qnet::Tensor& tensor, const View& view, std::uint8_t zero,
                                 const std::uint8_t* arena);

// Copies of pixels that lie one after another in both tensors, a stride apart.
struct PixelRun {
  std::int64_t from = 0, to = 0;  // bytes into the arena
  std::int64_t pixels = 0;
};
struct PixelCopy {
  std::vector<PixelRun> runs;  // of 4 KiB at most, where that holds a pixel; of the same strides
  std::int64_t bytes = 0;      // of a pixel
  std::int64_t from_stride = 0, to_stride = 0;
  std::uint8_t shift = 0;  // added to every byte: 0 or 128
};
// Pixel i of tensor `to`, which has as many channels or more, is pixel sources[i] of tensor `from`.
// Nothing where the runs would be more than `most_runs`.
std::optional<PixelCopy> CopyOf(const qnet::Tensor& from, const View& from_view,
                                const qnet::Tensor& to, const View& to_view,
                                std::span<const std::int32_t> sources, std::int64_t most_runs);
// The copy of all pixels in order.
std::optional<PixelCopy> CopyOf(const qnet::Tensor& from, const View& from_view,
                                const qnet::Tensor& to, const View& to_view,
                                std::int64_t most_runs);
void CopyPixels(const PixelCopy& copy, Range runs, std::uint8_t* arena);

// Each element of a tensor from somewhere in the arena.
struct ElementCopy {
  std::vector<std::int32_t> from;  // of element [y][x][c] of the output: bytes into the arena
  std::int32_t channels = 0, width = 1;
  std::int32_t element = 1;  // bytes
  View to;
  std::uint8_t shift = 0;  // added to every byte: 0 or 128
};
ElementCopy CopyOf(const qnet::Tensor& from, const View& from_view, const qnet::Tensor& to,
                   const View& to_view, const qnet::Move& move);
void CopyElements(const ElementCopy& copy, Range pixels, std::uint8_t* arena);

// Pixels of a tensor sh and sw apart, and zeros between them.
struct Spread {
  View from, to;
  std::int64_t h = 0, w = 0;  // of the output
  std::int64_t bytes = 0;     // of a pixel
  std::int32_t sh = 1, sw = 1;
  std::uint8_t shift = 0;  // added to every byte of the input
  std::uint8_t zero = 0;   // between
};
// Rows of the output.
void SpreadRows(const Spread& spread, Range rows, std::uint8_t* arena);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_
