#include "passes/fuse_relu.h"

#include <algorithm>
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
  if (node.kind == OpKind::kClip) return std::min(node.Float("min"), node.Float("max")) >= 0;
  return node.kind == OpKind::kRelu || (TakesRelu(node) && node.Int("relu") != 0);
}

// Whether node `relu` is followed by nothing but a clip that lets no negative number pass either.
bool IsBeforeClip(const Graph& graph, const Node& relu) {
  const std::optional<std::size_t> reader = OnlyReader(graph, relu.outputs[0]);
  return reader && graph.nodes[*reader].kind == OpKind::kClip &&
         graph.nodes[*reader].Float("min") >= 0;
}

// Drops the ReLUs for which `is_needless` holds.
template <typename F>
int Drop(Graph& graph, F&& is_needless) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size();) {
    if (graph.nodes[i].kind == OpKind::kRelu && is_needless(graph, graph.nodes[i]) &&
        Bypass(graph, i)) {
      ++changes;
    } else {
      ++i;
    }
  }
  return changes;
}

}  // namespace

Result<int> FuseRelu(Graph& graph) {
  int changes = Drop(graph, IsBeforeClip);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!TakesRelu(graph.nodes[i])) continue;
    const std::optional<std::size_t> reader = OnlyReader(graph, graph.nodes[i].outputs[0]);
    if (!reader || graph.nodes[*reader].kind != OpKind::kRelu) continue;
    graph.nodes[i].attrs.insert_or_assign("relu", std::int64_t{1});
    AbsorbInto(graph, i, *reader);
    ++changes;
  }
  return changes + Drop(graph, IsAfterRelu);
}

}  // namespace tf2::passes
