// Images per second of an artifact on the reference backend and on the CPU backend with each
// instruction set that this machine has: one JSON object a line.
//   tf2_bench ARTIFACT [--threads N] [--batch N] [--rounds N] [--isa NAME] [--profile 1]
// With --profile: a line for each layer instead.
// The input is fixed noise: the time of every kernel is independent of the values.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "benchmark/measure.h"
#include "noise.h"
#include "options.h"
#include "qnet/artifact.h"
#include "runtime/backends/cpu/cpu.h"
#include "runtime/backends/cpu/isa.h"
#include "runtime/backends/reference/reference.h"

namespace tf2::runtime {
namespace {

struct Options {
  std::string artifact;
  std::string isa;  // only this one, and not the reference
  int threads, batch, rounds, profile;
};

Result<Options> ParseOptions(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(
      auto line,
      bench::ParseCommandLine(
          argc, argv,
          {{"--threads", DefaultThreads()}, {"--batch", 16}, {"--rounds", 15}, {"--profile", 0}}));
  if (line.artifact.empty()) {
    return InvalidArgument(
        "usage: tf2_bench ARTIFACT [--threads N] [--batch N] [--rounds N] [--isa NAME] [--profile "
        "1]");
  }
  auto& n = line.numbers;
  return Options{line.artifact, line.isa,      n["--threads"],
                 n["--batch"],  n["--rounds"], n["--profile"]};
}

// Median of the rounds, wall clock and processor time of all threads.
struct Seconds {
  double wall = 0;
  double cpu = 0;
};

// `rounds` runs of `batch`, after one that is not counted.
Result<Seconds> Time(Device& device, const Batch& batch, int rounds) {
  std::vector<double> wall, cpu;
  for (int i = 0; i <= rounds; ++i) {
    Batch copy = batch;
    const std::clock_t cpu_start = std::clock();
    const auto start = std::chrono::steady_clock::now();
    TF2_ASSIGN_OR_RETURN(const auto frames, device.Run(std::move(copy)));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (i == 0) continue;
    wall.push_back(taken.count());
    cpu.push_back(static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
  }
  return Seconds{benchmark::Median(std::move(wall)), benchmark::Median(std::move(cpu))};
}

Status Measure(const BackendFactory& backend, const std::string& isa, const LoadedModel& model,
               const Options& options) {
  DeviceOptions device_options;
  device_options.threads = options.threads;
  device_options.isa = isa;
  TF2_ASSIGN_OR_RETURN(const auto device, backend.open(device_options));
  TF2_RETURN_IF_ERROR(device->Load(model));
  const int rounds = backend.name == "reference" ? 1 : options.rounds;
  TF2_ASSIGN_OR_RETURN(const Seconds one, Time(*device, bench::Noise(*model.net, 1), rounds));
  TF2_ASSIGN_OR_RETURN(const Seconds many,
                       Time(*device, bench::Noise(*model.net, options.batch), rounds));
  fmt::print(
      "{{\"backend\": \"{}\", \"isa\": \"{}\", \"threads\": {}, \"batch\": {}, "
      "\"images_per_s\": {:.1f}, \"latency_ms\": {:.3f}, \"cpu_ms_per_image\": {:.3f}}}\n",
      device->name(), device->isa(), options.threads, options.batch, options.batch / many.wall,
      one.wall * 1e3, many.cpu / options.batch * 1e3);
  std::fflush(stdout);
  return {};
}

Status PrintProfile(const LoadedModel& model, const Options& options) {
  DeviceOptions device_options;
  device_options.threads = options.threads;
  device_options.isa = options.isa;
  TF2_ASSIGN_OR_RETURN(const auto layers, ProfileCpu(model, device_options, options.rounds));
  double sum = 0;
  for (const LayerTime& layer : layers) {
    sum += layer.seconds;
    fmt::print("{:<28} {:<9} {:9.1f} us {:9.2f} MMAC {:7.2f} GMAC/s {:7.2f} GB/s\n", layer.name,
               layer.kind, layer.seconds * 1e6, static_cast<double>(layer.macs) / 1e6,
               static_cast<double>(layer.macs) / layer.seconds / 1e9,
               static_cast<double>(layer.bytes) / layer.seconds / 1e9);
  }
  fmt::print("{:.1f} us in all\n", sum * 1e6);
  return {};
}

Status Main(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(const Options options, ParseOptions(argc, argv));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, qnet::ReadArtifact(options.artifact));
  const LoadedModel model{std::make_shared<const qnet::QNet>(std::move(artifact.net)), {}};
  if (options.profile != 0) return PrintProfile(model, options);
  if (!options.isa.empty()) return Measure(CpuBackend(), options.isa, model, options);
  for (const cpu::IsaInfo& isa : cpu::AllIsas()) {
    if (isa.available) TF2_RETURN_IF_ERROR(Measure(CpuBackend(), isa.name, model, options));
  }
  return Measure(ReferenceBackend(), "", model, options);
}

}  // namespace
}  // namespace tf2::runtime

int main(int argc, char** argv) { return tf2::bench::Exit(tf2::runtime::Main(argc, argv)); }
