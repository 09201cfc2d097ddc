// tf2 compile: schedules an artifact onto an accelerator and stores the program in it.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/resources.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cost/cost.h"
#include "program/assembler.h"
#include "program/serialize.h"
#include "sched/compile.h"

namespace tf2::cli {
namespace {

// `assembler`: the program's text, empty unless asked for.
void Print(const Options& options, const Compiled& compiled, const cost::FrameCost& cost,
           const std::string& assembler) {
  const program::Program& p = compiled.program;
  if (options.json) {
    Json json = {{"arch", compiled.arch.name},
                 {"lanes", compiled.arch.lanes()},
                 {"layers", p.layers.size()},
                 {"feature_words", p.peak_words},
                 {"feature_words_lower_bound", p.lower_bound_words},
                 {"weight_words", p.weight_words()},
                 {"params", p.params.size()},
                 {"acc_bits", p.needs.acc_bits},
                 {"predicted_cycles", cost.frame_cycles},
                 {"utilisation", cost.utilisation},
                 {"output", options.output}};
    if (options.assembler) json["asm"] = assembler;
    PrintJson(json);
    return;
  }
  if (options.assembler) {
    std::fputs(assembler.c_str(), stdout);
    return;
  }
  std::printf("%s: %zu layers for %s (%d x %d x %d lanes)\n", options.model.path.c_str(),
              p.layers.size(), compiled.arch.name.c_str(), p.n, p.c, p.p);
  std::printf(
      "features %ld words at the peak (no schedule can use fewer than %ld), weights %ld words, "
      "parameters %zu, "
      "accumulator %d bits\n",
      static_cast<long>(p.peak_words), static_cast<long>(p.lower_bound_words),
      static_cast<long>(p.weight_words()), p.params.size(), p.needs.acc_bits);
  std::printf("%ld cycles a frame, utilisation %s\n", static_cast<long>(cost.frame_cycles),
              Percent(cost.utilisation).c_str());
}

Result<Compiled> CompileWith(const Options& options, const qnet::Artifact& artifact) {
  if (options.device.empty()) return CompileFor({artifact.net, {}}, options.arch);
  if (!options.arch.empty()) return InvalidArgument("give --arch or --device, not both");
  TF2_ASSIGN_OR_RETURN(const std::string devices, FindResource("data/devices"));
  TF2_ASSIGN_OR_RETURN(const arch::Device device, arch::FindDevice(devices, options.device));
  TF2_ASSIGN_OR_RETURN(auto compiled, sched::CompileForDevice(artifact.net, device));
  return Compiled{std::move(compiled.program), std::move(compiled.arch)};
}

Status CompileTo(const Options& options) {
  if (!options.output.empty()) TF2_RETURN_IF_ERROR(CheckWritable(options.output));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(const Compiled compiled, CompileWith(options, artifact));
  TF2_ASSIGN_OR_RETURN(const cost::FrameCost cost,
                       cost::PredictFrame(compiled.program, compiled.arch));
  std::string assembler;
  if (options.assembler) {
    TF2_ASSIGN_OR_RETURN(assembler, program::Disassemble(compiled.program));
  }
  if (!options.output.empty()) {
    artifact.extra[qnet::kProgramSection] = program::Serialize(compiled.program);
    TF2_RETURN_IF_ERROR(qnet::WriteArtifact(options.output, artifact));
  }
  Print(options, compiled, cost, assembler);
  return {};
}

}  // namespace

int Compile(const Options& options) {
  const Status status = CompileTo(options);
  return status.ok() ? 0 : Fail(status.error());
}

}  // namespace tf2::cli
