// Where every tensor of a frame lies in one arena: planned once when a network is loaded. Tensors
// whose live intervals do not meet share memory; the inputs of a concatenation are written into its
// output where that is possible, and a reshape that moves no byte shares its input's memory.
#ifndef TF2_RUNTIME_BACKENDS_CPU_MEMORY_PLAN_H_
#define TF2_RUNTIME_BACKENDS_CPU_MEMORY_PLAN_H_

#include <cstdint>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

struct MemoryPlan {
  std::vector<View> views;  // of each tensor, by id
  // Regions that hold 0 and -128: what a window reads in the padding. Long enough for the pixel of
  // every tensor and kSlack.
  std::int64_t zeros = 0;
  std::int64_t floors = 0;
  std::int64_t constant_bytes = 0;  // of each of the two
  std::int64_t arena_bytes = 0;     // of everything
  // Tensor memory, and its lower bound: the largest sum of buffers alive at one operator.
  std::int64_t peak_bytes = 0;
  std::int64_t live_bytes = 0;
};

// `net` must pass qnet::Verify. Network outputs stay alive to the end of the frame.
MemoryPlan PlanMemory(const qnet::QNet& net);

// Whether two tensors' contents are the same bytes at the same place (nothing to copy).
inline bool SamePlace(const View& a, const View& b) {
  return a.offset == b.offset && a.stride == b.stride;
}

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_MEMORY_PLAN_H_
