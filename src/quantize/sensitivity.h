// What the rounding of a layer does to the outputs of the quantised network, and how far that is
// from the float one.
#ifndef TF2_QUANTIZE_SENSITIVITY_H_
#define TF2_QUANTIZE_SENSITIVITY_H_

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/calibrate.h"

namespace tf2::quantize {

// Another operator in the place of one of a network: the same inputs and output, other numbers.
struct Alternative {
  std::size_t place = 0;
  qnet::Op op;
};

// By alternative: the mean error over the first `count` samples that it alone makes in the first
// output of `net`, whose numbers are complete. The error is the divergence from the network's own
// probabilities where the output is a distribution, otherwise the squared error over the output's
// mean square. Memory: 4 bytes a weight of both. The result does not depend on the number of
// threads. Errors: kCancelled, those of a sample.
Result<std::vector<double>> MeasureAlternatives(const qnet::QNet& net,
                                                const std::vector<Alternative>& alternatives,
                                                const SampleSource& source, std::size_t count,
                                                int threads);

// The first output of the float network over the first `count` samples.
Result<std::vector<std::vector<float>>> FirstOutputs(const ir::Graph& graph,
                                                     const SampleSource& source, std::size_t count,
                                                     int threads);

// The mean error, as above, of the first output of `net` against `expected`, over as many samples.
// Memory: 4 bytes a weight.
Result<double> MeasureNet(const qnet::QNet& net, const std::vector<std::vector<float>>& expected,
                          const SampleSource& source, int threads);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_SENSITIVITY_H_
