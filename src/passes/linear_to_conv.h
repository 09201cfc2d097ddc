// Products with a constant matrix along the last axis of maps or signals, as models with channels
// last have them, become convolutions of 1 x 1, which are integer layers.
//
// before                                          after
//   %m = matmul(%x, %b)      # x: f32[1, h, w, 4]   %t = transpose(%x) {perm = [0, 3, 1, 2]}
//   %y = add(%m, %bias)      # b: f32[4, 8]         %c = conv(%t, %w, %bias)  # w: f32[8, 4, 1, 1]
//   output %y                                       %y = transpose(%c) {perm = [0, 2, 3, 1]}
//                                                   output %y
//
// Of [n, t, k] the t are a row of pixels; of more axes, or where n is not 1, all rows are one
// signal. Exact up to the order of sums. sink_transposes moves the transposes of the former two to
// the next ones, behind an activation. A product of [n, k] is matmul_to_gemm's.
#ifndef TF2_PASSES_LINEAR_TO_CONV_H_
#define TF2_PASSES_LINEAR_TO_CONV_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of nodes rewritten.
Result<int> LinearToConv(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_LINEAR_TO_CONV_H_
