// Arithmetic on groups of channels, [n, g, c, h, w], made arithmetic on channels, [n, g * c, h, w]:
// what split attention does to the branches of a layer (ResNeSt; SKNet, which stacks them first).
//
// before                                                after
//   %a = conv(%x, %w)           # f32[1, 16, 7, 7]        %a = conv(%x, %w)
//   %b = reshape(%a)            # f32[1, 2, 8, 7, 7]      %e = reshape(%d)      # f32[1, 16, 1, 1]
//   %c = mul(%b, %d)            # %d: f32[1, 2, 8, 1, 1]  %f = mul(%a, %e)
//   %y = reduce(%c) {axes = [1], fn = "sum"}              %g = slice(%f)        # channels 0 to 7
//   output %y                                             %h = slice(%f)        # channels 8 to 15
//                                                         %y = add(%g, %h)
//                                                         output %y
//
// Three rewrites: addition, subtraction, product and quotient of such groups go before the reshape;
// so does a concatenation of [n, 1, c, h, w]; a sum over at most eight groups becomes additions of
// slices. Exact but for the sum, which is made in float.
#ifndef TF2_PASSES_FOLD_CHANNEL_GROUPS_H_
#define TF2_PASSES_FOLD_CHANNEL_GROUPS_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of operators rewritten.
Result<int> FoldChannelGroups(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_FOLD_CHANNEL_GROUPS_H_
