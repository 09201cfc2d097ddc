#include "passes/sink_transposes.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// Whether every input but `data` is a constant of one element, which has no axes to permute.
bool OthersAreNumbers(const Graph& graph, const Node& node, std::size_t data) {
  const std::size_t rank = graph.value(node.inputs[data]).shape.size();
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (i == data || node.inputs[i] == ir::kNoValue) continue;
    if (!graph.IsConstant(node.inputs[i])) return false;
    const ir::Shape& shape = graph.value(node.inputs[i]).shape;
    if (ir::ElementCount(shape) != 1 || shape.size() > rank) return false;
  }
  return true;
}

// Whether `node` computes each element of its output from the element of input `data` in the same
// place.
bool ActsOnSingleElements(const Graph& graph, const Node& node, std::size_t data) {
  const OpKind k = node.kind;
  if (k == OpKind::kRelu || k == OpKind::kUnary || k == OpKind::kClip || k == OpKind::kCast)
    return true;
  const bool takes_numbers = k == OpKind::kAdd || k == OpKind::kSub || k == OpKind::kMul ||
                             k == OpKind::kDiv || k == OpKind::kBinary;
  const bool scaled =
      k == OpKind::kPrelu || k == OpKind::kQuantizeLinear || k == OpKind::kDequantizeLinear;
  return (takes_numbers || (scaled && data == 0)) && OthersAreNumbers(graph, node, data);
}

// Transpose `at` and its only reader change places.
void Swap(Graph& graph, std::size_t at, std::size_t reader) {
  Node transpose = graph.nodes[at];
  Node node = graph.nodes[reader];
  const ir::Value& out = graph.value(node.outputs[0]);
  const ValueId early =
      graph.AddValue(out.name + ".early", out.dtype, graph.value(transpose.inputs[0]).shape);
  std::replace(node.inputs.begin(), node.inputs.end(), transpose.outputs[0], transpose.inputs[0]);
  transpose.outputs = std::exchange(node.outputs, {early});
  transpose.inputs = {early};
  graph.nodes[at] = std::move(node);
  graph.nodes[reader] = std::move(transpose);
}

// A transpose of the output of transpose `first` reads what that one reads.
void Join(const Node& first, Node& second) {
  const auto inner = first.Ints("perm");
  auto perm = second.Ints("perm");
  for (std::int64_t& d : perm) d = inner[static_cast<std::size_t>(d)];
  second.attrs.insert_or_assign("perm", std::move(perm));
  second.inputs = first.inputs;
}

bool JoinReaders(Graph& graph, std::size_t at) {
  bool joined = false;
  const Node first = graph.nodes[at];
  for (std::size_t reader : graph.Readers(first.outputs[0])) {
    if (graph.nodes[reader].kind != OpKind::kTranspose) continue;
    Join(first, graph.nodes[reader]);
    joined = true;
  }
  return joined;
}

bool Sink(Graph& graph, std::size_t at) {
  const ValueId out = graph.nodes[at].outputs[0];
  const std::optional<std::size_t> reader = OnlyReader(graph, out);
  if (!reader) return false;
  const Node& node = graph.nodes[*reader];
  const auto data = static_cast<std::size_t>(
      std::find(node.inputs.begin(), node.inputs.end(), out) - node.inputs.begin());
  if (!ActsOnSingleElements(graph, node, data)) return false;
  Swap(graph, at, *reader);
  return true;
}

}  // namespace

Result<int> SinkTransposes(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].kind != OpKind::kTranspose) continue;
    if (JoinReaders(graph, i) || Sink(graph, i)) ++changes;
  }
  return changes;
}

}  // namespace tf2::passes
