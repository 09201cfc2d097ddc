// Independent check of a compiled program: replays the descriptors symbolically, knowing which
// tensor each word of the feature memory holds, and refuses a read of anything but live data of the
// right tensor.
#ifndef TF2_SCHED_VERIFY_H_
#define TF2_SCHED_VERIFY_H_

#include "arch/arch.h"
#include "base/result.h"
#include "program/program.h"
#include "qnet/qnet.h"

namespace tf2::sched {

// Checks for every layer: reads lie in memory and in words that hold the operator's inputs (the
// residual's for the residual); writes lie in memory, in words of the operator's output, and
// destroy nothing that is read later; every output word is written exactly once; weights and
// parameters are in range. Errors name the layer and the word.
Status VerifyProgram(const program::Program& program, const qnet::QNet& net,
                     const arch::Arch& arch);

}  // namespace tf2::sched

#endif  // TF2_SCHED_VERIFY_H_
