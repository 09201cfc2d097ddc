// ReLU into its producer: a ReLU that is the only reader of a convolution, gemm or addition becomes
// an attribute of it.
//
// before                                          after
//   %c = conv(%x, %w, %b)                           %r = conv(%x, %w, %b) {relu = 1}
//   %r = relu(%c)                                   output %r
//   output %r
//
// Exact. With a residual the ReLU comes after the sum. A ReLU of a value that already went through
// one, or through a clip that does the same, is dropped, as is one before such a clip (ReLU6). Must
// run before: fuse_batch_norm_scale, since nothing can be folded into weights past a ReLU;
// scale_from_arithmetic, which leaves additions with a ReLU alone.
#ifndef TF2_PASSES_FUSE_RELU_H_
#define TF2_PASSES_FUSE_RELU_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of ReLUs that are gone.
Result<int> FuseRelu(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_FUSE_RELU_H_
