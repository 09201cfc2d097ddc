// Residual addition into convolution: an addition to the result of a convolution becomes its fourth
// input.
//
// before                                          after
//   %c = conv(%x, %w, %b)                           %a = conv(%x, %w, %b, %x) {relu = 1}
//   %a = add(%c, %x) {relu = 1}                     output %a
//   output %a
//
// The convolution must have no ReLU and no residual of its own, and nothing but the addition may
// read it; shapes must be equal. Where both operands are such convolutions the later one is taken,
// since the other's result exists by then. No cycle can arise: were the other operand computed from
// the convolution, the addition would come before itself. The convolution moves to the addition's
// place, where the other operand exists. Exact: the interpreter adds the residual after the sum of
// products. Must run before: fuse_batch_norm_scale, which cannot fold into a convolution with a
// residual. fuse_relu may run before (the addition's ReLU moves along) or after.
#ifndef TF2_PASSES_FUSE_RESIDUAL_ADD_H_
#define TF2_PASSES_FUSE_RESIDUAL_ADD_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of additions that are gone.
Result<int> FuseResidualAdd(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_FUSE_RESIDUAL_ADD_H_
