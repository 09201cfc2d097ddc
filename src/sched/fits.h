// Whether a configuration can hold and run a program.
#ifndef TF2_SCHED_FITS_H_
#define TF2_SCHED_FITS_H_

#include "arch/arch.h"
#include "program/program.h"
#include "sched/allocate.h"
#include "sched/emit.h"
#include "sched/plan.h"

namespace tf2::sched {

// Refuses the first layer that needs a unit, a width or more of a memory than `arch` has: layer,
// need, what there is.
Status CheckFits(const program::Program& program, const Plan& plan, const Allocation& allocation,
                 const Emitted& emitted, const arch::Arch& arch);

}  // namespace tf2::sched

#endif  // TF2_SCHED_FITS_H_
