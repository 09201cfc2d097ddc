// Reshapes that keep the batch and the channel behind the operators that do not look at the other
// axes, until two meet: those around every layer of a network over signals [n, c, w], whose
// convolutions have two spatial axes here, cancel then.
//
// before                                             after
//   %a = conv(%x4, %w)      # f32[1, 8, 1, 40]          %a = conv(%x4, %w)
//   %b = squeeze(%a)        # f32[1, 8, 40]             %c.early = relu(%a)
//   %c = relu(%b)                                       %e = conv(%c.early, %v)
//   %d = unsqueeze(%c)      # f32[1, 8, 1, 40]          output %e
//   %e = conv(%d, %v)
//   output %e
//
// A slice that keeps half of the rows or columns of a convolution, or more, moves likewise behind a
// relu, clip, batch norm or scale, which then joins the convolution.
//
// Exact. Only reshapes of [n, c, h, w] move; operators of several inputs (an addition, a
// concatenation of channels) need one before each, of the same axes. identity_removal drops the
// reshapes that come to nothing.
#ifndef TF2_PASSES_SINK_RESHAPES_H_
#define TF2_PASSES_SINK_RESHAPES_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of operators that reshapes moved behind.
Result<int> SinkReshapes(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_SINK_RESHAPES_H_
