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

// The shape that a constant of `shape`, broadcast to what a transpose yields, has for what it
// reads: a number, or one a channel there. nullopt for others: a number a channel that becomes one
// a row or column can no longer be part of a layer.
std::optional<ir::Shape> BeforeTranspose(const ir::Shape& shape, const Ints& perm) {
  if (shape.size() > perm.size()) return std::nullopt;
  ir::Shape before(perm.size(), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t axis = perm[i + perm.size() - shape.size()];
    if (shape[i] != 1 && axis != 1) return std::nullopt;
    before[static_cast<std::size_t>(axis)] = shape[i];
  }
  return before;
}

// Whether the other input of a function of two is such a constant, and leaves the shape of `data`
// as it is.
bool OtherIsVector(const Graph& graph, const Node& node, std::size_t data, const Ints& perm) {
  if (node.inputs.size() != 2 || !graph.IsConstant(node.inputs[1 - data])) return false;
  return graph.value(node.outputs[0]).shape == graph.value(node.inputs[data]).shape &&
         BeforeTranspose(graph.value(node.inputs[1 - data]).shape, perm).has_value();
}

// Whether `node` computes each element of its output from the element of input `data` in the same
// place, and constants that can be permuted.
bool ActsOnSingleElements(const Graph& graph, const Node& node, std::size_t data,
                          const Ints& perm) {
  const OpKind k = node.kind;
  if (k == OpKind::kRelu || k == OpKind::kUnary || k == OpKind::kClip || k == OpKind::kCast)
    return true;
  const bool takes_vectors = k == OpKind::kAdd || k == OpKind::kSub || k == OpKind::kMul ||
                             k == OpKind::kDiv || k == OpKind::kBinary;
  const bool scaled =
      k == OpKind::kPrelu || k == OpKind::kQuantizeLinear || k == OpKind::kDequantizeLinear;
  return (takes_vectors && OtherIsVector(graph, node, data, perm)) ||
         (scaled && data == 0 && OthersAreNumbers(graph, node, data));
}

// Transpose `at` and its only reader change places.
void Swap(Graph& graph, std::size_t at, std::size_t reader) {
  Node transpose = graph.nodes[at];
  Node node = graph.nodes[reader];
  const ir::Value& out = graph.value(node.outputs[0]);
  const ValueId early =
      graph.AddValue(out.name + ".early", out.dtype, graph.value(transpose.inputs[0]).shape);
  for (ValueId& input : node.inputs) {
    if (input == transpose.outputs[0]) {
      input = transpose.inputs[0];
    } else if (input != ir::kNoValue && ir::ElementCount(graph.value(input).shape) > 1) {
      ir::Tensor constant = graph.constant(input);
      constant.shape = *BeforeTranspose(constant.shape, transpose.Ints("perm"));
      input = graph.AddConstant(graph.value(input).name, std::move(constant));
    }
  }
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
  if (!ActsOnSingleElements(graph, node, data, graph.nodes[at].Ints("perm"))) return false;
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
