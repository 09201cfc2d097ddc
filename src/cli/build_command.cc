// tf2 build: a bitstream for a device. tf2 prove: the bitstream decoded, simulated and compared.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/progress.h"
#include "base/resources.h"
#include "build/ice40.h"
#include "build/simulator.h"
#include "cli/data.h"
#include "cli/devices.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cost/cost.h"
#include "program/serialize.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "runtime/backends/verilator/verilator.h"
#include "sched/compile.h"

namespace tf2::cli {
namespace {

struct Built {
  arch::Device device;
  program::Program program;
  arch::Arch arch;
  build::Ice40Build ice40;
};

Result<Built> BuildFor(const qnet::QNet& net, const std::string& device_name, std::int64_t seed) {
  TF2_ASSIGN_OR_RETURN(const std::string devices, FindResource("data/devices"));
  TF2_ASSIGN_OR_RETURN(arch::Device device, arch::FindDevice(devices, device_name));
  TF2_ASSIGN_OR_RETURN(auto compiled, sched::CompileForDevice(net, device));
  TF2_ASSIGN_OR_RETURN(auto ice40, build::BuildIce40(compiled.arch, device, seed));
  return Built{std::move(device), std::move(compiled.program), std::move(compiled.arch),
               std::move(ice40)};
}

std::string OutputPath(const Options& options) {
  if (!options.output.empty()) return options.output;
  return std::filesystem::path(options.model.path).replace_extension("").string() + "." +
         options.device + ".bin";
}

Status CopyAtomically(const std::string& from, const std::string& to) {
  TF2_ASSIGN_OR_RETURN(const auto bytes, ReadFile(from));
  return WriteFileAtomically(to, bytes);
}

Status BuildTo(const Options& options) {
  const std::string output = OutputPath(options);
  TF2_RETURN_IF_ERROR(CheckWritable(output));
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  TF2_ASSIGN_OR_RETURN(const Built built, BuildFor(artifact.net, options.device, options.seed));
  TF2_ASSIGN_OR_RETURN(const cost::FrameCost cost, cost::PredictFrame(built.program, built.arch));
  const double frames_per_s = built.ice40.fmax_mhz * 1e6 / static_cast<double>(cost.frame_cycles);
  TF2_RETURN_IF_ERROR(CopyAtomically(built.ice40.log, output + ".log"));
  TF2_RETURN_IF_ERROR(CopyAtomically(built.ice40.bitstream, output));
  if (options.json) {
    PrintJson({{"device", built.device.name},
               {"lc", built.ice40.lc},
               {"ram", built.ice40.ram},
               {"spram", built.ice40.spram},
               {"dsp", built.ice40.dsp},
               {"fmax_mhz", built.ice40.fmax_mhz},
               {"lanes", built.arch.lanes()},
               {"cycles", cost.frame_cycles},
               {"frames_per_s", frames_per_s},
               {"seed", options.seed},
               {"seconds", built.ice40.seconds},
               {"bitstream", output},
               {"log", output + ".log"}});
    return {};
  }
  std::printf(
      "%s: %ld of %ld logic cells, %ld of %ld block RAMs, %ld SPRAMs, %ld DSPs, %.2f MHz after "
      "routing\n",
      output.c_str(), static_cast<long>(built.ice40.lc),
      static_cast<long>(built.device.logic_cells), static_cast<long>(built.ice40.ram),
      static_cast<long>(built.device.ebr), static_cast<long>(built.ice40.spram),
      static_cast<long>(built.ice40.dsp), built.ice40.fmax_mhz);
  std::printf("%ld lanes, %ld cycles a frame: %.0f frames/s at that clock; log %s.log\n",
              static_cast<long>(built.arch.lanes()), static_cast<long>(cost.frame_cycles),
              frames_per_s, output.c_str());
  return {};
}

struct Proof {
  std::int64_t samples = 0;
  std::int64_t words = 0;  // feature words of the outputs
  std::int64_t wrong = 0;
};

// Counts the C-byte words of `actual` that differ from `expected`.
void CountWords(const std::vector<std::uint8_t>& expected, const std::vector<std::uint8_t>& actual,
                std::size_t c, Proof& proof) {
  for (std::size_t at = 0; at < expected.size(); at += c) {
    bool same = actual.size() == expected.size();
    for (std::size_t i = at; same && i < std::min(at + c, expected.size()); ++i)
      same = expected[i] == actual[i];
    ++proof.words;
    proof.wrong += same ? 0 : 1;
  }
}

// The engine takes the SPRAMs and DSPs of a device that has some, and they cannot be decoded:
// refused before the build.
Status CheckDecodable(const std::string& device_name) {
  TF2_ASSIGN_OR_RETURN(const std::string devices, FindResource("data/devices"));
  TF2_ASSIGN_OR_RETURN(const arch::Device device, arch::FindDevice(devices, device_name));
  if (device.spram == 0 && device.dsp == 0) return {};
  return WithHint(
      Unsupported(
          "{}: its SPRAMs and DSPs, which the engine uses, cannot be decoded from a bitstream",
          device_name),
      "prove on ice40-hx8k, which has neither");
}

Result<Proof> ProveArtifact(const Options& options) {
  TF2_ASSIGN_OR_RETURN(const qnet::Artifact artifact, OpenArtifact(options.model.path));
  DataFlags flags = options.data;
  if (flags.limit == 0) flags.limit = 20;
  TF2_ASSIGN_OR_RETURN(const Data data, OpenData(flags, artifact.net));
  const std::string device_name = options.device.empty() ? "ice40-hx8k" : options.device;
  TF2_RETURN_IF_ERROR(CheckDecodable(device_name));
  TF2_ASSIGN_OR_RETURN(const Built built, BuildFor(artifact.net, device_name, options.seed));
  TF2_ASSIGN_OR_RETURN(const std::string verilog, build::DecodeIce40(built.ice40, built.device));
  TF2_ASSIGN_OR_RETURN(const std::string simulator,
                       build::BuildDecodedSimulator(built.arch, verilog));
  runtime::DeviceOptions device_options;
  device_options.simulator = simulator;
  TF2_ASSIGN_OR_RETURN(auto device, runtime::VerilatorBackend().open(device_options));
  runtime::LoadedModel model;
  model.net = std::make_shared<const qnet::QNet>(artifact.net);
  model.program = program::Serialize(built.program);
  TF2_RETURN_IF_ERROR(device->Load(model));
  Proof proof;
  Progress progress("prove", data.set->size());
  for (std::int64_t i = 0; i < data.set->size(); ++i) {
    TF2_ASSIGN_OR_RETURN(const dataset::Sample sample, data.set->Get(i));
    TF2_ASSIGN_OR_RETURN(std::vector<std::int8_t> input,
                         qnet::QuantizeInput(artifact.net, sample.x));
    TF2_ASSIGN_OR_RETURN(const auto expected, qnet::Interpret(artifact.net, input));
    TF2_ASSIGN_OR_RETURN(const auto frames, device->Run({1, std::move(input)}));
    for (std::size_t o = 0; o < expected.size(); ++o) {
      CountWords(expected[o], frames[0][o], static_cast<std::size_t>(built.arch.c), proof);
    }
    ++proof.samples;
    progress.Advance();
  }
  return proof;
}

}  // namespace

int Build(const Options& options) {
  const Status status = BuildTo(options);
  return status.ok() ? 0 : Fail(status.error());
}

int Prove(const Options& options) {
  auto proof = ProveArtifact(options);
  if (!proof.ok()) return Fail(proof.error());
  if (options.json) {
    PrintJson({{"samples", proof->samples}, {"words", proof->words}, {"wrong", proof->wrong}});
  } else {
    std::printf("decoded bitstream on %ld pictures: %ld of %ld output words wrong\n",
                static_cast<long>(proof->samples), static_cast<long>(proof->wrong),
                static_cast<long>(proof->words));
  }
  return proof->wrong == 0 ? 0 : 2;
}

}  // namespace tf2::cli
