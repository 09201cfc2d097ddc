// tf2 bench: the speed of an artifact on a backend, and what bounds each layer.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "benchmark/machine.h"
#include "benchmark/measure.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"

namespace tf2::cli {
namespace {

using benchmark::Speed;

struct Report {
  std::string backend;
  std::string isa;
  int threads = 0;
  Speed one;                  // of single frames
  std::optional<Speed> many;  // of batches, where --batch is above 1
};

// The samples that are timed: those of --data, at most 64 of them, or noise.
Result<std::vector<std::vector<float>>> SamplesOf(const Options& options, const qnet::QNet& net) {
  constexpr std::int64_t kMost = 64;
  if (options.data.path.empty()) return benchmark::Noise(net, 4);
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(options.data, net));
  std::vector<std::vector<float>> samples;
  const std::int64_t count = std::min(kMost, data.set->size());
  TF2_RETURN_IF_ERROR(
      dataset::ForEachSample(*data.set, count, [&](std::int64_t, dataset::Sample&& sample) {
        samples.push_back(std::move(sample.x));
        return Status();
      }));
  if (samples.empty()) return InvalidArgument("{}: no samples", options.data.path);
  return samples;
}

Result<Report> MeasureOn(const Options& options, const qnet::Artifact& artifact) {
  TF2_ASSIGN_OR_RETURN(const auto samples, SamplesOf(options, artifact.net));
  TF2_ASSIGN_OR_RETURN(runtime::Session session, OpenSession(artifact, options, options.backend));
  benchmark::MeasureOptions how;
  how.seconds = options.seconds;
  Report report;
  report.backend = session.device().name();
  report.isa = session.device().isa();
  report.threads = Threads(options);
  if (report.backend != "cpu") how.least_rounds = 1;
  TF2_ASSIGN_OR_RETURN(report.one, Measure(session, samples, how));
  if (options.batch > 1) {
    how.batch = options.batch;
    TF2_ASSIGN_OR_RETURN(report.many, Measure(session, samples, how));
  }
  return report;
}

Json SpeedJson(const Speed& speed, int batch) {
  return {{"batch", batch},
          {"rounds", speed.rounds},
          {"ms", speed.seconds * 1e3},
          {"images_per_s", speed.images_per_s},
          {"cpu_ms_per_image", speed.cpu_seconds / batch * 1e3}};
}

void PrintSpeed(const Speed& speed, int batch) {
  std::printf(
      "batch %-3d  %9.3f ms  %9.1f images/s  %9.3f ms of processor time an image  (%d runs)\n",
      batch, speed.seconds * 1e3, speed.images_per_s, speed.cpu_seconds / batch * 1e3,
      speed.rounds);
}

Status RunBench(const Options& options) {
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(const Report report, MeasureOn(options, artifact));
  if (options.json) {
    Json object = {{"artifact", options.model.path},
                   {"backend", report.backend},
                   {"isa", report.isa},
                   {"threads", report.threads},
                   {"processor", benchmark::ProcessorName()},
                   {"macs", artifact.net.macs},
                   {"latency", SpeedJson(report.one, 1)}};
    if (report.many) object["throughput"] = SpeedJson(*report.many, options.batch);
    PrintJson(object);
    return {};
  }
  std::printf("%s on %s (%s), threads: %d, %s\n", options.model.path.c_str(),
              report.backend.c_str(), report.isa.c_str(), report.threads,
              benchmark::ProcessorName().c_str());
  PrintSpeed(report.one, 1);
  if (report.many) PrintSpeed(*report.many, options.batch);
  return {};
}

}  // namespace

int Bench(const Options& options) {
  const Status status = RunBench(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
