#include "passes/sink_reshapes.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Shape;
using ir::ValueId;

// What inputs an operator has that treats all elements of a channel alike.
enum class Operands : std::uint8_t {
  kNone,      // it is no such operator
  kFirst,     // the value, then numbers and one number a channel that need no change
  kAny,       // values of one shape, or constants that broadcast
  kChannels,  // values whose channels it joins
};

Operands OperandsOf(const Node& node) {
  const OpKind k = node.kind;
  if (k == OpKind::kRelu || k == OpKind::kUnary || k == OpKind::kClip || k == OpKind::kBatchNorm ||
      k == OpKind::kScale)
    return Operands::kFirst;
  if (k == OpKind::kAdd || k == OpKind::kSub || k == OpKind::kMul || k == OpKind::kDiv ||
      k == OpKind::kBinary || k == OpKind::kPrelu)
    return Operands::kAny;
  if (k == OpKind::kConcat && node.Int("axis") == 1) return Operands::kChannels;
  return Operands::kNone;
}

// The value [n, c, h, w] that `id` is a reshape [n, c, ..] of.
std::optional<ValueId> Unreshaped(const Graph& graph, ValueId id) {
  const std::optional<std::size_t> producer = graph.Producer(id);
  if (!producer || !MovesNothing(graph.nodes[*producer].kind)) return {};
  const ValueId before = graph.nodes[*producer].inputs[0];
  const Shape& in = graph.value(before).shape;
  const Shape& out = graph.value(id).shape;
  if (in.size() != 4 || out.size() < 2 || in == out || in[0] != out[0] || in[1] != out[1])
    return {};
  return before;
}

Shape Spatial(const Shape& shape) { return {shape.begin() + 2, shape.end()}; }

// The shape in which a constant of `shape` means to [n, c, h, w] what it means to `out`: one number
// or one a channel.
std::optional<Shape> AsForMaps(const Shape& shape, const Shape& out) {
  if (ir::ElementCount(shape) == 1) return Shape{1};
  if (ir::ElementCount(shape) != out[1] || shape.size() + 1 < out.size()) return {};
  const std::size_t channel = shape.size() + 1 - out.size();
  if (channel >= shape.size() || shape[channel] != out[1]) return {};
  return Shape{out[1], 1, 1};
}

// The inputs of an operator without the reshapes before them.
struct Early {
  std::vector<ValueId> inputs;
  std::vector<std::pair<std::size_t, ir::Tensor>> constants;  // instead of some, by input
  Shape spatial;                                              // of all
};

std::optional<Early> EarlyInputs(const Graph& graph, const Node& node) {
  const Operands operands = OperandsOf(node);
  if (operands == Operands::kNone) return {};
  const Shape& out = graph.value(node.outputs[0]).shape;
  Early early{node.inputs, {}, {}};
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueId id = node.inputs[i];
    if (operands == Operands::kFirst && i > 0) {
      if (!AbsentOrConstant(graph, node, i)) return {};
      continue;
    }
    if (operands == Operands::kAny && graph.IsConstant(id)) {
      ir::Tensor constant = graph.constant(id);
      const auto shape = AsForMaps(constant.shape, out);
      if (!shape) return {};
      constant.shape = *shape;
      early.constants.emplace_back(i, std::move(constant));
      continue;
    }
    const auto before = Unreshaped(graph, id);
    if (!before || Spatial(graph.value(id).shape) != Spatial(out)) return {};
    if (operands == Operands::kAny && graph.value(id).shape != out) return {};
    const Shape spatial = Spatial(graph.value(*before).shape);
    if (!early.spatial.empty() && early.spatial != spatial) return {};
    early.spatial = spatial;
    early.inputs[i] = *before;
  }
  if (early.spatial.empty()) return {};
  return early;
}

// Node `index` reads `inputs`, which are of the shape `shape` but for the channels; `after` makes
// of its result what it was.
void Advance(Graph& graph, std::size_t index, std::vector<ValueId> inputs, Shape shape,
             Node after) {
  Node& node = graph.nodes[index];
  const ValueId result = node.outputs[0];
  const ir::Value& out = graph.value(result);
  shape[1] = out.shape[1];
  const ValueId moved = graph.AddValue(out.name + ".early", out.dtype, std::move(shape));
  node.inputs = std::move(inputs);
  node.outputs = {moved};
  after.name = graph.value(moved).name;
  after.inputs = {moved};
  after.outputs = {result};
  graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                     std::move(after));
}

// The reshapes before node `index` become one behind it.
bool SinkThrough(Graph& graph, std::size_t index) {
  auto early = EarlyInputs(graph, graph.nodes[index]);
  if (!early) return false;
  for (auto& [input, tensor] : early->constants) {
    early->inputs[input] =
        graph.AddConstant(graph.value(early->inputs[input]).name, std::move(tensor));
  }
  const Shape out = graph.value(graph.nodes[index].outputs[0]).shape;
  Node reshape{OpKind::kReshape, "", {}, {}, {{"shape", out}}};
  Advance(graph, index, std::move(early->inputs),
          {out[0], out[1], early->spatial[0], early->spatial[1]}, std::move(reshape));
  return true;
}

// Whether a slice takes every channel of every sample.
bool SlicesOnlyMaps(const Node& slice) {
  const std::vector<std::int64_t> axes = slice.Ints("axes");
  return !axes.empty() && std::ranges::all_of(axes, [](std::int64_t axis) { return axis >= 2; });
}

// Whether a value is a convolution's, perhaps reshaped.
bool IsOfConv(const Graph& graph, ValueId id) {
  std::optional<std::size_t> producer = graph.Producer(id);
  while (producer && MovesNothing(graph.nodes[*producer].kind))
    producer = graph.Producer(graph.nodes[*producer].inputs[0]);
  return producer && graph.nodes[*producer].kind == OpKind::kConv;
}

// What becomes part of a convolution, and is defined for whatever it may yield where the slice
// cuts.
bool JoinsConv(OpKind kind) {
  return kind == OpKind::kRelu || kind == OpKind::kClip || kind == OpKind::kBatchNorm ||
         kind == OpKind::kScale;
}

// The slice of some rows or columns of a convolution, at least half of them, that node `index`
// alone reads goes behind it.
bool SinkSlice(Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  if (!JoinsConv(node.kind)) return false;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    if (!AbsentOrConstant(graph, node, i)) return false;
  }
  const std::optional<std::size_t> producer = graph.Producer(node.inputs[0]);
  if (!producer || graph.nodes[*producer].kind != OpKind::kSlice) return false;
  Node slice = graph.nodes[*producer];
  const Shape in = graph.value(slice.inputs[0]).shape;
  const Shape& out = graph.value(slice.outputs[0]).shape;
  if (in.size() != 4 || !SlicesOnlyMaps(slice) || !IsOfConv(graph, slice.inputs[0])) return false;
  if (OnlyReader(graph, slice.outputs[0]) != index) return false;
  if (2 * ir::ElementCount(out) < ir::ElementCount(in)) return false;
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = slice.inputs[0];
  Advance(graph, index, std::move(inputs), in, std::move(slice));
  return true;
}

}  // namespace

Result<int> SinkReshapes(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (SinkThrough(graph, i) || SinkSlice(graph, i)) ++changes;
  }
  return changes;
}

}  // namespace tf2::passes
