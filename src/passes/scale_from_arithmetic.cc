#include "passes/scale_from_arithmetic.h"

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
using ir::Tensor;

// `c` as one value per channel of `x`; none where it varies along another axis or would widen x.
std::optional<std::vector<float>> PerChannel(const Tensor& c, const Shape& x) {
  if (x.size() < 2 || c.shape.size() > x.size()) return std::nullopt;
  const std::size_t offset = x.size() - c.shape.size();
  for (std::size_t d = 0; d < c.shape.size(); ++d) {
    const bool is_channel = d + offset == 1;
    if (c.shape[d] != 1 && !(is_channel && c.shape[d] == x[1])) return std::nullopt;
  }
  const auto channels = static_cast<std::size_t>(x[1]);
  return c.f32.size() == channels ? c.f32 : std::vector<float>(channels, c.f32[0]);
}

struct FactorAndBias {
  std::vector<float> factor;  // empty: 1
  std::vector<float> bias;    // empty: 0
};

std::vector<float> Negated(std::vector<float> v) {
  for (float& f : v) f = -f;
  return v;
}

// What `kind` with the constant c on one side is. None where it is no scale.
std::optional<FactorAndBias> ScaleOf(OpKind kind, std::vector<float> c, bool constant_first) {
  if (kind == OpKind::kAdd) return FactorAndBias{{}, std::move(c)};
  if (kind == OpKind::kMul) return FactorAndBias{std::move(c), {}};
  if (kind == OpKind::kSub) {
    if (!constant_first) return FactorAndBias{{}, Negated(std::move(c))};
    return FactorAndBias{std::vector<float>(c.size(), -1.0F), c};
  }
  if (kind != OpKind::kDiv || constant_first) return std::nullopt;
  for (float& f : c) f = 1.0F / f;
  if (!AllFinite(c)) return std::nullopt;
  return FactorAndBias{std::move(c), {}};
}

ir::ValueId AddVector(Graph& graph, const std::string& name, std::vector<float> v) {
  if (v.empty()) return ir::kNoValue;
  const auto n = static_cast<std::int64_t>(v.size());
  return graph.AddConstant(name, Tensor::Float({n}, std::move(v)));
}

bool IsArithmetic(const Node& node) {
  return node.kind == OpKind::kSub || node.kind == OpKind::kMul || node.kind == OpKind::kDiv ||
         (node.kind == OpKind::kAdd && node.Int("relu") == 0);
}

bool Rewrite(Graph& graph, Node& node) {
  if (!IsArithmetic(node)) return false;
  const bool constant_first = graph.IsConstant(node.inputs[0]);
  const std::size_t x = constant_first ? 1 : 0;
  if (graph.IsConstant(node.inputs[x]) || ConstantData(graph, node, 1 - x) == nullptr) return false;
  auto c = PerChannel(graph.constant(node.inputs[1 - x]), graph.value(node.inputs[x]).shape);
  if (!c) return false;
  auto scale = ScaleOf(node.kind, *std::move(c), constant_first);
  if (!scale) return false;
  const ir::ValueId factor = AddVector(graph, node.name + ".factor", std::move(scale->factor));
  const ir::ValueId bias = AddVector(graph, node.name + ".bias", std::move(scale->bias));
  node.kind = OpKind::kScale;
  node.inputs = {node.inputs[x], factor, bias};
  if (bias == ir::kNoValue) node.inputs.pop_back();
  node.attrs.clear();
  return true;
}

}  // namespace

Result<int> ScaleFromArithmetic(Graph& graph) {
  int changes = 0;
  for (Node& node : graph.nodes) changes += Rewrite(graph, node) ? 1 : 0;
  return changes;
}

}  // namespace tf2::passes
