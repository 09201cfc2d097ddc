#include "cli/eval_detector.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/progress.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "dataset/array.h"
#include "dataset/truth.h"
#include "verify/detect.h"

namespace tf2::cli {
namespace {

struct DetectorOutcome {
  verify::DetectionScores scores;
  std::optional<verify::DetectionScores> reference;
  std::string backend;
};

// The default boxes of --priors: [n, 4], or [1, n, 4].
Result<std::vector<float>> ReadPriors(const std::string& path) {
  TF2_ASSIGN_OR_RETURN(const auto arrays, dataset::ReadNumbers(path));
  if (arrays.size() != 1 || arrays[0].dims.empty() || arrays[0].dims.back() != 4)
    return InvalidArgument("{}: --priors takes one array [n, 4]", path);
  return std::vector<float>(arrays[0].values.begin(), arrays[0].values.end());
}

Result<verify::DetectOptions> HowTo(const Options& options, const Data& data,
                                    const dataset::InputShape& input) {
  verify::DetectOptions how;
  const DetectFlags& flags = options.detect;
  if (!flags.priors.empty()) {
    TF2_ASSIGN_OR_RETURN(how.outputs.priors, ReadPriors(flags.priors));
  }
  if (flags.variances.size() != 2)
    return InvalidArgument("--variances has {} numbers; give two, as in 0.1,0.2",
                           flags.variances.size());
  how.outputs.centre_variance = flags.variances[0];
  how.outputs.size_variance = flags.variances[1];
  how.outputs.least_score = flags.least_score;
  how.outputs.nms_iou = flags.nms;
  how.outputs.background = flags.background;
  how.preprocessing = data.preprocessing;
  how.input = input;
  how.iou = flags.iou;
  how.recall_score = flags.recall_score;
  return how;
}

Result<verify::DetectionScores> Scores(const Data& data, const verify::Runner& run,
                                       std::span<const dataset::OutputForm> outputs,
                                       const dataset::Truth& truth, verify::DetectOptions how) {
  TF2_ASSIGN_OR_RETURN(const dataset::DetectorForm form, dataset::DetectorFormOf(outputs));
  Progress progress("eval", data.set->size());
  how.progress = [&progress](std::int64_t done) { progress.Advance(done); };
  return verify::EvaluateDetector(*data.set, run, form, truth, how);
}

Result<DetectorOutcome> Detect(const Options& options, const Data& data,
                               const dataset::InputShape& input, const verify::Runner& run,
                               std::span<const dataset::OutputForm> outputs) {
  TF2_ASSIGN_OR_RETURN(const dataset::Truth truth,
                       dataset::ReadTruth(options.detect.truth, data.labels));
  TF2_ASSIGN_OR_RETURN(const verify::DetectOptions how, HowTo(options, data, input));
  DetectorOutcome outcome;
  TF2_ASSIGN_OR_RETURN(outcome.scores, Scores(data, run, outputs, truth, how));
  if (!options.reference.path.empty()) {
    TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportAndFuse(options.reference));
    TF2_ASSIGN_OR_RETURN(
        outcome.reference,
        Scores(data, verify::FloatRunner(graph, Threads(options)), OutputForms(graph), truth, how));
  }
  return outcome;
}

Error SeveralInputs(std::size_t count) {
  return WithHint(Unsupported("detectors of {} inputs are not evaluated", count),
                  "tf2 run -o FILE.npz writes what they yield");
}

Result<DetectorOutcome> DetectWithArtifact(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoModelFlags(options));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, artifact.net));
  const std::vector<dataset::OutputForm> outputs = OutputForms(artifact.net);
  if (artifact.net.inputs.size() != 1) return SeveralInputs(artifact.net.inputs.size());
  const qnet::Tensor& x = artifact.net.tensor(artifact.net.inputs[0]);
  const dataset::InputShape input = {x.c(), x.h(), x.w()};
  TF2_ASSIGN_OR_RETURN(runtime::Session session,
                       OpenSession(std::move(artifact), options, options.backend));
  TF2_ASSIGN_OR_RETURN(DetectorOutcome outcome,
                       Detect(options, data, input, verify::SessionRunner(session), outputs));
  outcome.backend = session.device().name();
  return outcome;
}

Result<DetectorOutcome> DetectWithFloat(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoBackend(options));
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportAndFuse(options.model));
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, graph));
  if (graph.inputs.size() != 1) return SeveralInputs(graph.inputs.size());
  const ir::Shape& x = graph.value(graph.inputs[0]).shape;
  if (x.size() != 4) return InvalidArgument("the model's input {} is no picture", ir::ToString(x));
  TF2_ASSIGN_OR_RETURN(DetectorOutcome outcome,
                       Detect(options, data, {x[1], x[2], x[3]},
                              verify::FloatRunner(graph, Threads(options)), OutputForms(graph)));
  outcome.backend = "floatexec";
  return outcome;
}

Json ToJson(const verify::DetectionScores& s) {
  return {{"pictures", s.pictures},
          {"objects", s.objects},
          {"detections", s.detections},
          {"voc_map", s.voc_all_points},
          {"voc_map_11_points", s.voc_11_points},
          {"coco_ap", s.coco.ap},
          {"coco_ap50", s.coco.ap50},
          {"coco_ap75", s.coco.ap75},
          {"recall_at_0.1_false_positives", s.recall_at_tenth},
          {"recall_at_1_false_positive", s.recall_at_one},
          {"recall_at_score", s.recall_at_score}};
}

void PrintScores(const Options& options, const char* who, const verify::DetectionScores& s) {
  std::printf("%smAP %s (VOC, IoU %.2f; 11 points %s), AP %s (COCO; AP50 %s, AP75 %s)\n", who,
              Percent(s.voc_all_points).c_str(), options.detect.iou,
              Percent(s.voc_11_points).c_str(), Percent(s.coco.ap).c_str(),
              Percent(s.coco.ap50).c_str(), Percent(s.coco.ap75).c_str());
  std::printf("%srecall %s at 0.1 false positives a picture, %s at 1; %s at score %.2f\n", who,
              Percent(s.recall_at_tenth).c_str(), Percent(s.recall_at_one).c_str(),
              Percent(s.recall_at_score).c_str(), options.detect.recall_score);
}

}  // namespace

int EvalDetector(const Options& options) {
  const auto outcome = qnet::IsArtifactFile(options.model.path) ? DetectWithArtifact(options)
                                                                : DetectWithFloat(options);
  if (!outcome.ok()) return Fail(outcome.error());
  if (options.json) {
    Json object = ToJson(outcome->scores);
    object["float"] = outcome->reference ? ToJson(*outcome->reference) : Json(nullptr);
    object["backend"] = outcome->backend;
    PrintJson(object);
    return 0;
  }
  std::printf("%ld pictures, %ld objects, %ld detections on %s\n",
              static_cast<long>(outcome->scores.pictures),
              static_cast<long>(outcome->scores.objects),
              static_cast<long>(outcome->scores.detections), outcome->backend.c_str());
  PrintScores(options, "", outcome->scores);
  if (outcome->reference) PrintScores(options, "float ", *outcome->reference);
  return 0;
}

}  // namespace tf2::cli
