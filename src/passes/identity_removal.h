// Identity removal: drops operators that change nothing, and gives one form to those that only drop
// axes.
//
// before                                          after
//   %a = relu(%x)             # f32[1, 8, 1, 1]      %a = relu(%x)
//   %b = identity(%a)         # dropout              %d = flatten(%a)
//   %c = concat(%b)                                  output %d
//   %d = reshape(%c) {shape = [1, 8]}
//   output %d
//
// Dropped: identity; reshape, flatten, squeeze, unsqueeze, expand, tile, transpose, resize,
// depth_to_space, space_to_depth, pad and slice that keep the shape and every element in place;
// concat of one; cast to the same type; 1 x 1 pooling with stride 1. A
// reshape or squeeze of [n, ...] to [n, rest] becomes flatten, as does a flatten or reshape of one.
// An identity between an input and an output of the graph stays. Must run before: constant folding,
// which makes targets of reshapes known.
#ifndef TF2_PASSES_IDENTITY_REMOVAL_H_
#define TF2_PASSES_IDENTITY_REMOVAL_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of nodes dropped or rewritten.
Result<int> RemoveIdentities(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_IDENTITY_REMOVAL_H_
