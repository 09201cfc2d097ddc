#include "passes/fuse_relu.h"

#include <optional>

#include "ir/op_table.h"
#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;

bool TakesRelu(const Node& node) { return ir::RowOf(node.kind).Find("relu") != nullptr; }

bool IsAfterRelu(const Graph& graph, const Node& relu) {
  const std::optional<std::size_t> producer = graph.Producer(relu.inputs[0]);
  if (!producer) return false;
  const Node& node = graph.nodes[*producer];
  return node.kind == OpKind::kRelu || (TakesRelu(node) && node.Int("relu") != 0);
}

}  // namespace

Result<int> FuseRelu(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!TakesRelu(graph.nodes[i])) continue;
    const std::optional<std::size_t> reader = OnlyReader(graph, graph.nodes[i].outputs[0]);
    if (!reader || graph.nodes[*reader].kind != OpKind::kRelu) continue;
    graph.nodes[i].attrs.insert_or_assign("relu", std::int64_t{1});
    AbsorbInto(graph, i, *reader);
    ++changes;
  }
  for (std::size_t i = 0; i < graph.nodes.size();) {
    if (graph.nodes[i].kind == OpKind::kRelu && IsAfterRelu(graph, graph.nodes[i]) &&
        Bypass(graph, i)) {
      ++changes;
    } else {
      ++i;
    }
  }
  return changes;
}

}  // namespace tf2::passes
