// tf2 quantize: float model + calibration data -> artifact.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "quantize/calibrate.h"
#include "quantize/lower.h"

namespace tf2::cli {
namespace {

// Samples to calibrate on unless --limit says otherwise: more change little and cost time.
constexpr std::int64_t kDefaultSamples = 256;

Result<quantize::Calibration> CalibrateOn(const ir::Graph& graph, const dataset::Dataset& set,
                                          const Options& options, quantize::QRule rule) {
  quantize::CalibrateOptions calibrate;
  calibrate.threads = Threads(options);
  calibrate.histograms = rule == quantize::QRule::kMse;
  Progress progress("calibrate", set.size());
  calibrate.progress = [&progress](std::size_t, std::size_t) {
    progress.Advance();
    return !Interrupted();
  };
  auto sample = [&set](std::size_t i) -> Result<std::vector<float>> {
    TF2_ASSIGN_OR_RETURN(dataset::Sample one, set.Get(static_cast<std::int64_t>(i)));
    return std::move(one.x);
  };
  return quantize::Calibrate(graph, sample, static_cast<std::size_t>(set.size()), calibrate);
}

Status QuantizeTo(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  TF2_ASSIGN_OR_RETURN(const ir::Graph graph, ImportAndFuse(options.model));
  DataFlags flags = options.data;
  if (flags.limit == 0) flags.limit = kDefaultSamples;
  TF2_ASSIGN_OR_RETURN(Data data, OpenData(flags, graph));
  quantize::QuantizeOptions how;
  how.bits = options.bits;
  how.q = *quantize::ParseQRule(options.q_rule);
  TF2_ASSIGN_OR_RETURN(const quantize::Calibration calibration,
                       CalibrateOn(graph, *data.set, options, how.q));
  TF2_ASSIGN_OR_RETURN(qnet::QNet net, quantize::Quantize(graph, calibration, how));
  net.preprocessing = std::move(data.preprocessing);
  net.labels = std::move(data.labels);
  const std::size_t layers = net.ops.size();
  const std::int64_t macs = net.macs;
  TF2_RETURN_IF_ERROR(qnet::WriteArtifact(options.output, {std::move(net), {}}));
  TF2_ASSIGN_OR_RETURN(const MappedFile written, MappedFile::Open(options.output));
  const std::size_t bytes = written.bytes().size();
  if (options.json) {
    PrintJson({{"output", options.output},
               {"bits", options.bits},
               {"q", options.q_rule},
               {"samples", calibration.samples},
               {"layers", layers},
               {"macs", macs},
               {"bytes", bytes}});
  } else {
    std::printf("%s: %zu layers, %d-bit weights, calibrated on %s, %zu bytes\n",
                options.output.c_str(), layers, options.bits, data.set->Description().c_str(),
                bytes);
  }
  return {};
}

}  // namespace

int Quantize(const Options& options) {
  const Status status = QuantizeTo(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
