// Convolutions and pools over volumes [n, c, d, h, w] as ones over maps, for which there are fast
// and integer kernels. The rows of all frames lie in one tall map, with as many rows of zeros
// behind each frame as the windows read there; the frames that a window spans lie side by side as
// channels.
//
// before                                      after
//   %y = conv3d(%x, %w) {3 x 3 x 3, pads 1}     %m = reshape(%x)      # [1, c, d, h*w]
//     # x [1, c, d, h, w]                       %p = pad(%m)          # [1, c, d+2, (h+1)*w]
//   output %y                                   %0, %1, %2 = slice(%p)  # frames i, i+1, i+2: [1,
//   c, d, (h+1)*w]
//                                               %s = concat(%0, %1, %2) # [1, 3c, d, (h+1)*w]
//                                               %t = reshape(%s)      # [1, 3c, d*(h+1), w]
//                                               %a = conv(%t, %w')    # 3 x 3, [1, o, d*(h+1), w]
//                                               %f = reshape(%a)      # [1, o, d, (h+1)*w]
//                                               %r = slice(%f)        # [1, o, d, h*w]
//                                               %y = reshape(%r)      # [1, o, d, h, w]
//                                               output %y
//
// A convolution over the frames alone (kernel k x 1 x 1) is one over [n, c, d, h*w]. A pool is
// taken over the maps, then over the frames; where its windows overlap, over each axis in turn.
// Exact up to the order of sums. A relu, and what else sink_reshapes moves, gets to the
// convolution.
#ifndef TF2_PASSES_VOLUMES_TO_MAPS_H_
#define TF2_PASSES_VOLUMES_TO_MAPS_H_

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::passes {

// Returns the number of operators rewritten.
Result<int> VolumesToMaps(ir::Graph& graph);

}  // namespace tf2::passes

#endif  // TF2_PASSES_VOLUMES_TO_MAPS_H_
