// tf2 verify: the whole chain on real inputs, layer by layer.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "program/serialize.h"
#include "verify/compare.h"

namespace tf2::cli {
namespace {

bool Wanted(const Options& options, const std::string& link) {
  return options.links.empty() || std::count(options.links.begin(), options.links.end(), link) > 0;
}

// Everything that the links need, kept alive while they run.
struct Chain {
  std::vector<std::unique_ptr<runtime::Device>> devices;
  std::optional<Compiled> compiled;
  std::vector<verify::Link> links;
  std::optional<Error> not_compiled;  // why program and RTL are not compared
};

Status AddDevice(Chain& chain, std::unique_ptr<runtime::Device> device,
                 const runtime::LoadedModel& model) {
  TF2_RETURN_IF_ERROR(device->Load(model));
  std::string name(device->name());
  if (device->isa() != device->name()) name += " " + std::string(device->isa());
  chain.links.push_back(verify::DeviceLink(*device, std::move(name)));
  chain.devices.push_back(std::move(device));
  return {};
}

Status OpenLinks(const Options& options, const qnet::Artifact& artifact, Chain& chain) {
  runtime::LoadedModel model;
  model.net = std::make_shared<const qnet::QNet>(artifact.net);
  const auto backends = Backends();
  runtime::DeviceOptions device_options;
  device_options.threads = options.threads;
  for (const std::string name : {"reference", "cpu"}) {
    if (!Wanted(options, name)) continue;
    TF2_ASSIGN_OR_RETURN(auto device, runtime::OpenDevice(name, device_options, backends));
    TF2_RETURN_IF_ERROR(AddDevice(chain, std::move(device), model));
  }
  if (!Wanted(options, "program") && !Wanted(options, "rtl")) return {};
  auto compiled = CompileFor(artifact, options.arch);
  if (!compiled.ok()) {
    // With --links or --arch it is an error; else the other links are still worth comparing.
    if (!options.links.empty() || !options.arch.empty()) return std::move(compiled.error());
    chain.not_compiled = std::move(compiled.error());
    return {};
  }
  chain.compiled = *std::move(compiled);
  if (Wanted(options, "program")) {
    chain.links.push_back(verify::ProgramLink(chain.compiled->program, chain.compiled->arch));
  }
  if (Wanted(options, "rtl")) {
    model.program = program::Serialize(chain.compiled->program);
    TF2_ASSIGN_OR_RETURN(auto device, OpenSimulator(chain.compiled->arch, ""));
    TF2_RETURN_IF_ERROR(AddDevice(chain, std::move(device), model));
  }
  return {};
}

Json ToJson(const verify::Divergence& d) {
  return {{"link", d.link},     {"sample", d.sample},     {"layer", d.layer},
          {"tensor", d.tensor}, {"position", d.position}, {"expected", d.expected},
          {"actual", d.actual}};
}

Json ToJson(const verify::CompareReport& report) {
  Json json = {{"samples", report.samples},
               {"layers", report.layers},
               {"compared", report.compared},
               {"mismatches", report.mismatches},
               {"first", report.first ? ToJson(*report.first) : Json(nullptr)},
               {"links", Json::array()},
               {"layer_reports", Json::array()}};
  for (const verify::LinkReport& l : report.links) {
    json["links"].push_back(
        {{"link", l.link}, {"compared", l.compared}, {"mismatches", l.mismatches}});
  }
  for (const verify::LayerReport& l : report.layer_reports) {
    json["layer_reports"].push_back({{"layer", l.layer},
                                     {"kind", l.kind},
                                     {"snr_db", l.has_snr ? Json(l.snr_db) : Json(nullptr)},
                                     {"saturated", l.saturated},
                                     {"nonzero", l.nonzero}});
  }
  return json;
}

void PrintText(const verify::CompareReport& report) {
  Table table({"layer", "kind", "SNR dB", "saturated", "non-zero"});
  for (const verify::LayerReport& l : report.layer_reports) {
    table.AddRow({l.layer, l.kind, l.has_snr ? fmt::format("{:.1f}", l.snr_db) : "-",
                  Percent(l.saturated), Percent(l.nonzero)});
  }
  std::fputs(table.ToString().c_str(), stdout);
  for (const verify::LinkReport& l : report.links) {
    std::printf("interpreter = %s: %ld tensors, %ld elements compared, %ld tensors differ\n",
                l.link.c_str(), static_cast<long>(l.compared), static_cast<long>(l.elements),
                static_cast<long>(l.mismatches));
  }
  if (report.first) std::printf("first difference: %s\n", verify::ToString(*report.first).c_str());
}

struct VerifyOutcome {
  verify::CompareReport report;
  std::optional<Error> not_compiled;
};

Result<VerifyOutcome> VerifyArtifact(const Options& options) {
  TF2_RETURN_IF_ERROR(CheckNoModelFlags(options));
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  DataFlags flags = options.data;
  if (flags.limit == 0) flags.limit = 8;
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(flags, artifact.net));
  std::optional<ir::Graph> float_graph;
  if (!options.reference.path.empty()) {
    TF2_ASSIGN_OR_RETURN(float_graph, ImportAndFuse(options.reference));
  }
  Chain chain;
  TF2_RETURN_IF_ERROR(OpenLinks(options, artifact, chain));
  Progress progress("verify", data.set->size());
  verify::CompareOptions how;
  how.float_graph = float_graph ? &*float_graph : nullptr;
  how.progress = [&progress] { progress.Advance(); };
  auto sample = [&data](std::int64_t i) -> Result<std::vector<float>> {
    TF2_ASSIGN_OR_RETURN(dataset::Sample one, data.set->Get(i));
    return std::move(one.x);
  };
  TF2_ASSIGN_OR_RETURN(auto report,
                       verify::Compare(artifact.net, chain.links, data.set->size(), sample, how));
  return VerifyOutcome{std::move(report), std::move(chain.not_compiled)};
}

}  // namespace

int Verify(const Options& options) {
  auto outcome = VerifyArtifact(options);
  if (!outcome.ok()) return Fail(outcome.error());
  const std::string why = outcome->not_compiled ? outcome->not_compiled->ToString() : "";
  if (options.json) {
    Json json = ToJson(outcome->report);
    json["not_compiled"] = outcome->not_compiled ? Json(why) : Json(nullptr);
    PrintJson(json);
  } else {
    PrintText(outcome->report);
    if (outcome->not_compiled) std::printf("program and RTL not compared: %s\n", why.c_str());
  }
  return outcome->report.mismatches == 0 ? 0 : 2;
}

}  // namespace tf2::cli
