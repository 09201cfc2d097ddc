// The choice of the layers that get a second power-of-two term. Internal to src/quantize.
//
// All layers are rounded to two terms on a part of the samples, and to one beside that; on the
// other samples it is measured what one term of each layer alone changes in the output. These gains
// leave out that layers behind a layer are fitted to what it yields, and so make up for part of its
// error. How large a part is not known: the best sets for several parts are formed, and where they
// differ, the network is rounded with each, and the set stays whose output is nearest to the float
// network's on the samples that it was not rounded on.
#ifndef TF2_QUANTIZE_SECOND_TERMS_H_
#define TF2_QUANTIZE_SECOND_TERMS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/calibrate.h"
#include "quantize/quantize_state.h"
#include "quantize/sensitivity.h"

namespace tf2::quantize {

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

// Which layers get a second term.
struct SecondTerms {
  bool everywhere = false;  // and what each layer is with one term is kept as an alternative
  std::vector<std::string> layers;
};

struct ChoiceOptions {
  double max_passes = 1;
  std::size_t gain_samples = 32;  // that the gains are measured on, at most
  int threads = 0;
};

// Samples in two halves, pairs of neighbours in turn: a picture and its mirror image may be a pair.
// Fewer than four samples are in both.
struct SampleSplit {
  std::vector<std::size_t> rounded, measured;
};
SampleSplit SplitSamples(std::size_t count);

// Rounds the network of the choice with second terms on the samples that it is given; returns the
// alternatives, where they were asked for.
using RoundTrial = std::function<Result<std::vector<Alternative>>(
    const SecondTerms& second, const SampleSource& source, std::size_t count)>;

// Names of operators of `net`, the integer form of `graph`, which `round` rounds. What was measured
// is kept in `state` under `key`, which must depend on model, samples and options. Errors: those of
// `round` and of the samples, kCancelled.
Result<std::vector<std::string>> ChooseSecondTerms(const ir::Graph& graph, const qnet::QNet& net,
                                                   const SampleSource& source, std::size_t count,
                                                   const ChoiceOptions& options, std::uint64_t key,
                                                   QuantizeState& state, const RoundTrial& round);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_SECOND_TERMS_H_
