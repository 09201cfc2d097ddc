// Compensated rounding of one layer from the statistics of its inputs.
//
//   1. Asymmetric correction: the real weights that, on the inputs of the *quantised* network,
//      reproduce best (ridge least squares) what the float layer yields on those of the float
//      network.
//   2. Second-order compensation: codes one after the other, the error of each carried to the
//      weights not rounded yet (Frantar et al., "GPTQ", 2022; Hassibi and Stork, 1993), in the
//      order of falling variance of the inputs.
//   3. Coordinate descent on the codes under the same quadratic error, the row scale refitted in
//      closed form between sweeps. From several scales; the best result stays.
//   4. Refinement past the activation: where the float layer is cut off (below zero at a ReLU,
//      beyond the range of 8 bits) and the codes' sum is too, there is no error to avoid. The
//      targets of those positions are set to what the codes yield, the correction is solved anew
//      and the codes descend again: a majorisation of the error after the activation. The codes
//      with the least such error stay.
//
// The bias makes up for what is left of the mean.
#ifndef TF2_QUANTIZE_COMPENSATE_H_
#define TF2_QUANTIZE_COMPENSATE_H_

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "quantize/code_set.h"
#include "quantize/effort.h"
#include "quantize/layer_statistics.h"
#include "quantize/weights.h"

namespace tf2::quantize {

struct CompensateOptions {
  // Weight of the distance to the float weights in the correction, in units of each input's
  // variance.
  double ridge = 0.01;
  // Added to each input's variance when rounding, as a fraction of it and of the mean of all.
  double damping = 0.002;
  int sweeps = 30;  // of coordinate descent, at most
  Effort effort;    // its positions are for those who take the statistics
  int threads = 0;
};

// What the layer's activation lets through, for step 4.
struct OutputRange {
  std::vector<float> low, high;  // [oc], real
};

struct CompensatedLayer {
  RoundedLayer layer;
  std::vector<double> error;  // [oc]: E[(y - what the codes yield)^2] over the calibration pictures
  // Quadratic error of the rounding alone over that of rounding to the nearest code.
  double over_nearest = 1;
};

// `samples` (of the same positions as the statistics) and `range` may be null: no refinement.
// `problem`: folded float weights, bias and kind of the layer, whose groups and sizes are those of
// `statistics`. `terms`: 1, or 2 of kSac. Error: kCancelled.
Result<CompensatedLayer> Compensate(const LayerProblem& problem, const LayerStatistics& statistics,
                                    const LayerSamples* samples, const OutputRange* range,
                                    int terms, const CompensateOptions& options);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_COMPENSATE_H_
