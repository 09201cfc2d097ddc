// Padding into convolution and pooling: explicit zeros around a feature map become the padding of
// what reads it.
//
// before                                          after
//   %p = pad(%x) {pads = [0,0,1,1, 0,0,1,1]}        %y = conv(%x, %w) {pads = [1, 1, 1, 1]}
//   %y = conv(%p, %w)                               output %y
//   output %y
//
// Only zeros, only around height and width. A convolution takes any. An average pool takes them
// where every window then divides by the whole kernel (rounded down, and no padding of its own that
// it does not count), as divisor = "kernel". A maximum takes them only where its input is never
// negative, since its own padding never wins and a zero could. A pool whose window would lie in the
// padding entirely keeps its pad, as do pools that round up or are dilated. Must run before:
// constant folding (amounts), identity removal; before fuse_batch_norm_scale, which needs no such
// order but finds fewer patterns. Where fuse_relu made an input non-negative a later round finds
// it.
#ifndef TF2_PASSES_PAD_INTO_CONV_H_
#define TF2_PASSES_PAD_INTO_CONV_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of readers that took over their padding; the pads themselves are left to dead
// code.
Result<int> PadIntoConv(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_PAD_INTO_CONV_H_
