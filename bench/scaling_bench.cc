// One thread against several on the CPU backend, beside what this machine makes of as many threads
// at all: a loop on registers alone, and one over a buffer in the second-level cache.
//   tf2_scaling_bench ARTIFACT [--threads N] [--batch N] [--rounds N] [--isa NAME]
// One process; each round runs every measure on one thread, then on all: four batches queued at
// once, and single frames four times in a row of which the fastest counts. JSON: for each measure
// the ratio of the medians and of the best rates, and the best rates themselves. Other programs
// disturb the medians; the best needs one undisturbed run of each kind.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "benchmark/machine.h"
#include "benchmark/measure.h"
#include "noise.h"
#include "options.h"
#include "qnet/artifact.h"
#include "runtime/backends/cpu/cpu.h"

namespace tf2::runtime {
namespace {

struct Options {
  std::string artifact;
  std::string isa;
  int threads, batch, rounds;
};

Result<Options> ParseOptions(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(
      auto line,
      bench::ParseCommandLine(argc, argv,
                              {{"--threads", DefaultThreads()}, {"--batch", 8}, {"--rounds", 30}}));
  if (line.artifact.empty()) {
    return InvalidArgument(
        "usage: tf2_scaling_bench ARTIFACT [--threads N] [--batch N] [--rounds N] [--isa NAME]");
  }
  auto& n = line.numbers;
  return Options{line.artifact, line.isa, n["--threads"], n["--batch"], n["--rounds"]};
}

using Rates = std::vector<double>;  // of one measure, a round each

struct Measure {
  std::string name;
  std::function<Result<double>(std::size_t which)> rate;  // which: 0 on one thread, 1 on all
  std::array<Rates, 2> rates = {};
};

constexpr int kCalls = 4;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of kCalls batches of `count` frames, queued at once.
Result<double> FramesPerSecondOfBatches(Device& device, const qnet::QNet& net, int count) {
  std::vector<Batch> batches(kCalls, bench::Noise(net, count));
  std::vector<Ticket> tickets;
  const auto start = Clock::now();
  for (Batch& batch : batches) {
    TF2_ASSIGN_OR_RETURN(tickets.emplace_back(), device.Submit(std::move(batch)));
  }
  for (const Ticket ticket : tickets) TF2_RETURN_IF_ERROR(device.Wait(ticket));
  return kCalls * count / SecondsSince(start);
}

// Of the fastest of kCalls frames, one after the other.
Result<double> SingleFramesPerSecond(Device& device, const qnet::QNet& net) {
  const Batch noise = bench::Noise(net, 1);
  double least = std::numeric_limits<double>::infinity();
  for (int call = 0; call < kCalls; ++call) {
    Batch frame = noise;
    const auto start = Clock::now();
    TF2_RETURN_IF_ERROR(device.Run(std::move(frame)));
    least = std::min(least, SecondsSince(start));
  }
  return 1 / least;
}

Status Main(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(const Options options, ParseOptions(argc, argv));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, qnet::ReadArtifact(options.artifact));
  const LoadedModel model{std::make_shared<const qnet::QNet>(std::move(artifact.net)), {}};
  const std::array threads = {1, options.threads};
  std::array<std::unique_ptr<Device>, 2> devices;
  for (std::size_t i = 0; i < 2; ++i) {
    DeviceOptions device_options;
    device_options.threads = threads[i];
    device_options.isa = options.isa;
    TF2_ASSIGN_OR_RETURN(devices[i], CpuBackend().open(device_options));
    TF2_RETURN_IF_ERROR(devices[i]->Load(model));
  }
  const std::string isa(devices[0]->isa());
  std::vector<Measure> measures = {
      {"registers",
       [&](std::size_t which) { return benchmark::PeakMacsPerSecond(isa, threads[which]); }},
      {"cache",
       [&](std::size_t which) { return benchmark::CacheReadBytesPerSecond(threads[which]); }},
      {"batch",
       [&](std::size_t which) {
         return FramesPerSecondOfBatches(*devices[which], *model.net, options.batch);
       }},
      {"single",
       [&](std::size_t which) { return SingleFramesPerSecond(*devices[which], *model.net); }}};
  for (int round = 0; round <= options.rounds; ++round) {
    for (Measure& measure : measures) {
      for (std::size_t which = 0; which < 2; ++which) {
        TF2_ASSIGN_OR_RETURN(const double rate, measure.rate(which));
        if (round > 0) measure.rates[which].push_back(rate);  // the first warms up
      }
    }
  }
  fmt::print("{{\"isa\": \"{}\", \"threads\": {}, \"batch\": {}, \"rounds\": {}", isa,
             options.threads, options.batch, options.rounds);
  for (const Measure& measure : measures) {
    const auto& [one, all] = measure.rates;
    const double best_one = std::ranges::max(one), best_all = std::ranges::max(all);
    fmt::print(
        ", \"{}\": {{\"medians\": {:.3f}, \"best\": {:.3f}, \"one\": {:.4g}, \"all\": {:.4g}}}",
        measure.name, benchmark::Median(all) / benchmark::Median(one), best_all / best_one,
        best_one, best_all);
  }
  fmt::print("}}\n");
  return {};
}

}  // namespace
}  // namespace tf2::runtime

int main(int argc, char** argv) { return tf2::bench::Exit(tf2::runtime::Main(argc, argv)); }
