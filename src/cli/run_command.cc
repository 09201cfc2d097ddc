// tf2 run: classes of pictures or arrays, one line (or JSON object) a sample; with -o the outputs
// as arrays in a file.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/outputs.h"
#include "dataset/metrics.h"
#include "verify/evaluate.h"

namespace tf2::cli {
namespace {

void PrintSample(const Options& options, const std::vector<std::string>& labels, std::int64_t index,
                 const dataset::Sample& sample, const std::vector<float>& scores) {
  const std::vector<int> top = dataset::TopK(scores, static_cast<std::size_t>(options.top));
  if (options.json) {
    Json object = {{"sample", index}, {"name", sample.name}};
    if (sample.label) object["label"] = *sample.label;
    for (const int c : top) {
      object["top"].push_back({{"class", c},
                               {"name", ClassName(labels, c)},
                               {"score", scores[static_cast<std::size_t>(c)]}});
    }
    PrintJson(object);
    return;
  }
  std::printf("%s:", sample.name.c_str());
  for (const int c : top) {
    std::printf("  %s %.4g", ClassName(labels, c).c_str(), scores[static_cast<std::size_t>(c)]);
  }
  std::printf("\n");
}

Status RunAll(const Options& options, const Data& data, const verify::Scorer& scorer) {
  constexpr std::size_t kBatch = 16;
  std::int64_t printed = 0;
  return dataset::ForEachBatch(
      *data.set, kBatch, [&](std::vector<dataset::Sample> samples) -> Status {
        TF2_ASSIGN_OR_RETURN(const auto scores, scorer(dataset::TakeInputs(samples)));
        for (std::size_t i = 0; i < samples.size(); ++i)
          PrintSample(options, data.labels, printed++, samples[i], scores[i]);
        return {};
      });
}

Status RunArtifact(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoModelFlags(options));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, artifact.net));
  const auto outputs = OutputForms(artifact.net);
  TF2_ASSIGN_OR_RETURN(runtime::Session session,
                       OpenSession(std::move(artifact), options, options.backend));
  if (options.output.empty()) return RunAll(options, data, verify::SessionScorer(session));
  if (options.integers) return WriteIntegers(options, data, session);
  return WriteOutputs(options, data, verify::SessionRunner(session), outputs);
}

Status RunFloat(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoBackend(options));
  if (options.integers)
    return InvalidArgument("--integers belongs to artifacts; {} is a float model",
                           options.model.path);
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportAndFuse(options.model));
  if (NeedsArrays(graph)) return RunOnArrays(options, graph);
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, graph));
  const int threads = Threads(options);
  if (options.output.empty()) return RunAll(options, data, verify::FloatScorer(graph, threads));
  return WriteOutputs(options, data, verify::FloatRunner(graph, threads), OutputForms(graph));
}

}  // namespace

int Run(const Options& options) {
  if (options.integers && options.output.empty())
    return Fail(InvalidArgument("--integers needs a file to write: -o FILE.npz"));
  const Status status =
      qnet::IsArtifactFile(options.model.path) ? RunArtifact(options) : RunFloat(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
