// ReLU before max pooling: the two commute, and before the pool the ReLU can become part of a
// convolution.
//
// before                                          after
//   %c = conv(%x, %w)                               %c = conv(%x, %w)
//   %p = max_pool(%c) {kernel = [2, 2]}             %r.early = relu(%c)
//   %r = relu(%p)                                   %r = max_pool(%r.early) {kernel = [2, 2]}
//   output %r                                       output %r
//
// Exact: every window holds an element of the input, and max(0, .) is monotone. Only where nothing
// else reads the pool or what it pools, and where that comes from a convolution that has no ReLU
// yet. Must run before: fuse_batch_norm_scale, so that the convolution is the pool's direct input;
// fuse_relu comes after.
#ifndef TF2_PASSES_RELU_BEFORE_MAX_POOL_H_
#define TF2_PASSES_RELU_BEFORE_MAX_POOL_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of ReLUs moved.
Result<int> MoveReluBeforeMaxPool(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_RELU_BEFORE_MAX_POOL_H_
