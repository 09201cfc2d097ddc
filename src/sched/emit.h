// From a plan with addresses to descriptors, packed weights and parameters.
#ifndef TF2_SCHED_EMIT_H_
#define TF2_SCHED_EMIT_H_

#include <cstdint>
#include <span>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "program/descriptor.h"
#include "program/program.h"
#include "sched/plan.h"

namespace tf2::sched {

struct EmittedLayer {
  program::Descriptor descriptor;
  program::LayerInfo info;
  std::int32_t task = 0;
  std::int32_t acc_bits = 0;       // least accumulator that the actual codes are proven to fit
  std::int64_t weight_words = 0;   // added by this layer (0 where it shares another's)
  std::int64_t param_entries = 0;  // added by this layer
};

struct Emitted {
  std::vector<EmittedLayer> layers;
  std::vector<std::uint8_t> weights;
  std::vector<std::uint64_t> params;
};

// `offsets`: first word of each buffer of the plan. Refuses operators that the engine has no form
// for, by name.
Result<Emitted> Emit(const qnet::QNet& net, const arch::Arch& arch, const Plan& plan,
                     std::span<const std::int64_t> offsets);

}  // namespace tf2::sched

#endif  // TF2_SCHED_EMIT_H_
