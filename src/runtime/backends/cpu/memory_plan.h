// Where every tensor of a frame lies in one arena: planned once when a network is loaded. Tensors
// whose live intervals do not meet share memory; the inputs of a concatenation are written into its
// output where that is possible, a sum over an operand that nobody reads afterwards, and a reshape
// that changes nothing shares its input's memory. Tensors that padded convolutions read have a
// border.
#ifndef TF2_RUNTIME_BACKENDS_CPU_MEMORY_PLAN_H_
#define TF2_RUNTIME_BACKENDS_CPU_MEMORY_PLAN_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/stages.h"

namespace tf2::runtime::cpu {

// Pixels around a tensor.
struct Border {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;
  bool empty() const { return top == 0 && left == 0 && bottom == 0 && right == 0; }
};

// Times the bytes of an input that it may have with its border: what three taps need whose dilation
// is all but the input's size, and less where memory is short.
inline constexpr std::int64_t kLargeBorders = 9;
inline constexpr std::int64_t kSmallBorders = 2;

// What the windows of a convolution read around its input; nullopt where that would be more than
// `times` the input (and more than a mebibyte), and the convolution must not rely on a border.
std::optional<Border> BorderOf(const qnet::QNet& net, const qnet::Op& op, std::int64_t times);

// Whether each tensor, by id, never holds a negative value, whatever the network's input.
std::vector<bool> NonNegative(const qnet::QNet& net);

// A border to be set to the byte `value` before a stage.
struct BorderFill {
  View view;  // of the pixel at (0, 0)
  std::int64_t h = 0, w = 0;
  Border border;
  std::uint8_t value = 0;
};

// Memory of one tensor or several that lie in each other, alive from stage `first` (-1: before the
// first one) to stage `last` (their number: to the end of the frame).
struct BufferSpan {
  std::int64_t offset = 0, bytes = 0;
  std::int64_t first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<BufferSpan> buffers;
  std::vector<View> views;          // of each tensor, by id
  std::vector<std::uint8_t> zeros;  // the byte of value 0, by id; 0 for int16
  // [0]: before the input is stored; [i + 1]: before stage i.
  std::vector<std::vector<BorderFill>> fills;
  std::int64_t arena_bytes = 0;  // of everything
  std::int64_t border_times = kLargeBorders;
  // Tensor memory, and its lower bound: the largest sum of buffers alive in one stage.
  std::int64_t peak_bytes = 0;
  std::int64_t live_bytes = 0;

  // From the arena of a frame to that of the next where several lie in one: an odd number of cache
  // lines, so that the same places of them are in different sets.
  std::int64_t frame_bytes() const { return (arena_bytes + 63) / 64 * 64 | 64; }
};

// `net` must pass qnet::Verify. Network outputs stay alive to the end of the frame.
MemoryPlan PlanMemory(const qnet::QNet& net, const Stages& stages,
                      std::int64_t border_times = kLargeBorders);

void Fill(const BorderFill& fill, std::uint8_t* arena);

// Whether two tensors' contents are the same bytes at the same place (nothing to copy).
inline bool SamePlace(const View& a, const View& b) {
  return a.offset == b.offset && a.row == b.row && a.stride == b.stride;
}

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_MEMORY_PLAN_H_
