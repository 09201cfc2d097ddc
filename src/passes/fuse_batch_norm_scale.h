// Batch norm and scale into weights: what is linear per channel after a convolution (of any kind)
// or gemm becomes part of it.
//
// before                                          after
//   %c = conv(%x, %w)                               %s = conv(%x, %w.1, %s.bias)
//   %n = batch_norm(%c, %mean, %variance)           output %s
//   %s = scale(%n, %gamma, %beta)
//   output %s
//
// Any number of batch norms and scales in a row, in any order; their product is taken in double and
// rounded to float once:
//   f = product of the factors, w' = w f, b' = b f + shifts, with factor gamma / sqrt(variance +
//   epsilon) of a batch norm.
// Not past a relu, a residual or a value that someone else reads. Stays as it is where a result
// would not be finite or a variance is not positive. A batch norm that follows nothing of the kind
// becomes a scale, and scales in a row become one. Must run before: scale_from_arithmetic and
// matmul_to_gemm make the patterns; fuse_relu and fuse_residual_add come after.
#ifndef TF2_PASSES_FUSE_BATCH_NORM_SCALE_H_
#define TF2_PASSES_FUSE_BATCH_NORM_SCALE_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of batch norms and scales that were absorbed or rewritten.
Result<int> FuseBatchNormScale(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_FUSE_BATCH_NORM_SCALE_H_
