// tf2 quantize: float model + calibration data -> artifact.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "quantize/calibrate.h"
#include "quantize/compensated_lowering.h"
#include "quantize/equalise.h"
#include "quantize/lower.h"
#include "quantize/reproducible.h"
#include "quantize/tune_q.h"

namespace tf2::cli {
namespace {

// Samples to calibrate on unless --limit says otherwise: more change little and cost time.
constexpr std::int64_t kDefaultSamples = 256;

using Clock = std::chrono::steady_clock;

// Samples of a set, each followed (where asked for) by its mirror image.
class Samples {
 public:
  Samples(const dataset::Dataset& set, bool mirror, std::int64_t width)
      : set_(set), mirror_(mirror), width_(width) {}

  std::size_t size() const { return static_cast<std::size_t>(set_.size()) * (mirror_ ? 2 : 1); }

  quantize::SampleSource Source() const {
    return [this](std::size_t i) -> Result<std::vector<float>> {
      const auto index = static_cast<std::int64_t>(i);
      TF2_ASSIGN_OR_RETURN(dataset::Sample one, set_.Get(mirror_ ? index / 2 : index));
      if (mirror_ && index % 2 == 1) {
        for (auto row = one.x.begin(); row != one.x.end(); row += width_)
          std::reverse(row, row + width_);
      }
      return std::move(one.x);
    };
  }

 private:
  const dataset::Dataset& set_;
  const bool mirror_;
  const std::int64_t width_;
};

Result<Samples> SamplesOf(const Options& options, const ir::Graph& graph,
                          const dataset::Dataset& set) {
  const ir::Shape& shape = graph.value(graph.inputs[0]).shape;
  if (options.mirror && graph.inputs.size() > 1)
    return InvalidArgument("--mirror is for models of one input, this one has {}",
                           graph.inputs.size());
  if (options.mirror && shape.size() != 4) {
    return InvalidArgument("--mirror is for pictures, the model's input is {}",
                           ir::ToString(shape));
  }
  return Samples(set, options.mirror, shape.back());
}

Result<quantize::Calibration> CalibrateOn(const ir::Graph& graph, const Samples& samples,
                                          const Options& options) {
  quantize::CalibrateOptions calibrate;
  calibrate.threads = Threads(options);
  calibrate.histograms = options.q_rule == "mse" || options.equalise || options.tune_bound;
  Progress progress("calibrate", static_cast<std::int64_t>(samples.size()));
  calibrate.progress = [&progress](std::size_t, std::size_t) {
    progress.Advance();
    return !Interrupted();
  };
  return quantize::Calibrate(graph, samples.Source(), samples.size(), calibrate);
}

struct Quantised {
  qnet::QNet net;
  double passes = 1;
  std::vector<quantize::LayerReport> layers;  // of compensated rounding
  std::optional<quantize::TunedQ> tuned;
};

// Shows the tensors that tuning is done with; rounding follows.
std::function<bool(std::size_t, std::size_t)> TuneProgress(std::optional<Progress>& progress) {
  return [&progress, shown = std::size_t{0}](std::size_t done, std::size_t total) mutable {
    if (!progress) progress.emplace("tune exponents, tensor", static_cast<std::int64_t>(total));
    progress->Advance(static_cast<std::int64_t>(done - shown));
    shown = done;
    return !Interrupted();
  };
}

Result<Quantised> RoundToNearest(const ir::Graph& graph, const quantize::Calibration& calibration,
                                 const Samples& samples, const Options& options,
                                 quantize::QuantizeOptions how) {
  Quantised quantised;
  if (options.tune_bound) {
    std::optional<Progress> progress;
    quantize::TuneOptions tune;
    tune.q = how.q;
    tune.bound = *options.tune_bound;
    tune.threads = Threads(options);
    tune.progress = TuneProgress(progress);
    quantize::QuantizeState none("");
    TF2_ASSIGN_OR_RETURN(quantised.tuned, quantize::TuneQ(graph, calibration, samples.Source(),
                                                          samples.size(), tune, 0, none));
    how.bounds = quantised.tuned->bounds;
  }
  TF2_ASSIGN_OR_RETURN(quantised.net, quantize::Quantize(graph, calibration, how));
  return quantised;
}

// `start`: of the command.
Result<Quantised> Round(const ir::Graph& graph, const quantize::Calibration& calibration,
                        const Samples& samples, const Options& options, Clock::time_point start) {
  quantize::QuantizeOptions base;
  base.bits = options.bits;
  base.q = *quantize::ParseQRule(options.q_rule);
  if (options.method == "nearest")
    return RoundToNearest(graph, calibration, samples, options, std::move(base));
  quantize::CompensatedOptions how;
  how.base = base;
  how.max_passes = options.max_passes;
  how.tune_bound = options.tune_bound;
  how.threads = Threads(options);
  how.memory_bytes = static_cast<std::uint64_t>(options.memory_gib * 0x1p30);
  how.state_path = options.output + ".state";
  how.resume = options.resume;
  const EffortFlag effort = *ParseEffort(options.effort);
  how.rounding.effort = effort.most;
  if (effort.seconds) {
    how.deadline = start + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(*effort.seconds));
  }
  std::optional<Progress> progress;
  how.progress = [&progress](const std::string&, std::size_t done, std::size_t total) {
    if (done == 0) {
      progress.reset();
      progress.emplace("round weights, layer", static_cast<std::int64_t>(total));
    } else {
      progress->Advance();
    }
    return !Interrupted();
  };
  how.tune_progress = TuneProgress(progress);
  auto net =
      quantize::QuantizeCompensated(graph, calibration, samples.Source(), samples.size(), how);
  if (!net.ok()) {
    if (net.error().code != ErrorCode::kCancelled) return std::move(net.error());
    return WithHint(std::move(net.error()), "--resume goes on where it stopped");
  }
  return Quantised{std::move(net->net), net->passes, std::move(net->layers), std::move(net->tuned)};
}

void WarnIfLate(const Options& options, Clock::time_point start) {
  const std::optional<double> allowed = ParseEffort(options.effort)->seconds;
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  if (!allowed || took <= 1.05 * *allowed) return;
  LogWarning("--effort {}: it took {:.1f} s; fewer samples (--limit) take less", options.effort,
             took);
}

Status CheckFlags(const Options& options) {
  if (options.max_passes > 1 && (options.bits != 4 || options.method == "nearest"))
    return InvalidArgument("--max-passes is for compensated 4-bit weights");
  if (options.resume && options.method == "nearest")
    return InvalidArgument("--resume is for compensated rounding");
  if (options.tune_bound && !std::isfinite(*options.tune_bound))
    return InvalidArgument("--tune is a number from 0 on");
  if (!options.effort.empty() && options.method == "nearest")
    return InvalidArgument("--effort is for compensated rounding");
  return CheckWritable(options.output);
}

Json EffortJson(const std::optional<quantize::Effort>& effort) {
  if (!effort) return nullptr;
  return {{"scales", effort->scales},
          {"refinements", effort->refinements},
          {"positions", effort->positions}};
}

Json LayersJson(const std::vector<quantize::LayerReport>& layers) {
  Json list = Json::array();
  for (const quantize::LayerReport& l : layers) {
    list.push_back({{"name", l.name},
                    {"terms", l.terms},
                    {"macs", l.macs},
                    {"relative_error", l.relative_error},
                    {"over_nearest", l.over_nearest},
                    {"effort", EffortJson(l.effort)}});
  }
  return list;
}

Json TunedJson(const std::optional<quantize::TunedQ>& tuned) {
  if (!tuned) return nullptr;
  return {{"error_before", tuned->error_before},
          {"error_after", tuned->error_after},
          {"attempts", tuned->attempts},
          {"tensors", tuned->bounds.size()}};
}

// That a file of labels has a name for each class, where the model's output is one score a class.
Status CheckLabels(const ir::Graph& graph, const std::string& file, std::size_t names) {
  if (file.empty() || graph.outputs.size() != 1) return {};
  const ir::Shape& shape = graph.value(graph.outputs[0]).shape;
  const std::int64_t classes = ir::ElementCount(shape);
  if (shape.size() < 2 || shape[1] != classes || std::cmp_equal(names, classes)) return {};
  return WithHint(
      InvalidArgument("{}: {} names, and the model has {} classes", file, names, classes),
      "give a line for each class, in the order of the model's output");
}

Status QuantizeTo(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckFlags(options));
  const Clock::time_point start = Clock::now();
  quantize::UseCommonInstructions();
  TF2_ASSIGN_OR_RETURN(ir::Graph graph, ImportAndFuse(options.model));
  DataFlags flags = options.data;
  if (flags.limit == 0) flags.limit = kDefaultSamples;
  TF2_ASSIGN_OR_RETURN(Data data, OpenData(flags, graph));
  TF2_RETURN_IF_ERROR(CheckLabels(graph, options.data.labels, data.labels.size()));
  TF2_ASSIGN_OR_RETURN(const Samples samples, SamplesOf(options, graph, *data.set));
  TF2_ASSIGN_OR_RETURN(quantize::Calibration calibration, CalibrateOn(graph, samples, options));
  if (options.equalise) {
    quantize::Equalised equalised = quantize::Equalise(graph, calibration);
    TF2_ASSIGN_OR_RETURN(calibration, CalibrateOn(equalised.graph, samples, options));
    quantize::FixExponents(equalised, calibration);
    graph = std::move(equalised.graph);
  }
  TF2_ASSIGN_OR_RETURN(Quantised quantised, Round(graph, calibration, samples, options, start));
  WarnIfLate(options, start);
  qnet::QNet& net = quantised.net;
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
               {"method", options.method},
               {"passes", quantised.passes},
               {"tuned", TunedJson(quantised.tuned)},
               {"rounding", LayersJson(quantised.layers)},
               {"layers", layers},
               {"macs", macs},
               {"bytes", bytes}});
  } else {
    std::printf("%s: %zu layers, %d-bit weights, %.2f passes, calibrated on %s, %zu bytes\n",
                options.output.c_str(), layers, options.bits, quantised.passes,
                data.set->Description().c_str(), bytes);
    if (quantised.tuned) {
      std::printf(
          "exponents of %zu tensors lowered in %zu attempts: with 8-bit weights, error of the "
          "output %.3g, %.3g "
          "before\n",
          quantised.tuned->bounds.size(), quantised.tuned->attempts, quantised.tuned->error_after,
          quantised.tuned->error_before);
    }
  }
  return {};
}

}  // namespace

std::optional<EffortFlag> ParseEffort(const std::string& text) {
  if (text == "quick") return EffortFlag{quantize::kQuickEffort, {}};
  if (text.empty() || text == "normal") return EffortFlag{quantize::kNormalEffort, {}};
  if (text == "thorough") return EffortFlag{quantize::kThoroughEffort, {}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || !(number * seconds > 0 && number * seconds < 1e7)) return {};
  return EffortFlag{quantize::kThoroughEffort, number * seconds};
}

int Quantize(const Options& options) {
  const Status status = QuantizeTo(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
