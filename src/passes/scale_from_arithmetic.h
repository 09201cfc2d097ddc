// Scale from arithmetic: add, sub, mul and div by a constant per channel become scale.
//
// before                                          after
//   const %c : f32[8, 1, 1] = ...                   const %y.factor : f32[8] = ...
//   %y = mul(%x, %c)          # f32[1, 8, 4, 4]      %y = scale(%x, %y.factor)
//   output %y                                       output %y
//
// The constant may be a scalar or vary along axis 1 only, and must not widen x. x - c and c - x
// give a bias of -c and a factor of -1; x / c a factor of 1 / c, rounded to float once (c / x
// stays, as does a c whose inverse is not finite). Exporters write biases, normalisation of the
// input and unfolded batch norms this way. Must run before: constant folding, since the constant is
// often reshaped; before fuse_relu, which gives relu to an add.
#ifndef TF2_PASSES_SCALE_FROM_ARITHMETIC_H_
#define TF2_PASSES_SCALE_FROM_ARITHMETIC_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of nodes rewritten.
Result<int> ScaleFromArithmetic(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_SCALE_FROM_ARITHMETIC_H_
