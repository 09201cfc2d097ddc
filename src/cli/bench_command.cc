// tf2 bench: the speed of an artifact on a backend, and what bounds each layer.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "benchmark/machine.h"
#include "benchmark/measure.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "runtime/backends/cpu/cpu.h"

namespace tf2::cli {
namespace {

using benchmark::Speed;

struct Report {
  std::string backend;
  std::string isa;
  int threads = 0;
  Speed one;                  // of single frames
  std::optional<Speed> many;  // of batches, where --batch is above 1
  // Of the cpu backend, unless --summary.
  benchmark::Roofs roofs;
  std::vector<runtime::LayerTime> layers;
};

// The samples that are timed: those of --data, at most 64 of them, or noise.
Result<std::vector<std::vector<float>>> SamplesOf(const Options& options, const qnet::QNet& net) {
  constexpr std::int64_t kMost = 64;
  if (options.data.paths.empty()) return benchmark::Noise(net, 4);
  DataFlags flags = options.data;
  if (flags.limit == 0 || flags.limit > kMost) flags.limit = kMost;
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(flags, net));
  std::vector<std::vector<float>> inputs;
  TF2_RETURN_IF_ERROR(
      dataset::ForEachBatch(*data.set, kMost, [&](std::vector<dataset::Sample> samples) -> Status {
        inputs = dataset::TakeInputs(samples);
        return {};
      }));
  return inputs;
}

Result<Report> MeasureOn(const Options& options, const qnet::Artifact& artifact) {
  TF2_ASSIGN_OR_RETURN(const auto samples, SamplesOf(options, artifact.net));
  TF2_ASSIGN_OR_RETURN(runtime::Session session, OpenSession(artifact, options, options.backend));
  benchmark::MeasureOptions how;
  how.seconds = options.seconds;
  if (options.rounds > 0) {
    how.seconds = 0;
    how.least_rounds = options.rounds;
  }
  Report report;
  report.backend = session.device().name();
  report.isa = session.device().isa();
  report.threads = Threads(options);
  if (report.backend != "cpu" && options.rounds == 0) how.least_rounds = 1;
  TF2_ASSIGN_OR_RETURN(report.one, Measure(session, samples, how));
  if (options.batch > 1) {
    how.batch = options.batch;
    TF2_ASSIGN_OR_RETURN(report.many, Measure(session, samples, how));
  }
  return report;
}

// Times every layer on the cpu backend, and measures what the machine can do.
Status AddLayers(const Options& options, qnet::QNet net, Report& report) {
  report.roofs.macs_per_s = benchmark::PeakMacsPerSecond(report.isa, report.threads);
  report.roofs.bytes_per_s = benchmark::ReadBytesPerSecond(report.threads);
  constexpr int kRounds = 20;
  runtime::DeviceOptions device;
  device.threads = options.threads;
  device.isa = options.isa;
  const runtime::LoadedModel model{std::make_shared<const qnet::QNet>(std::move(net)), {}};
  TF2_ASSIGN_OR_RETURN(
      report.layers,
      runtime::ProfileCpu(model, device, options.rounds > 0 ? options.rounds : kRounds));
  return {};
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

benchmark::Bound BoundOf(const Report& report, const runtime::LayerTime& layer) {
  return benchmark::BoundOf(report.roofs, layer.seconds, static_cast<double>(layer.macs),
                            static_cast<double>(layer.bytes));
}

Json ReportJson(const Options& options, const Report& report, std::int64_t macs) {
  Json object = {{"artifact", options.model.path},
                 {"backend", report.backend},
                 {"isa", report.isa},
                 {"threads", report.threads},
                 {"processor", benchmark::ProcessorName()},
                 {"macs", macs},
                 {"latency", SpeedJson(report.one, 1)}};
  if (report.many) object["throughput"] = SpeedJson(*report.many, options.batch);
  if (report.layers.empty()) return object;
  object["machine"] = {{"macs_per_s", report.roofs.macs_per_s},
                       {"read_bytes_per_s", report.roofs.bytes_per_s}};
  for (const runtime::LayerTime& layer : report.layers) {
    const benchmark::Bound bound = BoundOf(report, layer);
    object["layers"].push_back({{"name", layer.name},
                                {"kind", layer.kind},
                                {"us", layer.seconds * 1e6},
                                {"macs", layer.macs},
                                {"bytes", layer.bytes},
                                {"bound", bound.name},
                                {"fraction", bound.fraction}});
  }
  return object;
}

void PrintLayers(const Report& report) {
  double all = 0;
  for (const runtime::LayerTime& layer : report.layers) all += layer.seconds;
  Table table({"layer", "kind", "us", "share", "MMAC", "kB", "GMAC/s", "GB/s", "bound", "of it"});
  for (const runtime::LayerTime& layer : report.layers) {
    const auto macs = static_cast<double>(layer.macs);
    const auto bytes = static_cast<double>(layer.bytes);
    const benchmark::Bound bound = BoundOf(report, layer);
    table.AddRow(
        {layer.name, layer.kind, fmt::format("{:.1f}", layer.seconds * 1e6),
         Percent(layer.seconds / all), fmt::format("{:.2f}", macs / 1e6),
         fmt::format("{:.1f}", bytes / 1e3), fmt::format("{:.1f}", macs / layer.seconds / 1e9),
         fmt::format("{:.2f}", bytes / layer.seconds / 1e9), bound.name, Percent(bound.fraction)});
  }
  std::printf("\n%s%.1f us in all layers; roofs: %.1f GMAC/s, %.2f GB/s\n",
              table.ToString().c_str(), all * 1e6, report.roofs.macs_per_s / 1e9,
              report.roofs.bytes_per_s / 1e9);
}

Status RunBench(const Options& options) {
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(Report report, MeasureOn(options, artifact));
  const std::int64_t macs = artifact.net.macs;
  if (!options.summary && report.backend == "cpu")
    TF2_RETURN_IF_ERROR(AddLayers(options, std::move(artifact.net), report));
  if (options.json) {
    PrintJson(ReportJson(options, report, macs));
    return {};
  }
  std::printf("%s on %s (%s), threads: %d, %s\n", options.model.path.c_str(),
              report.backend.c_str(), report.isa.c_str(), report.threads,
              benchmark::ProcessorName().c_str());
  PrintSpeed(report.one, 1);
  if (report.many) PrintSpeed(*report.many, options.batch);
  if (!report.layers.empty()) PrintLayers(report);
  return {};
}

}  // namespace

int Bench(const Options& options) {
  const Status status = RunBench(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
