// Puts a plan, its addresses and its descriptors together: the Program.
#ifndef TF2_SCHED_BUILD_PROGRAM_H_
#define TF2_SCHED_BUILD_PROGRAM_H_

#include "program/program.h"
#include "sched/allocate.h"
#include "sched/emit.h"
#include "sched/plan.h"

namespace tf2::sched {

// Encodes every descriptor (refusing, by layer, a value that a field does not hold), states what
// the program needs of an engine, and where each tensor lies from when until when.
Result<program::Program> BuildProgram(const qnet::QNet& net, const arch::Arch& arch,
                                      const Plan& plan, const Allocation& allocation,
                                      const Emitted& emitted);

}  // namespace tf2::sched

#endif  // TF2_SCHED_BUILD_PROGRAM_H_
