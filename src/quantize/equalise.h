// Per-channel scaling and shifting of a float graph so that every feature map fills the range of 8
// bits.
#ifndef TF2_QUANTIZE_EQUALISE_H_
#define TF2_QUANTIZE_EQUALISE_H_

#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "quantize/calibrate.h"

namespace tf2::quantize {

struct Equalised {
  ir::Graph graph;
  std::vector<ir::ValueId> shifted;  // values whose range is -128 to 127 at the exponent 0
};

// The same function with other features.
//
// A channel's exponent Q is a whole number, so that on average half a bit of its range is lost:
// channels are scaled by factors in [1, 2) after which the Q with the least squared error is a
// whole number.
//
//   before  %a = conv(%x, wa, ba) {relu}              after  %a' = conv(%x, f * wa, f * ba) {relu}
//           %y = conv(%a, wy, by)                            %y = conv(%a', wy / f, by)
//
// After a ReLU, half of the range is empty: channels are scaled and shifted to fill all of it. The
// real zero that lies in the padding of a reader then is the integer -128; such a reader has all
// channels of its input shifted, or none is.
//
//   after   %a' = clip(conv(%x, f * wa, f * ba - 128), -128, inf)
//           %y = conv(%a', wy / f, by + 128 * sum(wy / f)) {pad_value = -128}
//
// Only where every reader of the channel, through max pooling, ReLU (scaling only), concatenation
// and flattening, is the data input of a convolution or fully connected layer. Changed values get
// the suffix "*scaled", for they are not those of the model any more. Before: `calibration` of
// `graph` with histograms; after: calibrate the result anew, then FixExponents.
Equalised Equalise(const ir::Graph& graph, const Calibration& calibration);

// States in the calibration of the graph that the shifted values have the exponent 0.
void FixExponents(const Equalised& equalised, Calibration& calibration);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_EQUALISE_H_
