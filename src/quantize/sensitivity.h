// What second terms are worth: what one term less of each layer alone does to the outputs of the
// quantised network, how far a network is from the float one, and the sets of layers that a bound
// on the mean number of passes allows.
#ifndef TF2_QUANTIZE_SENSITIVITY_H_
#define TF2_QUANTIZE_SENSITIVITY_H_

#include <cstddef>
#include <cstdint>
#include <string>
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

// The mean error over the first `count` samples of the first output of `net`, as above, against
// that of the float network `graph`.
Result<double> MeasureNet(const ir::Graph& graph, const qnet::QNet& net, const SampleSource& source,
                          std::size_t count, int threads);

// A layer that may have a second term.
struct Candidate {
  std::string name;
  std::int64_t macs = 0;
  double gain = 0;  // of a second term
  // Whether layers behind it are rounded, which make up for part of its error.
  bool followed = false;
};

// The layers with the largest sum of gains whose second passes leave the mean number of passes over
// `total_macs` at most `max_passes`; those with the largest gain per multiply-accumulate first. A
// knapsack by dynamic programming over 2^14 sizes: of the sets of about one size, the best is kept.
std::vector<std::string> ChooseTwoTermLayers(std::vector<Candidate> candidates,
                                             std::int64_t total_macs, double max_passes);

// Sets that ChooseTwoTermLayers gives if layers behind make up for none, a half, three quarters or
// seven eighths of the gains of the layers that are followed; each once.
std::vector<std::vector<std::string>> CandidateSets(const std::vector<Candidate>& candidates,
                                                    std::int64_t total_macs, double max_passes);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_SENSITIVITY_H_
