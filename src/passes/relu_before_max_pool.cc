#include "passes/relu_before_max_pool.h"

#include <optional>
#include <utility>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

bool ComesFromPlainConv(const Graph& graph, ValueId id) {
  const std::optional<std::size_t> producer = graph.Producer(id);
  return producer && graph.nodes[*producer].kind == OpKind::kConv &&
         graph.nodes[*producer].Int("relu") == 0;
}

}  // namespace

Result<int> MoveReluBeforeMaxPool(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node pool = graph.nodes[i];
    if (pool.kind != OpKind::kMaxPool && pool.kind != OpKind::kGlobalMaxPool) continue;
    const std::optional<std::size_t> reader = OnlyReader(graph, pool.outputs[0]);
    if (!reader || graph.nodes[*reader].kind != OpKind::kRelu) continue;
    if (OnlyReader(graph, pool.inputs[0]) != i || !ComesFromPlainConv(graph, pool.inputs[0]))
      continue;
    const ir::Value before = graph.value(pool.inputs[0]);
    const ValueId early = graph.AddValue(
        graph.value(graph.nodes[*reader].outputs[0]).name + ".early", before.dtype, before.shape);
    Node relu = std::move(graph.nodes[*reader]);
    Node moved = pool;
    moved.inputs = {early};
    moved.outputs = relu.outputs;
    relu.inputs = pool.inputs;
    relu.outputs = {early};
    // The readers of the pool's new output all come after the ReLU's old place.
    graph.nodes[i] = std::move(relu);
    graph.nodes[*reader] = std::move(moved);
    ++changes;
  }
  return changes;
}

}  // namespace tf2::passes
