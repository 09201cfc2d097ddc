#include "passes/matmul_to_gemm.h"

#include <utility>
#include <vector>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

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

}  // namespace

Result<int> MatMulToGemm(ir::Graph& graph) {
  int changes = 0;
  for (ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kMatMul || ConstantData(graph, node, 1) == nullptr) continue;
    if (graph.value(node.inputs[0]).shape.size() != 2 ||
        graph.value(node.inputs[1]).shape.size() != 2)
      continue;
    const ir::ValueId b = node.inputs[1];
    node.inputs[1] = graph.AddConstant(graph.value(b).name, Transposed(graph.constant(b)));
    node.kind = ir::OpKind::kGemm;
    ++changes;
  }
  return changes;
}

}  // namespace tf2::passes
