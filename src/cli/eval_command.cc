// tf2 eval: accuracy of a model or an artifact, and its agreement with a float model. With --truth
// it evaluates a detector (eval_detector.cc).
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/eval_detector.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "verify/evaluate.h"

namespace tf2::cli {
namespace {

struct Outcome {
  verify::Evaluation evaluation;
  std::string backend;
  std::string isa;
};

Result<verify::Evaluation> EvaluateOn(const Options& options, const Data& data,
                                      const verify::Scorer& scorer) {
  std::optional<ir::Graph> reference_graph;
  verify::Scorer reference;
  if (!options.reference.path.empty()) {
    TF2_ASSIGN_OR_RETURN(reference_graph, ImportAndFuse(options.reference));
    reference = verify::FloatScorer(*reference_graph, Threads(options));
  }
  Progress progress("eval", data.set->size());
  verify::EvaluateOptions how;
  how.progress = [&progress](std::int64_t done) { progress.Advance(done); };
  return verify::Evaluate(*data.set, scorer, reference ? &reference : nullptr, how);
}

Result<Outcome> EvalArtifact(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoModelFlags(options));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, artifact.net));
  TF2_ASSIGN_OR_RETURN(runtime::Session session,
                       OpenSession(std::move(artifact), options, options.backend));
  TF2_ASSIGN_OR_RETURN(auto evaluation, EvaluateOn(options, data, verify::SessionScorer(session)));
  return Outcome{evaluation, std::string(session.device().name()),
                 std::string(session.device().isa())};
}

Result<Outcome> EvalFloat(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoBackend(options));
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportAndFuse(options.model));
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, graph));
  TF2_ASSIGN_OR_RETURN(auto evaluation,
                       EvaluateOn(options, data, verify::FloatScorer(graph, Threads(options))));
  return Outcome{evaluation, "floatexec", "float"};
}

Json Fraction(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

void Print(const Options& options, const Outcome& outcome) {
  const verify::Evaluation& e = outcome.evaluation;
  if (options.json) {
    PrintJson({{"samples", e.samples},
               {"top1", Fraction(e.top1)},
               {"top5", Fraction(e.top5)},
               {"float_top1", Fraction(e.float_top1)},
               {"agreement", Fraction(e.agreement)},
               {"divergence", Fraction(e.divergence)},
               {"no_agreement", e.no_agreement.empty() ? Json(nullptr) : Json(e.no_agreement)},
               {"backend", outcome.backend},
               {"isa", outcome.isa}});
    return;
  }
  std::printf("%ld samples on %s (%s)\n", static_cast<long>(e.samples), outcome.backend.c_str(),
              outcome.isa.c_str());
  if (e.top1)
    std::printf("top-1 %s, top-5 %s\n", Percent(*e.top1).c_str(), Percent(*e.top5).c_str());
  if (e.float_top1) std::printf("float top-1 %s\n", Percent(*e.float_top1).c_str());
  if (e.agreement) std::printf("agreement with float %s\n", Percent(*e.agreement).c_str());
  if (e.divergence) std::printf("mean divergence of the probabilities %.4f\n", *e.divergence);
  if (!e.no_agreement.empty()) std::printf("no agreement with float: %s\n", e.no_agreement.c_str());
  if (!e.top1 && !e.agreement && e.no_agreement.empty())
    std::printf("no labels: give --float MODEL to measure agreement\n");
}

}  // namespace

int Eval(const Options& options) {
  if (!options.detect.truth.empty()) return EvalDetector(options);
  auto outcome =
      qnet::IsArtifactFile(options.model.path) ? EvalArtifact(options) : EvalFloat(options);
  if (!outcome.ok()) return Fail(outcome.error());
  Print(options, *outcome);
  return 0;
}

}  // namespace tf2::cli
