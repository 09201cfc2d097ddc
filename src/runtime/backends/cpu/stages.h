// Which operators of a network run at the same time: threads then wait for each other once a stage
// instead of once an operator.
#ifndef TF2_RUNTIME_BACKENDS_CPU_STAGES_H_
#define TF2_RUNTIME_BACKENDS_CPU_STAGES_H_

#include <cstddef>
#include <vector>

#include "qnet/qnet.h"

namespace tf2::runtime::cpu {

// Indices of all operators, each once; one that reads what another writes is of a later stage.
using Stages = std::vector<std::vector<std::size_t>>;

// An operator a stage, in the network's order.
Stages OneByOne(const qnet::QNet& net);
// Every operator as early as its inputs allow; of a stage, those with most work first.
Stages AsEarlyAsPossible(const qnet::QNet& net);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_STAGES_H_
