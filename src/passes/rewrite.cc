#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

void Erase(Graph& graph, std::size_t index) {
  graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace

std::optional<std::size_t> OnlyReader(const Graph& graph, ValueId id) {
  if (graph.IsOutput(id)) return std::nullopt;
  const std::vector<std::size_t> readers = graph.Readers(id);
  if (readers.size() != 1) return std::nullopt;
  const auto& inputs = graph.nodes[readers[0]].inputs;
  if (std::count(inputs.begin(), inputs.end(), id) != 1) return std::nullopt;
  return readers[0];
}

void AbsorbInto(Graph& graph, std::size_t first, std::size_t last) {
  TF2_CHECK(first < last);
  graph.nodes[first].outputs = graph.nodes[last].outputs;
  Erase(graph, last);
}

bool Bypass(Graph& graph, std::size_t index) {
  const ValueId in = graph.nodes[index].inputs[0];
  const ValueId out = graph.nodes[index].outputs[0];
  if (!graph.IsOutput(out)) {
    graph.ReplaceUses(out, in);
    Erase(graph, index);
    return true;
  }
  const std::optional<std::size_t> producer = graph.Producer(in);
  if (!producer || graph.IsOutput(in)) return false;
  graph.ReplaceUses(in, out);
  AbsorbInto(graph, *producer, index);
  return true;
}

bool MovesNothing(ir::OpKind kind) {
  return kind == ir::OpKind::kReshape || kind == ir::OpKind::kFlatten ||
         kind == ir::OpKind::kSqueeze || kind == ir::OpKind::kUnsqueeze;
}

const std::vector<float>* ConstantData(const Graph& graph, const Node& node, std::size_t input) {
  if (!node.HasInput(input) || !graph.IsConstant(node.inputs[input])) return nullptr;
  const ir::Tensor& t = graph.constant(node.inputs[input]);
  return t.dtype == ir::DType::kFloat32 ? &t.f32 : nullptr;
}

bool AbsentOrConstant(const Graph& graph, const Node& node, std::size_t input) {
  return !node.HasInput(input) || graph.IsConstant(node.inputs[input]);
}

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

ir::Tensor Transposed(const ir::Tensor& b) {
  const std::int64_t k = b.shape[0];
  const std::int64_t oc = b.shape[1];
  std::vector<float> data(b.f32.size());
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t o = 0; o < oc; ++o) {
      data[static_cast<std::size_t>(o * k + i)] = b.f32[static_cast<std::size_t>(i * oc + o)];
    }
  }
  return ir::Tensor::Float({oc, k}, std::move(data));
}

}  // namespace tf2::passes
