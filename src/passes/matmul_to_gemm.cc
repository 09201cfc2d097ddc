#include "passes/matmul_to_gemm.h"

#include "passes/rewrite.h"

namespace tf2::passes {
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
