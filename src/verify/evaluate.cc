#include "verify/evaluate.h"

#include <memory>
#include <utility>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "dataset/metrics.h"
#include "floatexec/executor.h"

namespace tf2::verify {
namespace {

using Inputs = std::span<const std::vector<float>>;
using Scores = std::vector<std::vector<float>>;

struct Counts {
  dataset::Accuracy accuracy;
  dataset::Accuracy reference_accuracy;
  dataset::Agreement agreement;
  dataset::Divergence divergence;
  std::string no_agreement;
};

// Why two outputs cannot be compared by their best class; empty where they can.
std::string WhyNoAgreement(std::size_t own, std::size_t reference) {
  if (own != reference)
    return fmt::format("the first output has {} values, the float model's {}", own, reference);
  if (own > 1) return "";
  return fmt::format("it compares the best of several scores, and the first output has {} value(s)",
                     own);
}

Status ScoreBatch(std::span<dataset::Sample> samples, const Scorer& scorer, const Scorer* reference,
                  Counts& counts) {
  const std::vector<std::vector<float>> inputs = dataset::TakeInputs(samples);
  TF2_ASSIGN_OR_RETURN(const Scores scores, scorer(inputs));
  Scores expected;
  if (reference != nullptr) {
    TF2_ASSIGN_OR_RETURN(expected, (*reference)(inputs));
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::span<const float> own(scores[i]);
    const std::optional<int> label = samples[i].label;
    if (label && own.size() < 2) {
      return WithHint(InvalidArgument("accuracy takes a score for each class; the network's first "
                                      "output has {} value(s) (is it the index of a class?)",
                                      own.size()),
                      "cut the operator that picks the class (TopK, ArgMax) off the model, or give "
                      "data without labels");
    }
    if (label && *label >= static_cast<int>(own.size())) {
      return WithHint(
          InvalidArgument("the data have a sample of class {}, the network has {} classes, 0 to {}",
                          *label, own.size(), own.size() - 1),
          "give the data that the network was trained for, or data without labels");
    }
    counts.accuracy.Add(own, label);
    if (reference == nullptr) continue;
    const std::span<const float> other(expected[i]);
    counts.reference_accuracy.Add(other, label);
    counts.no_agreement = WhyNoAgreement(own.size(), other.size());
    if (!counts.no_agreement.empty()) continue;
    counts.agreement.Add(own, other);
    counts.divergence.Add(other, own);
  }
  return {};
}

Scorer FirstOutput(Runner runner) {
  return [runner = std::move(runner)](Inputs inputs) -> Result<Scores> {
    TF2_ASSIGN_OR_RETURN(auto all, runner(inputs));
    Scores scores;
    for (Outputs& outputs : all) scores.push_back(std::move(outputs[0]));
    return scores;
  };
}

}  // namespace

Runner FloatRunner(const ir::Graph& graph, int threads) {
  auto executor = std::make_shared<const floatexec::Executor>(graph);
  return [&graph, executor, threads](Inputs inputs) -> Result<std::vector<Outputs>> {
    std::vector<Outputs> all(inputs.size());
    auto run = [&](std::int64_t i) -> Status {
      TF2_ASSIGN_OR_RETURN(const auto own,
                           ir::InputsOf(graph, inputs[static_cast<std::size_t>(i)]));
      TF2_ASSIGN_OR_RETURN(auto outputs, executor->Run(own));
      for (ir::Tensor& t : outputs) {
        if (t.dtype == ir::DType::kInt64) t.f32.assign(t.i64.begin(), t.i64.end());
        all[static_cast<std::size_t>(i)].push_back(std::move(t.f32));
      }
      return {};
    };
    TF2_RETURN_IF_ERROR(ParallelForStatus(static_cast<std::int64_t>(inputs.size()), threads, run));
    return all;
  };
}

Runner SessionRunner(runtime::Session& session) {
  return [&session](Inputs inputs) { return session.RunBatch(inputs); };
}

Scorer FloatScorer(const ir::Graph& graph, int threads) {
  return FirstOutput(FloatRunner(graph, threads));
}

Scorer SessionScorer(runtime::Session& session) { return FirstOutput(SessionRunner(session)); }

Result<Evaluation> Evaluate(const dataset::Dataset& data, const Scorer& scorer,
                            const Scorer* reference, const EvaluateOptions& options) {
  Counts counts;
  const auto score = [&](std::vector<dataset::Sample> samples) -> Status {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    TF2_RETURN_IF_ERROR(ScoreBatch(samples, scorer, reference, counts));
    if (options.progress) options.progress(static_cast<std::int64_t>(samples.size()));
    return {};
  };
  TF2_RETURN_IF_ERROR(dataset::ForEachBatch(data, static_cast<std::size_t>(options.batch), score));
  Evaluation result;
  result.samples = counts.accuracy.samples;
  result.labelled = counts.accuracy.labelled;
  result.top1 = counts.accuracy.Top1();
  result.top5 = counts.accuracy.Top5();
  if (reference != nullptr) {
    result.float_top1 = counts.reference_accuracy.Top1();
    result.no_agreement = std::move(counts.no_agreement);
    if (result.no_agreement.empty()) {
      result.agreement = counts.agreement.Fraction();
      result.divergence = counts.divergence.Mean();
    }
  }
  return result;
}

}  // namespace tf2::verify
