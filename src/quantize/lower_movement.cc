// Data movement: operators whose every output element is an input element. The interpreter runs
// them on the indices of the elements, so that they have one implementation and any sequence of
// them is one move.
#include <numeric>

#include "interp/interpreter.h"
#include "ir/op_table.h"
#include "quantize/lowering.h"
#include "quantize/per_channel.h"

namespace tf2::quantize {

using ir::Node;
using ir::OpKind;

bool Lowering::KeepsOrder(OpKind kind) {
  return kind == OpKind::kFlatten || kind == OpKind::kReshape || kind == OpKind::kIdentity ||
         kind == OpKind::kUnsqueeze || kind == OpKind::kSqueeze;
}

bool Lowering::MovesData(OpKind kind) {
  if (KeepsOrder(kind)) return true;
  switch (kind) {
    case OpKind::kSlice:
    case OpKind::kGather:
    case OpKind::kTranspose:
    case OpKind::kExpand:
    case OpKind::kTile:
    case OpKind::kResize:
    case OpKind::kDepthToSpace:
    case OpKind::kSpaceToDepth:
      return true;
    default:  // every other kind
      return false;
  }
}

Status Lowering::LowerMovement(const Node& node) {
  constexpr std::int64_t kExact = std::int64_t{1} << 24;  // integers that a float holds
  if (node.kind == OpKind::kResize && node.String("mode") != "nearest")
    return Refuse(node, "it interpolates", "nearest upsampling is data movement");
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.HasInput(i) && !graph_.IsConstant(node.inputs[i]))
      return Refuse(node, "it moves by values that are computed at run time",
                    "make them constants");
  }
  // What is real already stays so.
  const auto it = views_.find(node.inputs[0]);
  if (it == views_.end()) {
    if (!functions_.contains(node.inputs[0])) return Unsupported("its input is real");
    if (!Needed(node.outputs[0])) return Unsupported("no weighted layer depends on it");
  }
  TF2_ASSIGN_OR_RETURN(const View view, ViewOf(node, node.inputs[0]));
  const ir::Shape& in = graph_.value(node.inputs[0]).shape;
  if (KeepsOrder(node.kind)) {
    views_[node.outputs[0]] = view;
    return {};
  }
  if (!Needed(node.outputs[0])) return Unsupported("no weighted layer depends on it");
  if (net_.tensor(view.tensor).elements() >= kExact || ir::ElementCount(in) >= kExact)
    return Refuse(node, "it moves more than 2^24 elements", "make the network's input smaller");
  // Indices from 1, so that what the operator fills in is seen.
  ir::Tensor indices;
  indices.shape = in;
  if (view.map != nullptr) {
    indices.f32 = *view.map;
    for (float& index : indices.f32) ++index;
  } else {
    indices.f32.resize(static_cast<std::size_t>(ir::ElementCount(in)));
    std::iota(indices.f32.begin(), indices.f32.end(), 1.0F);
  }
  std::vector<const ir::Tensor*> inputs = {&indices};
  for (std::size_t i = 1; i < node.inputs.size(); ++i)
    inputs.push_back(node.HasInput(i) ? &graph_.constant(node.inputs[i]) : nullptr);
  TF2_ASSIGN_OR_RETURN(ir::Tensor moved, interp::RunNode(graph_, node, inputs));
  bool in_order = std::ssize(moved.f32) == net_.tensor(view.tensor).elements();
  float expected = 0;
  for (float& index : moved.f32) {
    index -= 1;
    in_order = in_order && index == expected++;
    if (!(index >= 0)) {
      return Refuse(node, "it fills in elements of its own",
                    "zeros around height and width are an integer layer");
    }
  }
  if (in_order) {
    views_[node.outputs[0]] = {view.tensor, nullptr};
    return {};
  }
  views_[node.outputs[0]] = {view.tensor,
                             std::make_shared<const std::vector<float>>(std::move(moved.f32))};
  return {};
}

}  // namespace tf2::quantize
