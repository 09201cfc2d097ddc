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

// Writes the bytes of `tensor` ([c, h, w]; int16 little endian) to its place in the arena.
void Scatter(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes, const View& view,
             std::uint8_t* arena);

// The bytes of `tensor`, [c, h, w].
std::vector<std::uint8_t> Gather(const qnet::Tensor& tensor, const View& view,
                                 const std::uint8_t* arena);

// Copies `pixels` pixels of `bytes` bytes each.
void CopyPixels(std::int64_t pixels, std::int64_t bytes, const View& from, const View& to,
                std::uint8_t* arena);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LAYOUT_H_
