// Activations that exporters write as several operators, as the one function that they are.
//
// before                                          after
//   %s = unary(%x) {fn = "sigmoid"}                 %y = unary(%x) {fn = "silu"}
//   %y = mul(%x, %s)                                output %y
//   output %y
//
// clip(x + 3, 0, 6) / 6 is hard_sigmoid; x times sigmoid, hard_sigmoid (1/6, 1/2) or
// tanh(softplus(x)) is silu, hard_swish or mish; x clip(x + 3, 0, 6) / 6 is hard_swish;
// x / 2 (1 + erf(x / sqrt 2)) is gelu, also with tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for erf,
// whichever factors are multiplied first. Up to rounding. The parts must have no other reader. Must
// run before scale_from_arithmetic, which rewrites the additions and divisions.
#ifndef TF2_PASSES_RECOGNISE_ACTIVATIONS_H_
#define TF2_PASSES_RECOGNISE_ACTIVATIONS_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of activations that were recognised.
Result<int> RecogniseActivations(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_RECOGNISE_ACTIVATIONS_H_
