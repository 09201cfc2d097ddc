// tf2 simulate: the RTL of the accelerator on real inputs, its cycles beside the predicted ones.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/files.h"
#include "base/progress.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cost/cost.h"
#include "program/serialize.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"

namespace tf2::cli {
namespace {

struct SimulateOutcome {
  std::int64_t samples = 0;
  std::int64_t mismatches = 0;  // outputs that differ from the interpreter's
  runtime::RunStatistics measured;
  cost::FrameCost predicted;
  std::int64_t lanes = 0;

  std::int64_t cycles() const {
    return measured.input_cycles + measured.cycles + measured.output_cycles;
  }
  double utilisation() const {
    return static_cast<double>(predicted.macs) /
           (static_cast<double>(cycles()) * static_cast<double>(lanes));
  }
};

// Runs every sample and counts the outputs that differ from the interpreter's.
Status RunSamples(const qnet::QNet& net, const Data& data, runtime::Device& device,
                  SimulateOutcome& outcome) {
  Progress progress("simulate", data.set->size());
  for (std::int64_t i = 0; i < data.set->size(); ++i) {
    TF2_ASSIGN_OR_RETURN(const dataset::Sample sample, data.set->Get(i));
    TF2_ASSIGN_OR_RETURN(std::vector<std::int8_t> input, qnet::QuantizeInput(net, sample.x));
    TF2_ASSIGN_OR_RETURN(const auto expected, qnet::Interpret(net, input));
    TF2_ASSIGN_OR_RETURN(const auto frames, device.Run({1, std::move(input)}));
    outcome.mismatches += frames[0] != expected;
    ++outcome.samples;
    progress.Advance();
  }
  return {};
}

Result<SimulateOutcome> SimulateArtifact(const Options& options) {
  if (!options.trace.empty()) TF2_RETURN_IF_ERROR(CheckWritable(options.trace));
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  DataFlags flags = options.data;
  if (flags.limit == 0 || !options.trace.empty()) flags.limit = 1;
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(flags, artifact.net));
  TF2_ASSIGN_OR_RETURN(const Compiled compiled, CompileFor(artifact, options.arch));
  TF2_ASSIGN_OR_RETURN(auto device, OpenSimulator(compiled.arch, options.trace));
  runtime::LoadedModel model;
  model.net = std::make_shared<const qnet::QNet>(artifact.net);
  model.program = program::Serialize(compiled.program);
  TF2_RETURN_IF_ERROR(device->Load(model));
  SimulateOutcome outcome;
  TF2_RETURN_IF_ERROR(RunSamples(artifact.net, data, *device, outcome));
  const auto statistics = device->Statistics();
  if (!statistics) return Internal("the simulator counted no cycles");
  outcome.measured = *statistics;
  TF2_ASSIGN_OR_RETURN(outcome.predicted, cost::PredictFrame(compiled.program, compiled.arch));
  outcome.lanes = compiled.arch.lanes();
  device->Close();
  return outcome;
}

Json ToJson(const SimulateOutcome& o) {
  Json json = {{"samples", o.samples},
               {"cycles", o.cycles()},
               {"predicted_cycles", o.predicted.frame_cycles},
               {"run_cycles", o.measured.cycles},
               {"input_cycles", o.measured.input_cycles},
               {"output_cycles", o.measured.output_cycles},
               {"macs", o.predicted.macs},
               {"lanes", o.lanes},
               {"utilisation", o.utilisation()},
               {"mismatches", o.mismatches},
               {"lost",
                {{"load", o.predicted.lost_load},
                 {"read", o.predicted.lost_read},
                 {"pooling", o.predicted.lost_pooling},
                 {"padding_lanes", o.predicted.lost_padding_lanes},
                 {"stalls", o.predicted.lost_stalls},
                 {"overhead", o.predicted.lost_overhead}}},
               {"layers", Json::array()}};
  for (std::size_t i = 0; i < o.measured.layers.size(); ++i) {
    const cost::LayerCost& p = o.predicted.layers[i];
    json["layers"].push_back({{"layer", o.measured.layers[i].layer},
                              {"kind", p.kind},
                              {"cycles", o.measured.layers[i].cycles},
                              {"predicted_cycles", p.cycles},
                              {"macs", p.macs},
                              {"utilisation", p.utilisation}});
  }
  return json;
}

void PrintText(const SimulateOutcome& o) {
  Table table({"layer", "kind", "cycles", "predicted", "MACs", "utilisation"});
  for (std::size_t i = 0; i < o.measured.layers.size(); ++i) {
    const cost::LayerCost& p = o.predicted.layers[i];
    table.AddRow({o.measured.layers[i].layer, p.kind, std::to_string(o.measured.layers[i].cycles),
                  std::to_string(p.cycles), std::to_string(p.macs), Percent(p.utilisation)});
  }
  std::fputs(table.ToString().c_str(), stdout);
  std::printf(
      "frame: %ld cycles (input %ld, run %ld, output %ld), predicted %ld; %ld MACs on %ld lanes: "
      "utilisation %s\n",
      static_cast<long>(o.cycles()), static_cast<long>(o.measured.input_cycles),
      static_cast<long>(o.measured.cycles), static_cast<long>(o.measured.output_cycles),
      static_cast<long>(o.predicted.frame_cycles), static_cast<long>(o.predicted.macs),
      static_cast<long>(o.lanes), Percent(o.utilisation()).c_str());
  std::printf(
      "the rest: loading %s, reading %s, pooling %s, padding lanes %s, stalls %s, overhead %s\n",
      Percent(o.predicted.lost_load).c_str(), Percent(o.predicted.lost_read).c_str(),
      Percent(o.predicted.lost_pooling).c_str(), Percent(o.predicted.lost_padding_lanes).c_str(),
      Percent(o.predicted.lost_stalls).c_str(), Percent(o.predicted.lost_overhead).c_str());
  std::printf("%ld frames, %ld differ from the interpreter\n", static_cast<long>(o.samples),
              static_cast<long>(o.mismatches));
}

}  // namespace

int Simulate(const Options& options) {
  auto outcome = SimulateArtifact(options);
  if (!outcome.ok()) return Fail(outcome.error());
  if (options.json) {
    PrintJson(ToJson(*outcome));
  } else {
    PrintText(*outcome);
  }
  return outcome->mismatches == 0 ? 0 : 2;
}

}  // namespace tf2::cli
