// Per-channel scaling of a float graph so that every feature map fills the range of 8 bits.
#ifndef TF2_QUANTIZE_EQUALISE_H_
#define TF2_QUANTIZE_EQUALISE_H_

#include "base/result.h"
#include "ir/graph.h"
#include "quantize/calibrate.h"

namespace tf2::quantize {

// The same function with channels scaled by factors in [1, 2): a channel's exponent Q is a whole
// number, so that on average half a bit of its range is lost; after the scaling, the Q with the
// least squared error is a whole number.
//
//   before  %a = conv(%x, wa, ba) {relu}              after  %a' = conv(%x, f * wa, f * ba) {relu}
//           %y = conv(%a, wy, by)                            %y = conv(%a', wy / f, by)
//
// Only where every reader of the channel, through max pooling, ReLU, concatenation and flattening,
// is the data input of a convolution or fully connected layer. Values that are scaled get the
// suffix
// "*scaled", for they are not those of the model any more. Before: `calibration` of `graph` with
// histograms; after: calibrate the result anew.
ir::Graph Equalise(const ir::Graph& graph, const Calibration& calibration);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_EQUALISE_H_
