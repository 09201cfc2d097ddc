#include "passes/fold_channel_groups.h"

#include <optional>
#include <utility>
#include <vector>

#include "ir/functions.h"
#include "ir/shape_math.h"
#include "passes/replacement.h"
#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Shape;
using ir::ValueId;

constexpr std::int64_t kMostGroups = 8;

// [n, g, c, h, w] as [n, g * c, h, w].
Shape Folded(const Shape& shape) { return {shape[0], shape[1] * shape[2], shape[3], shape[4]}; }

// The value of `shape` that `id` is, seen through operators that move nothing.
std::optional<ValueId> SeenAs(const Graph& graph, ValueId id, const Shape& shape) {
  while (graph.value(id).shape != shape) {
    const std::optional<std::size_t> producer = graph.Producer(id);
    if (!producer || !MovesNothing(graph.nodes[*producer].kind)) return std::nullopt;
    id = graph.nodes[*producer].inputs[0];
  }
  return id;
}

bool IsGroups(const Graph& graph, ValueId id) {
  const ir::Value& value = graph.value(id);
  return value.dtype == ir::DType::kFloat32 && value.shape.size() == 5;
}

bool IsArithmetic(OpKind kind) {
  return kind == OpKind::kAdd || kind == OpKind::kSub || kind == OpKind::kMul ||
         kind == OpKind::kDiv;
}

// Whether a value of this shape gives every channel of every group of `out` elements of its own.
bool HasEveryChannel(const Shape& shape, const Shape& out) {
  if (shape.size() != 5 || shape[1] != out[1] || shape[2] != out[2]) return false;
  for (const std::size_t d : {0U, 3U, 4U}) {
    if (shape[d] != out[d] && shape[d] != 1) return false;
  }
  return true;
}

bool FoldArithmetic(Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  if (!IsArithmetic(node.kind) || !IsGroups(graph, node.outputs[0])) return false;
  const Shape out = graph.value(node.outputs[0]).shape;
  bool any = false;
  for (const ValueId id : node.inputs) {
    const Shape& shape = graph.value(id).shape;
    if (!HasEveryChannel(shape, out)) return false;
    any = any || (shape == out && SeenAs(graph, id, Folded(out)));
  }
  if (!any) return false;
  const std::vector<ValueId> inputs = node.inputs;
  const OpKind kind = node.kind;
  Attrs attrs = node.attrs;
  Replacement r(graph, node);
  std::vector<ValueId> folded;
  for (const ValueId id : inputs) {
    const Shape shape = Folded(graph.value(id).shape);
    const auto seen = SeenAs(graph, id, shape);
    folded.push_back(seen ? *seen : r.Reshape("channels", id, shape));
  }
  const ValueId y = r.Add(kind, "folded", std::move(folded), std::move(attrs), Folded(out));
  r.Reshape("groups", y, out);
  r.Finish(index, {kind});
  return true;
}

bool FoldConcat(Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  if (node.kind != OpKind::kConcat || node.Int("axis") != 1 || !IsGroups(graph, node.outputs[0]))
    return false;
  const Shape out = graph.value(node.outputs[0]).shape;
  std::vector<ValueId> folded;
  for (const ValueId id : node.inputs) {
    const Shape& shape = graph.value(id).shape;
    if (!IsGroups(graph, id) || shape[1] != 1) return false;
    const auto seen = SeenAs(graph, id, Folded(shape));
    if (!seen) return false;
    folded.push_back(*seen);
  }
  Attrs attrs = node.attrs;
  Replacement r(graph, node);
  const ValueId y =
      r.Add(OpKind::kConcat, "folded", std::move(folded), std::move(attrs), Folded(out));
  r.Reshape("groups", y, out);
  r.Finish(index, {OpKind::kConcat});
  return true;
}

bool UnfoldSum(Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  if (node.kind != OpKind::kReduce || ir::ReduceFnOf(node) != ir::ReduceFn::kSum ||
      !IsGroups(graph, node.inputs[0])) {
    return false;
  }
  const Shape in = graph.value(node.inputs[0]).shape;
  const auto axes = ir::ReducedAxes(node.Ints("axes"), in.size());
  if (!axes.ok() || *axes != std::vector<std::size_t>{1} || in[1] < 2 || in[1] > kMostGroups)
    return false;
  const auto maps = SeenAs(graph, node.inputs[0], Folded(in));
  if (!maps) return false;
  const Shape out = graph.value(node.outputs[0]).shape;
  Replacement r(graph, node);
  ValueId sum = r.Slice("group", *maps, 1, 0, in[2], 1);
  for (std::int64_t g = 1; g < in[1]; ++g) {
    const ValueId next = r.Slice("group", *maps, 1, g * in[2], in[2], 1);
    sum = r.Add(OpKind::kAdd, "sum", {sum, next}, {}, r.ShapeOf(sum));
  }
  r.Reshape("kept", sum, out);
  r.Finish(index, {OpKind::kAdd});
  return true;
}

}  // namespace

Result<int> FoldChannelGroups(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (FoldArithmetic(graph, i) || FoldConcat(graph, i) || UnfoldSum(graph, i)) ++changes;
  }
  return changes;
}

}  // namespace tf2::passes
