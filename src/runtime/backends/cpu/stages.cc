#include "runtime/backends/cpu/stages.h"

#include <algorithm>

namespace tf2::runtime::cpu {

Stages OneByOne(const qnet::QNet& net) {
  Stages stages;
  for (std::size_t i = 0; i < net.ops.size(); ++i) stages.push_back({i});
  return stages;
}

Stages AsEarlyAsPossible(const qnet::QNet& net) {
  Stages stages;
  std::vector<std::size_t> ready(net.tensors.size(), 0);  // first stage that can read a tensor
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    std::size_t stage = 0;
    for (const qnet::TensorId input : net.ops[i].inputs) {
      stage = std::max(stage, ready[qnet::Index(input)]);
    }
    if (stage == stages.size()) stages.emplace_back();
    stages[stage].push_back(i);
    ready[qnet::Index(net.ops[i].output)] = stage + 1;
  }
  for (auto& stage : stages) {
    std::ranges::stable_sort(stage, [&](std::size_t a, std::size_t b) {
      return qnet::MacsOf(net, net.ops[a]) > qnet::MacsOf(net, net.ops[b]);
    });
  }
  return stages;
}

}  // namespace tf2::runtime::cpu
