// Accuracy of a float model or a loaded network over a data set, and their agreement.
#ifndef TF2_VERIFY_EVALUATE_H_
#define TF2_VERIFY_EVALUATE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataset/dataset.h"
#include "ir/graph.h"
#include "runtime/session.h"

namespace tf2::verify {

// The values of all outputs, in order, for a batch of preprocessed inputs [c, h, w].
using Outputs = std::vector<std::vector<float>>;
using Runner = std::function<Result<std::vector<Outputs>>(std::span<const std::vector<float>>)>;

// The float graph (batch 1) with src/floatexec, `threads` samples at once. `graph`
// must outlive the runner. Integer outputs become floats.
Runner FloatRunner(const ir::Graph& graph, int threads);
// A network on a device. `session` must outlive the runner.
Runner SessionRunner(runtime::Session& session);

// Scores of the model's first output, [classes], for a batch of preprocessed inputs [c, h, w].
using Scorer =
    std::function<Result<std::vector<std::vector<float>>>(std::span<const std::vector<float>>)>;

// The first outputs of the runners above.
Scorer FloatScorer(const ir::Graph& graph, int threads);
Scorer SessionScorer(runtime::Session& session);

struct Evaluation {
  std::int64_t samples = 0;
  std::int64_t labelled = 0;
  std::optional<double> top1;  // fraction of the labelled samples
  std::optional<double> top5;
  std::optional<double> float_top1;  // of the reference, where there is one
  std::optional<double> agreement;   // fraction of samples whose top class is the reference's
  // Mean divergence of the probabilities from the reference's, in nats; where both give some.
  std::optional<double> divergence;
  std::string no_agreement;  // why a reference gives none; empty where it does
};

struct EvaluateOptions {
  int batch = 32;
  std::function<void(std::int64_t)> progress;  // samples done since the last call
};

// Runs `scorer`, and `reference` where given, on every sample. Kept until Ctrl-C: kCancelled.
Result<Evaluation> Evaluate(const dataset::Dataset& data, const Scorer& scorer,
                            const Scorer* reference, const EvaluateOptions& options);

}  // namespace tf2::verify

#endif  // TF2_VERIFY_EVALUATE_H_
