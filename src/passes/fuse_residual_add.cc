#include "passes/fuse_residual_add.h"

#include <algorithm>
#include <optional>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// The convolution that produces operand `side` of addition `add` and may take the addition over.
std::optional<std::size_t> Candidate(const Graph& graph, std::size_t add, std::size_t side) {
  const Node& node = graph.nodes[add];
  const ValueId sum = node.inputs[side];
  const ValueId other = node.inputs[1 - side];
  if (graph.IsConstant(other) || graph.value(other).shape != graph.value(sum).shape)
    return std::nullopt;
  const std::optional<std::size_t> producer = graph.Producer(sum);
  if (!producer || OnlyReader(graph, sum) != add) return std::nullopt;
  const Node& conv = graph.nodes[*producer];
  if (conv.kind != OpKind::kConv || conv.Int("relu") != 0 || conv.HasInput(3)) return std::nullopt;
  return producer;
}

// Replaces the addition by the later of the candidates.
bool Fuse(Graph& graph, std::size_t add) {
  const std::optional<std::size_t> first = Candidate(graph, add, 0);
  const std::optional<std::size_t> second = Candidate(graph, add, 1);
  if (!first && !second) return false;
  const std::size_t side = !first || (second && *second > *first) ? 1 : 0;
  const std::size_t conv = side == 0 ? *first : *second;
  const std::int64_t relu = graph.nodes[add].Int("relu");
  Node& node = graph.nodes[conv];
  node.inputs.resize(4, ir::kNoValue);
  node.inputs[3] = graph.nodes[add].inputs[1 - side];
  if (relu != 0) node.attrs.insert_or_assign("relu", relu);
  // The convolution moves to the addition's place: by then both operands exist.
  node.outputs = graph.nodes[add].outputs;
  graph.nodes[add] = std::move(node);
  graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(conv));
  return true;
}

}  // namespace

Result<int> FuseResidualAdd(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size();) {
    if (graph.nodes[i].kind == OpKind::kAdd && Fuse(graph, i)) {
      ++changes;  // node i is now what followed the addition
    } else {
      ++i;
    }
  }
  return changes;
}

}  // namespace tf2::passes
