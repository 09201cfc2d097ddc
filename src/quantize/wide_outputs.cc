#include "quantize/wide_outputs.h"

namespace tf2::quantize {
namespace {

bool Moves(const qnet::Op& op) {
  return std::holds_alternative<qnet::Concat>(op.params) ||
         std::holds_alternative<qnet::Reshape>(op.params) ||
         std::holds_alternative<qnet::Move>(op.params);
}

bool KeepsEightBits(const qnet::Op& op) {
  return std::holds_alternative<qnet::MaxPool>(op.params) ||
         std::holds_alternative<qnet::Dilate>(op.params);
}

// One round of the rules; whether a tensor became narrow.
bool Narrow(const qnet::QNet& net, std::vector<bool>& wide) {
  bool changed = false;
  const auto clear = [&](qnet::TensorId id) {
    changed |= wide[qnet::Index(id)];
    wide[qnet::Index(id)] = false;
  };
  for (const qnet::Op& op : net.ops) {
    const bool out = wide[qnet::Index(op.output)];
    bool all_inputs = true;
    for (const qnet::TensorId id : op.inputs) {
      const bool reads_wide = Moves(op) ? out : std::holds_alternative<qnet::Host>(op.params);
      if (!reads_wide) clear(id);
      all_inputs &= wide[qnet::Index(id)];
    }
    if (Moves(op) ? !all_inputs : KeepsEightBits(op)) clear(op.output);
  }
  return changed;
}

}  // namespace

void WidenOutputs(qnet::QNet& net) {
  std::vector<bool> wide(net.tensors.size(), true);
  for (const qnet::TensorId id : net.inputs) wide[qnet::Index(id)] = false;
  while (Narrow(net, wide)) {
  }
  for (std::size_t i = 0; i < wide.size(); ++i) {
    net.tensors[i].type = wide[i] ? qnet::ElemType::kInt16 : qnet::ElemType::kInt8;
  }
}

}  // namespace tf2::quantize
