// One random case: a network, inputs for it and how it is compiled.
#ifndef TF2_TESTS_RANDOM_NETWORKS_DRAW_H_
#define TF2_TESTS_RANDOM_NETWORKS_DRAW_H_

#include <cstdint>
#include <vector>

#include "arch/arch.h"
#include "qnet/qnet.h"
#include "sched/compile.h"

namespace tf2::random_networks {

struct Case {
  qnet::QNet net;
  std::vector<std::vector<std::int8_t>> inputs;  // at least one
  sched::Options options;
};

// Case `index` of the run with `seed`, made so that it is likely to fit `arch`.
Case DrawCase(std::uint64_t seed, std::int64_t index, const arch::Arch& arch);

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_DRAW_H_
