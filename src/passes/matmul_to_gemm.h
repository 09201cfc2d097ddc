// MatMul to gemm: a product with a constant matrix becomes a fully connected layer.
//
// before                                          after
//   const %b : f32[3, 2] = {1, 2, 3, 4, 5, 6}       const %b.1 : f32[2, 3] = {1, 3, 5, 2, 4, 6}
//   %m = matmul(%x, %b)       # x: f32[1, 3]         %m = gemm(%x, %b.1)
//   %y = add(%m, %bias)                             %y = add(%m, %bias)
//   output %y                                       output %y
//
// Only where x is [n, k]. The addition of a constant bias that usually follows becomes the gemm's
// bias by scale_from_arithmetic and fuse_batch_norm_scale. Must run before: constant folding and
// identity removal, since exporters transpose or reshape the weights.
#ifndef TF2_PASSES_MATMUL_TO_GEMM_H_
#define TF2_PASSES_MATMUL_TO_GEMM_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of nodes rewritten.
Result<int> MatMulToGemm(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_MATMUL_TO_GEMM_H_
