// Which layers should have two terms: what the rounding of each layer alone does to the float
// network's outputs, and the choice under a bound on the mean number of passes.
#ifndef TF2_QUANTIZE_SENSITIVITY_H_
#define TF2_QUANTIZE_SENSITIVITY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "quantize/calibrate.h"
#include "quantize/draft.h"

namespace tf2::quantize {

// By operator of the draft: the mean error of the network's first output over `count` samples when
// the weights of that layer alone are rounded to one term, to the nearest code, all else being
// float. 0 for what has no weights. The error is the divergence from the float network's
// probabilities where the output is a softmax, otherwise the squared error over the output's mean
// square. Before: every Tensor::q set. Errors: kCancelled, those of a sample.
Result<std::vector<double>> MeasureSensitivity(const ir::Graph& graph, const Draft& draft,
                                               const Calibration& calibration,
                                               const SampleSource& source, std::size_t count,
                                               int threads);

// A layer that may have a second term.
struct Candidate {
  std::string name;
  std::int64_t macs = 0;
  double gain = 0;  // of a second term
};

// The layers with the largest gain per multiply-accumulate that fit: each in this order whose
// second pass leaves the mean number of passes over `total_macs` at most `max_passes`.
std::vector<std::string> ChooseTwoTermLayers(std::vector<Candidate> candidates,
                                             std::int64_t total_macs, double max_passes);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_SENSITIVITY_H_
