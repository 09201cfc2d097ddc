#include "passes/constant_folding.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "interp/interpreter.h"
#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Tensor;
using ir::ValueId;

bool IsFoldable(const Graph& graph, const Node& node) {
  if (node.kind == OpKind::kShape) return true;  // shapes are static
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return id == ir::kNoValue || graph.IsConstant(id); });
}

// The value of a node; of a run-time input that only its shape is read from an empty tensor stands
// in.
Result<Tensor> Evaluate(const Graph& graph, const Node& node) {
  Tensor shape_only;
  std::vector<const Tensor*> inputs;
  for (ValueId id : node.inputs) {
    if (id == ir::kNoValue) {
      inputs.push_back(nullptr);
    } else if (graph.IsConstant(id)) {
      inputs.push_back(&graph.constant(id));
    } else {
      shape_only.shape = graph.value(id).shape;
      inputs.push_back(&shape_only);
    }
  }
  return interp::RunNode(graph, node, inputs);
}

bool TakeShapeFromConstant(const Graph& graph, Node& node) {
  if (node.kind != OpKind::kReshape || !node.HasInput(1) || !graph.IsConstant(node.inputs[1]))
    return false;
  node.attrs.insert_or_assign("shape", graph.constant(node.inputs[1]).i64);
  node.inputs.resize(1);
  return true;
}

}  // namespace

Result<int> FoldConstants(Graph& graph) {
  int changes = 0;
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    if (IsFoldable(graph, node)) {
      TF2_ASSIGN_OR_RETURN(Tensor value, Evaluate(graph, node));
      if (AllFinite(value.f32)) {
        graph.value(node.outputs[0]).constant = std::make_shared<const Tensor>(std::move(value));
        ++changes;
        continue;
      }
    }
    if (TakeShapeFromConstant(graph, node)) ++changes;
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  return changes;
}

}  // namespace tf2::passes
