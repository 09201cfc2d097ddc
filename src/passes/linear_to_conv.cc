#include "passes/linear_to_conv.h"

#include <optional>
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

// The addition of a constant number for each column.
struct Bias {
  std::size_t add;  // its node
  ValueId value;
};

// That which alone reads the product of node `index`.
std::optional<Bias> BiasOf(const Graph& graph, std::size_t index) {
  const ValueId product = graph.nodes[index].outputs[0];
  const Shape& shape = graph.value(product).shape;
  const std::optional<std::size_t> reader = OnlyReader(graph, product);
  if (!reader) return std::nullopt;
  const Node& add = graph.nodes[*reader];
  if (add.kind != OpKind::kAdd || add.Int("relu") != 0) return std::nullopt;
  const std::size_t other = add.inputs[0] == product ? 1 : 0;
  if (ConstantData(graph, add, other) == nullptr) return std::nullopt;
  const ValueId value = add.inputs[other];
  const Shape& bias = graph.value(value).shape;
  const bool of_columns = !bias.empty() && bias.size() <= shape.size() &&
                          bias.back() == shape.back() && ir::ElementCount(bias) == shape.back();
  return of_columns ? std::optional(Bias{*reader, value}) : std::nullopt;
}

void Replace(Graph& graph, std::size_t index) {
  const Shape in = graph.value(graph.nodes[index].inputs[0]).shape;
  const Shape out = graph.value(graph.nodes[index].outputs[0]).shape;
  const ValueId x = graph.nodes[index].inputs[0];
  ir::Tensor weights = Transposed(graph.constant(graph.nodes[index].inputs[1]));
  const std::int64_t oc = weights.shape[0], ic = weights.shape[1];
  weights.shape = {oc, ic, 1, 1};
  std::optional<ir::Tensor> bias;
  if (const auto found = BiasOf(graph, index)) {
    bias = graph.constant(found->value);
    bias->shape = {oc};
    AbsorbInto(graph, index, found->add);
  }
  Replacement r(graph, graph.nodes[index]);
  const ValueId w = r.Constant("weights", std::move(weights));
  const auto conv = [&](ValueId maps) {
    std::vector<ValueId> inputs = {maps, w};
    if (bias) inputs.push_back(r.Constant("bias", std::move(*bias)));
    const Shape s = r.ShapeOf(maps);
    return r.Add(OpKind::kConv, "conv", std::move(inputs), {}, {s[0], oc, s[2], s[3]});
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
