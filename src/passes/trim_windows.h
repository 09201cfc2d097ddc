// Taps that never meet the input: rows and columns at the ends of a convolution's window that lie
// in the padding wherever the window is.
//
// before                                          after
//   const %w : f32[8, 4, 3, 3]                      const %w : f32[8, 4, 1, 1]
//   %y = conv(%x, %w) {dilations = [36, 36],        %y = conv(%x, %w)
//     pads = [36, 36, 36, 36]}                      output %y
//   output %y
//
// of a map of 33 x 33, as the widest branch of an atrous pyramid has. Only where zeros are in the
// padding. Exact. The multiply-accumulates with it are none of the model's any more. Must run
// after: constant folding (weights), pad_into_conv (padding).
#ifndef TF2_PASSES_TRIM_WINDOWS_H_
#define TF2_PASSES_TRIM_WINDOWS_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of convolutions whose windows are smaller.
Result<int> TrimWindows(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_TRIM_WINDOWS_H_
