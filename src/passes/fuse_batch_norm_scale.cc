#include "passes/fuse_batch_norm_scale.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Tensor;
using ir::ValueId;

// y = x * factor[c] + shift[c].
struct Affine {
  std::vector<double> factor;
  std::vector<double> shift;
};

std::optional<Affine> AffineOfBatchNorm(const Graph& graph, const Node& node,
                                        std::size_t channels) {
  const auto* mean = ConstantData(graph, node, 1);
  const auto* variance = ConstantData(graph, node, 2);
  if (mean == nullptr || variance == nullptr || !AbsentOrConstant(graph, node, 3) ||
      !AbsentOrConstant(graph, node, 4)) {
    return std::nullopt;
  }
  const auto* gamma = ConstantData(graph, node, 3);
  const auto* beta = ConstantData(graph, node, 4);
  const double epsilon = node.Float("epsilon");
  Affine a{std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    const double spread = (*variance)[c] + epsilon;
    if (!(spread > 0)) return std::nullopt;
    a.factor[c] = (gamma != nullptr ? (*gamma)[c] : 1.0) / std::sqrt(spread);
    a.shift[c] = (beta != nullptr ? (*beta)[c] : 0.0) - (*mean)[c] * a.factor[c];
  }
  return a;
}

std::optional<Affine> AffineOfScale(const Graph& graph, const Node& node, std::size_t channels) {
  if (!AbsentOrConstant(graph, node, 1) || !AbsentOrConstant(graph, node, 2)) return std::nullopt;
  Affine a{std::vector<double>(channels, 1.0), std::vector<double>(channels, 0.0)};
  if (const auto* factor = ConstantData(graph, node, 1))
    a.factor.assign(factor->begin(), factor->end());
  if (const auto* bias = ConstantData(graph, node, 2)) a.shift.assign(bias->begin(), bias->end());
  return a;
}

// What a batch norm or scale with constant parameters computes; none for other nodes.
std::optional<Affine> AffineOf(const Graph& graph, const Node& node) {
  if (node.kind != OpKind::kBatchNorm && node.kind != OpKind::kScale) return std::nullopt;
  const auto channels = static_cast<std::size_t>(graph.value(node.inputs[0]).shape[1]);
  return node.kind == OpKind::kScale ? AffineOfScale(graph, node, channels)
                                     : AffineOfBatchNorm(graph, node, channels);
}

// `outer` after `inner`.
Affine Compose(const Affine& outer, const Affine& inner) {
  Affine a = inner;
  for (std::size_t c = 0; c < a.factor.size(); ++c) {
    a.factor[c] *= outer.factor[c];
    a.shift[c] = inner.shift[c] * outer.factor[c] + outer.shift[c];
  }
  return a;
}

struct Chain {
  Affine affine;
  std::size_t last = 0;  // node
  int length = 0;
};

// The batch norms and scales that follow node `first`, each the only reader of the one before.
std::optional<Chain> ChainAfter(const Graph& graph, std::size_t first) {
  std::optional<Chain> chain;
  for (std::size_t at = first;;) {
    const std::optional<std::size_t> next = OnlyReader(graph, graph.nodes[at].outputs[0]);
    if (!next || graph.nodes[*next].inputs[0] != graph.nodes[at].outputs[0]) return chain;
    std::optional<Affine> a = AffineOf(graph, graph.nodes[*next]);
    if (!a) return chain;
    at = *next;
    chain = chain ? Chain{Compose(*a, chain->affine), at, chain->length + 1}
                  : Chain{*std::move(a), at, 1};
  }
}

std::vector<float> Rounded(const std::vector<double>& v) { return {v.begin(), v.end()}; }

// Gives node `first` the output of chain's last and drops the chain.
void TakeOver(Graph& graph, std::size_t first, const Chain& chain) {
  const ValueId out = graph.nodes[chain.last].outputs[0];
  for (int i = 0; i < chain.length; ++i) {
    AbsorbInto(graph, first, *OnlyReader(graph, graph.nodes[first].outputs[0]));
  }
  TF2_CHECK(graph.nodes[first].outputs[0] == out);
}

ValueId AddVector(Graph& graph, const std::string& name, std::vector<float> v) {
  const auto n = static_cast<std::int64_t>(v.size());
  return graph.AddConstant(name, Tensor::Float({n}, std::move(v)));
}

bool IsTransposed(OpKind kind) {
  return kind == OpKind::kConvTranspose || kind == OpKind::kConvTranspose3d;
}

bool IsFusible(const Graph& graph, const Node& node) {
  const bool plain = node.kind == OpKind::kConv3d || IsTransposed(node.kind);
  const bool has_relu = node.kind == OpKind::kConv || node.kind == OpKind::kGemm;
  if (!plain && !(has_relu && node.Int("relu") == 0 && !node.HasInput(3))) return false;
  return ConstantData(graph, node, 1) != nullptr && AbsentOrConstant(graph, node, 2);
}

// The output channel that element i of the weights `shape` belongs to.
std::size_t OutputChannel(const Node& node, const ir::Shape& shape, std::size_t i) {
  const auto row = static_cast<std::size_t>(
      ir::ElementCount({shape.begin() + (IsTransposed(node.kind) ? 2 : 1), shape.end()}));
  if (!IsTransposed(node.kind)) return i / row;
  const auto per_group = static_cast<std::size_t>(shape[1]);
  const std::size_t inputs = static_cast<std::size_t>(shape[0] / node.Int("groups"));
  return i / row / per_group / inputs * per_group + i / row % per_group;
}

// Scales the weights of output channel o by its factor. False where a weight or bias overflows.
bool FuseInto(Graph& graph, std::size_t index, const Chain& chain) {
  const Node& node = graph.nodes[index];
  Tensor w = graph.constant(node.inputs[1]);
  const std::size_t rows = chain.affine.factor.size();
  for (std::size_t i = 0; i < w.f32.size(); ++i)
    w.f32[i] = static_cast<float>(w.f32[i] * chain.affine.factor[OutputChannel(node, w.shape, i)]);
  std::vector<double> bias = chain.affine.shift;
  if (const auto* b = ConstantData(graph, node, 2)) {
    for (std::size_t o = 0; o < rows; ++o) bias[o] += (*b)[o] * chain.affine.factor[o];
  }
  std::vector<float> rounded = Rounded(bias);
  if (!AllFinite(w.f32) || !AllFinite(rounded)) return false;
  const ValueId weights = graph.AddConstant(graph.value(node.inputs[1]).name, std::move(w));
  const ValueId bias_value = AddVector(graph, node.name + ".bias", std::move(rounded));
  graph.nodes[index].inputs = {node.inputs[0], weights, bias_value};
  TakeOver(graph, index, chain);
  return true;
}

// Makes one scale of node `index` and the batch norms and scales behind it.
int MakeScale(Graph& graph, std::size_t index) {
  std::optional<Affine> own = AffineOf(graph, graph.nodes[index]);
  if (!own) return 0;
  const std::optional<Chain> chain = ChainAfter(graph, index);
  if (!chain && graph.nodes[index].kind == OpKind::kScale) return 0;
  const Affine all = chain ? Compose(chain->affine, *own) : *own;
  std::vector<float> factor = Rounded(all.factor);
  std::vector<float> shift = Rounded(all.shift);
  if (!AllFinite(factor) || !AllFinite(shift)) return 0;
  const std::string name = graph.nodes[index].name;
  const ValueId f = AddVector(graph, name + ".factor", std::move(factor));
  const ValueId s = AddVector(graph, name + ".bias", std::move(shift));
  Node& node = graph.nodes[index];
  node.kind = OpKind::kScale;
  node.inputs = {node.inputs[0], f, s};
  node.attrs.clear();
  if (chain) TakeOver(graph, index, *chain);
  return chain ? chain->length : 1;
}

}  // namespace

Result<int> FuseBatchNormScale(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (IsFusible(graph, graph.nodes[i])) {
      const std::optional<Chain> chain = ChainAfter(graph, i);
      if (chain && FuseInto(graph, i, *chain)) changes += chain->length;
    }
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) changes += MakeScale(graph, i);
  return changes;
}

}  // namespace tf2::passes
