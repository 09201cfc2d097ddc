#include "passes/dequantize_early.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "passes/replacement.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// Operators whose results are elements of input 0, wherever they go.
bool MovesInput(OpKind kind) {
  if (MovesNothing(kind)) return true;
  switch (kind) {
    case OpKind::kIdentity:
    case OpKind::kTranspose:
    case OpKind::kSlice:
    case OpKind::kExpand:
    case OpKind::kTile:
    case OpKind::kDepthToSpace:
    case OpKind::kSpaceToDepth:
      return true;
    default:
      return false;
  }
}

bool HasOneScale(const Graph& graph, const Node& node) {
  const std::vector<float>* scale = ConstantData(graph, node, 1);
  if (scale == nullptr || scale->size() != 1 || !((*scale)[0] > 0)) return false;
  if (!node.HasInput(2)) return true;
  return graph.IsConstant(node.inputs[2]) &&
         ir::ElementCount(graph.value(node.inputs[2]).shape) == 1;
}

// The node that makes `id`, where it is of this kind.
std::optional<std::size_t> ProducerOf(const Graph& graph, ValueId id, OpKind kind) {
  const auto producer = graph.Producer(id);
  if (!producer || graph.nodes[*producer].kind != kind) return {};
  return producer;
}

// What stands between integers and the dequantisation of them in another place or order.
struct Between {
  std::size_t node;  // reads `integers`, or these as floats
  ValueId integers;
};

std::optional<Between> FindBetween(const Graph& graph, ValueId id) {
  const auto producer = graph.Producer(id);
  if (!producer) return {};
  const Node& node = graph.nodes[*producer];
  if (MovesInput(node.kind)) {
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (!AbsentOrConstant(graph, node, i)) return {};
    }
    return Between{*producer, node.inputs[0]};
  }
  if (node.kind != OpKind::kCast) return {};
  const auto pool = ProducerOf(graph, node.inputs[0], OpKind::kMaxPool);
  if (!pool) return {};
  const auto cast = ProducerOf(graph, graph.nodes[*pool].inputs[0], OpKind::kCast);
  if (!cast) return {};
  // The pooled values are those of a quantisation, which the second cast leaves as they are.
  const ValueId integers = graph.nodes[*cast].inputs[0];
  if (!ProducerOf(graph, integers, OpKind::kQuantizeLinear)) return {};
  return Between{*pool, integers};
}

int MoveUp(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node node = graph.nodes[i];
    if (node.kind != OpKind::kDequantizeLinear || !HasOneScale(graph, node)) continue;
    const auto between = FindBetween(graph, node.inputs[0]);
    if (!between) continue;
    const Node mover = graph.nodes[between->node];
    Replacement with(graph, node);
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = between->integers;
    std::vector<ValueId> moved = mover.inputs;
    moved[0] = with.Add(OpKind::kDequantizeLinear, "early", std::move(inputs), node.attrs,
                        with.ShapeOf(between->integers));
    with.Add(mover.kind, "moved", std::move(moved), mover.attrs, with.ShapeOf(node.outputs[0]));
    with.Finish(i, {OpKind::kDequantizeLinear});
    // Where its results as integers have no other reader, what is behind them now is all of it.
    std::swap(graph.nodes[i + 1].name, graph.nodes[between->node].name);
    ++changes;
  }
  return changes;
}

int Merge(Graph& graph) {
  int changes = 0;
  std::map<std::pair<std::vector<ValueId>, std::int64_t>, ValueId> known;
  for (std::size_t i = 0; i < graph.nodes.size();) {
    const Node node = graph.nodes[i];
    const ValueId output = node.kind == OpKind::kDequantizeLinear ? node.outputs[0] : ir::kNoValue;
    if (output == ir::kNoValue || !HasOneScale(graph, node) || graph.IsOutput(output)) {
      ++i;
      continue;
    }
    const auto [entry, is_new] = known.try_emplace({node.inputs, node.Int("axis")}, output);
    if (is_new) {
      ++i;
      continue;
    }
    for (Node& reader : graph.nodes) {
      std::ranges::replace(reader.inputs, output, entry->second);
    }
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
    ++changes;
  }
  return changes;
}

}  // namespace

Result<int> DequantizeEarly(Graph& graph) {
  const int merged = Merge(graph);  // first, so that what stands between is not done twice
  return merged + MoveUp(graph);
}

}  // namespace tf2::passes
