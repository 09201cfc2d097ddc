// Moving tensors between the [c, h, w] order of the device interface and the channel-last order of
// the arena, and between places in the arena.
#ifndef TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_
#define TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_

#include <cstdint>
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

// A copy of h rows of w pixels of `bytes` bytes each, adding `shift` (0 or 128) to every byte.
struct PixelCopy {
  std::int64_t h = 0, w = 0, bytes = 0;
  View from, to;
  std::uint8_t shift = 0;
};
void CopyPixels(const PixelCopy& copy, Range rows, std::uint8_t* arena);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_
