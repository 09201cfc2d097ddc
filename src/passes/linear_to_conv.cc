#include "passes/linear_to_conv.h"

#include <utility>
#include <vector>

#include "passes/replacement.h"
#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Shape;
using ir::ValueId;

bool IsLinear(const Graph& graph, const Node& node) {
  if (node.kind != OpKind::kMatMul || ConstantData(graph, node, 1) == nullptr) return false;
  const Shape& x = graph.value(node.inputs[0]).shape;
  const Shape& y = graph.value(node.outputs[0]).shape;
  return x.size() >= 3 && x.size() == y.size() && graph.value(node.inputs[1]).shape.size() == 2 &&
         !graph.IsConstant(node.inputs[0]);
}

void Replace(Graph& graph, std::size_t index) {
  const Node node = graph.nodes[index];
  const ValueId x = node.inputs[0];
  const Shape in = graph.value(x).shape;
  const Shape out = graph.value(node.outputs[0]).shape;
  Replacement r(graph, node);
  ir::Tensor weights = Transposed(graph.constant(node.inputs[1]));
  const std::int64_t oc = weights.shape[0], ic = weights.shape[1];
  weights.shape = {oc, ic, 1, 1};
  const ValueId w = r.Constant("weights", std::move(weights));
  const auto conv = [&](ValueId maps) {
    const Shape s = r.ShapeOf(maps);
    return r.Add(OpKind::kConv, "conv", {maps, w}, {}, {s[0], oc, s[2], s[3]});
  };
  if (in.size() == 4 && in[0] == 1) {
    const ValueId y = conv(r.Transpose("channels_first", x, {0, 3, 1, 2}));
    r.Transpose("channels_last", y, {0, 2, 3, 1});
  } else {
    const std::int64_t rows = ir::ElementCount(in) / ic;
    const ValueId signal =
        r.Transpose("channels_first", r.Reshape("rows", x, {1, rows, ic}), {0, 2, 1});
    const ValueId y = conv(r.Reshape("map", signal, {1, ic, 1, rows}));
    const ValueId last =
        r.Transpose("channels_last", r.Reshape("signal", y, {1, oc, rows}), {0, 2, 1});
    r.Reshape("unfolded", last, out);
  }
  r.Finish(index);
}

}  // namespace

Result<int> LinearToConv(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!IsLinear(graph, graph.nodes[i])) continue;
    Replace(graph, i);
    ++changes;
  }
  return changes;
}

}  // namespace tf2::passes
