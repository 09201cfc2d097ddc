// The table of local response normalisation across channels.
#ifndef TF2_RUNTIME_BACKENDS_CPU_LRN_H_
#define TF2_RUNTIME_BACKENDS_CPU_LRN_H_

#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// Whether kernels have room for a window across channels.
bool FitsLrnKernels(const qnet::Lrn& lrn);
// The factors that numerics::LrnScaled has, in units of 2^-lrn.shift: LrnStep::factors.
std::vector<LrnFactors> LrnTable(const qnet::Lrn& lrn);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LRN_H_
