// tf2 explain: where each node of a model will run, why not elsewhere, and what would help.
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "arch/arch.h"
#include "arch/device.h"
#include "base/resources.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "passes/pipeline.h"
#include "verify/explain.h"

namespace tf2::cli {
namespace {

Result<sched::Compiled> CompileAsAsked(const qnet::QNet& net, const Options& options) {
  if (!options.device.empty()) {
    TF2_ASSIGN_OR_RETURN(const std::string devices, FindResource("data/devices"));
    TF2_ASSIGN_OR_RETURN(const arch::Device device, arch::FindDevice(devices, options.device));
    return sched::CompileForDevice(net, device);
  }
  if (options.arch.empty()) return sched::CompileSized(net);
  TF2_ASSIGN_OR_RETURN(arch::Arch arch, arch::ReadArch(options.arch));
  TF2_ASSIGN_OR_RETURN(program::Program program, sched::Compile(net, arch));
  return sched::Compiled{std::move(program), std::move(arch)};
}

Result<verify::Explanation> ExplainModel(const Options& options) {
  TF2_ASSIGN_OR_RETURN(const ir::Graph imported, ImportModel(options.model));
  ir::Graph fused = imported;
  TF2_RETURN_IF_ERROR(passes::RunPipeline(fused, {options.model.disabled_passes}));
  return verify::Explain(imported, fused,
                         [&](const qnet::QNet& net) { return CompileAsAsked(net, options); });
}

// Multiply-accumulates by place.
std::map<std::string, std::int64_t> MacsByPlace(const verify::Explanation& explanation) {
  std::map<std::string, std::int64_t> macs;
  for (const verify::ExplainedNode& node : explanation.nodes) macs[node.place] += node.macs;
  return macs;
}

Json ToJson(const verify::Explanation& explanation) {
  Json json = {{"nodes", Json::array()}, {"one_q", Json::array()}};
  for (const verify::ExplainedNode& node : explanation.nodes) {
    json["nodes"].push_back({{"name", node.name},
                             {"op", node.op},
                             {"place", node.place},
                             {"layer", node.layer},
                             {"why", node.why},
                             {"help", node.help},
                             {"macs", node.macs},
                             {"bytes", node.bytes},
                             {"cycles", node.cycles}});
  }
  for (const quantize::OneQDemand& demand : explanation.demands) {
    json["one_q"].push_back(
        {{"tensor", explanation.net.tensor(demand.tensor).name}, {"demanded_by", demand.why}});
  }
  json["macs"] = MacsByPlace(explanation);
  json["engine"] = explanation.engine;
  json["frame_cycles"] = explanation.frame_cycles;
  return json;
}

// Each reason once, with the first nodes that it is true of.
void PrintReasons(const verify::Explanation& explanation) {
  constexpr std::size_t kNamed = 4;
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const verify::ExplainedNode& node : explanation.nodes) {
    if (node.why.empty()) continue;
    const std::string reason =
        fmt::format("({}): {}{}{}", node.place, node.why, node.help.empty() ? "" : "; ", node.help);
    auto found = std::ranges::find(reasons, reason, [](const auto& r) { return r.first; });
    if (found == reasons.end()) found = reasons.insert(found, {reason, {}});
    found->second.push_back(node.name);
  }
  for (auto& [reason, names] : reasons) {
    const std::size_t more = names.size() > kNamed ? names.size() - kNamed : 0;
    names.resize(names.size() - more);
    std::printf("%s%s %s\n", fmt::format("{}", fmt::join(names, ", ")).c_str(),
                more == 0 ? "" : fmt::format(" and {} more", more).c_str(), reason.c_str());
  }
}

void Print(const verify::Explanation& explanation) {
  std::int64_t total = 0;
  for (const verify::ExplainedNode& node : explanation.nodes) total += node.macs;
  Table table({"node", "operator", "runs on", "MACs", "share", "bytes", "cycles"});
  for (const verify::ExplainedNode& node : explanation.nodes) {
    const double share =
        total == 0 ? 0 : static_cast<double>(node.macs) / static_cast<double>(total);
    table.AddRow({node.name, node.op, node.place, std::to_string(node.macs), Percent(share),
                  std::to_string(node.bytes), node.cycles == 0 ? "" : std::to_string(node.cycles)});
  }
  std::fputs(table.ToString().c_str(), stdout);
  PrintReasons(explanation);
  for (const quantize::OneQDemand& demand : explanation.demands) {
    std::printf("%s needs one exponent for all channels: %s\n",
                explanation.net.tensor(demand.tensor).name.c_str(), demand.why.c_str());
  }
  std::string summary;
  for (const auto& [place, macs] : MacsByPlace(explanation)) {
    if (macs == 0) continue;
    summary += fmt::format("{}{} on {}", summary.empty() ? "" : ", ",
                           Percent(static_cast<double>(macs) / static_cast<double>(total)), place);
  }
  std::printf("multiply-accumulates: %s\n", summary.empty() ? "none" : summary.c_str());
  if (explanation.engine.empty()) {
    std::printf("engine: %lld cycles a frame\n", static_cast<long long>(explanation.frame_cycles));
  } else {
    std::printf("the engine does not run it: %s\n", explanation.engine.c_str());
  }
}

}  // namespace

int Explain(const Options& options) {
  const auto explanation = ExplainModel(options);
  if (!explanation.ok()) return Fail(explanation.error());
  if (options.json) {
    PrintJson(ToJson(*explanation));
  } else {
    Print(*explanation);
  }
  return 0;
}

}  // namespace tf2::cli
