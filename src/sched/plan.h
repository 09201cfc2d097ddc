// From operators to storage: which tasks the engine runs in which order, which tensors share words
// (views, children of a concatenation, sums in place of their residual), and in which plane and
// lane every channel lies. Addresses come later (sched/allocate.h); descriptors last
// (sched/emit.h).
#ifndef TF2_SCHED_PLAN_H_
#define TF2_SCHED_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "qnet/qnet.h"
#include "sched/compile.h"

namespace tf2::sched {

// A tensor of the plan: those of the QNet by index, then copies. Words are counted from the
// tensor's first word.
struct PlanTensor {
  std::string name;
  std::int32_t c = 0, h = 1, w = 1;
  bool wide = false;
  std::int32_t storage = -1;  // the tensor whose words these are: itself, or what a reshape views
  std::int32_t parent = -1;   // storage tensors: the concatenation whose words contain these
  std::int32_t alias = -1;    // storage tensors: the residual that is replaced in place
  std::int64_t parent_offset = 0;   // words from the parent's first
  std::vector<std::int32_t> lanes;  // per channel: plane * C + lane
  std::int32_t planes = 0;          // planes that hold channels
  std::int64_t plane_words = 1;
  std::int64_t region_words = 0;  // storage: planes rounded up to a tile's, times plane_words
  std::int32_t buffer = -1;
  std::int64_t offset = 0;       // first word in the buffer
  std::int64_t hi_offset = 0;    // wide: distance of the high bytes
  std::int32_t written_by = -1;  // task that completes it; -1: the host
};

// One thing the engine does: an operator of the QNet or a copy.
struct Task {
  std::int32_t op = -1;  // index in QNet::ops; of a copy: the operator that needs it
  bool copy = false;
  std::int32_t input = -1;  // plan tensors
  std::int32_t residual = -1;
  std::int32_t output = -1;
};

// Words that are allocated together.
struct Buffer {
  std::int64_t words = 0;
  std::int32_t first_task = 0;  // -1: written by the host before the first task
  std::int32_t last_task = 0;   // tasks.size(): read by the host after the last
  std::int32_t tensor = -1;     // largest member, for messages
};

struct Plan {
  std::vector<PlanTensor> tensors;
  std::vector<Task> tasks;
  std::vector<Buffer> buffers;
  bool folded = false;         // the input holds the taps of the first convolution
  qnet::Window folded_window;  // that convolution's window, when folded
};

// Whether the input can be folded: one convolution without groups reads it, padded with 0, and
// nothing else does.
bool CanFold(const qnet::QNet& net);

// Refuses what the engine has no form for, by operator and reason.
Result<Plan> MakePlan(const qnet::QNet& net, const arch::Arch& arch, bool fold,
                      bool in_place_residual);

// For an add: which input goes through the lanes (0 or 1; the other is the residual) and each
// channel's parameters.
struct AddForm {
  std::int32_t lane_input = 0;
  std::vector<numerics::Scale> scale;  // alpha a power of two
  std::vector<std::uint8_t> t;
};

// Tries `lane_input` = first, then the other. Refuses exponents that lie too far apart.
Result<AddForm> MakeAddForm(const qnet::QNet& net, const qnet::Op& op, std::int32_t first);

}  // namespace tf2::sched

#endif  // TF2_SCHED_PLAN_H_
