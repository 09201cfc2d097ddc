// Which operators the engine has at all; what of them a configuration can hold is for the planner.
#ifndef TF2_SCHED_ENGINE_SUPPORT_H_
#define TF2_SCHED_ENGINE_SUPPORT_H_

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::sched {

// kUnsupported with what the engine has, for an operator that only the CPU backends run.
Status CheckOnEngine(const qnet::Op& op);
// The same for what the operators do not show: several inputs.
Status CheckOnEngine(const qnet::QNet& net);

}  // namespace tf2::sched

#endif  // TF2_SCHED_ENGINE_SUPPORT_H_
