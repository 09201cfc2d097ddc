// One thread against several on the CPU backend, beside what this machine makes of as many threads
// at all: a loop on registers alone, and one over a buffer in the second-level cache.
//   tf2_scaling_bench ARTIFACT [--threads N] [--batch N] [--rounds N] [--isa NAME]
// One process; each round runs every measure on one thread held to each of N processors in turn,
// and on all threads between them: four batches while two more are queued, and single frames four
// times in a row of which the fastest counts. One thread is as fast as the mean of the processors:
// they may differ by a factor, since what another guest does on the other thread of a core is not
// seen here. JSON: for each measure the median over the rounds of (all / one), the ratio of the
// best rates, and the median rates of each processor and of all threads.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <span>
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

// On one thread of processor `which`, or on all threads where that is their number.
struct Measure {
  std::string name;
  std::function<Result<double>(std::size_t which)> rate;
  std::vector<Rates> rates = {};
};

// The processors that this process may use, `count` of them.
Result<std::vector<int>> Processors(int count) {
  cpu_set_t set;
  std::vector<int> processors;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) CPU_ZERO(&set);
  for (int cpu = 0; cpu < CPU_SETSIZE && std::ssize(processors) < count; ++cpu) {
    if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
  }
  if (std::ssize(processors) == count) return processors;
  return InvalidArgument("--threads {}: this process may use {} processors only", count,
                         processors.size());
}

// Holds this thread, and those that it makes, to processors.
Status HoldTo(std::span<const int> processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : processors) CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return Internal("processor {} of this process's can no longer be used", processors[0]);
}

constexpr int kCalls = 4;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of kCalls batches of `count` frames, with two queued from before they begin to after they end.
Result<double> FramesPerSecondOfBatches(Device& device, const qnet::QNet& net, int count) {
  constexpr int kQueued = 2;
  constexpr int kAll = kCalls + 2 * kQueued;
  const Batch noise = bench::Noise(net, count);
  std::deque<Ticket> tickets;
  Clock::time_point start, end;
  for (int ended = 0; ended < kAll; ++ended) {
    while (std::ssize(tickets) < kQueued && ended + std::ssize(tickets) < kAll) {
      TF2_ASSIGN_OR_RETURN(tickets.emplace_back(), device.Submit(Batch(noise)));
    }
    TF2_RETURN_IF_ERROR(device.Wait(tickets.front()));
    tickets.pop_front();
    if (ended + 1 == kQueued) start = Clock::now();
    if (ended + 1 == kCalls + kQueued) end = Clock::now();
  }
  return kCalls * count / std::chrono::duration<double>(end - start).count();
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

void Print(const Measure& measure) {
  const auto all = measure.rates.size() - 1;
  std::vector<double> ratios, ones;
  for (std::size_t round = 0; round < measure.rates[all].size(); ++round) {
    double one = 0;
    for (std::size_t i = 0; i < all; ++i) one += measure.rates[i][round];
    ratios.push_back(measure.rates[all][round] / one * static_cast<double>(all));
  }
  double best_one = 0;
  for (std::size_t i = 0; i < all; ++i) {
    best_one += std::ranges::max(measure.rates[i]) / static_cast<double>(all);
    ones.push_back(benchmark::Median(measure.rates[i]));
  }
  fmt::print(
      ", \"{}\": {{\"ratio\": {:.3f}, \"best\": {:.3f}, \"one\": [{:.4g}], \"all\": {:.4g}}}",
      measure.name, benchmark::Median(ratios), std::ranges::max(measure.rates[all]) / best_one,
      fmt::join(ones, ", "), benchmark::Median(measure.rates[all]));
}

Status Main(int argc, char** argv) {
  TF2_ASSIGN_OR_RETURN(const Options options, ParseOptions(argc, argv));
  TF2_ASSIGN_OR_RETURN(qnet::Artifact artifact, qnet::ReadArtifact(options.artifact));
  TF2_ASSIGN_OR_RETURN(const std::vector<int> processors, Processors(options.threads));
  const LoadedModel model{std::make_shared<const qnet::QNet>(std::move(artifact.net)), {}};
  const auto all = processors.size();
  const auto held = [&](std::size_t which) {
    return which == all ? std::span(processors) : std::span(processors).subspan(which, 1);
  };
  const auto threads = [&](std::size_t which) { return which == all ? options.threads : 1; };
  std::vector<std::unique_ptr<Device>> devices;
  for (std::size_t i = 0; i <= all; ++i) {
    TF2_RETURN_IF_ERROR(HoldTo(held(i)));
    DeviceOptions device_options;
    device_options.threads = threads(i);
    device_options.isa = options.isa;
    TF2_ASSIGN_OR_RETURN(auto device, CpuBackend().open(device_options));
    TF2_RETURN_IF_ERROR(device->Load(model));
    devices.push_back(std::move(device));
  }
  const std::string isa(devices[0]->isa());
  std::vector<Measure> measures = {
      {"registers",
       [&](std::size_t which) { return benchmark::PeakMacsPerSecond(isa, threads(which)); }},
      {"cache",
       [&](std::size_t which) { return benchmark::CacheReadBytesPerSecond(threads(which)); }},
      {"batch",
       [&](std::size_t which) {
         return FramesPerSecondOfBatches(*devices[which], *model.net, options.batch);
       }},
      {"single",
       [&](std::size_t which) { return SingleFramesPerSecond(*devices[which], *model.net); }}};
  std::vector<std::size_t> order;  // all threads in the middle
  for (std::size_t i = 0; i <= all; ++i) order.push_back(i);
  std::rotate(order.begin() + static_cast<std::ptrdiff_t>(all / 2), order.end() - 1, order.end());
  for (Measure& measure : measures) measure.rates.resize(all + 1);
  for (int round = 0; round <= options.rounds; ++round) {
    for (Measure& measure : measures) {
      for (const std::size_t which : order) {
        TF2_RETURN_IF_ERROR(HoldTo(held(which)));
        TF2_ASSIGN_OR_RETURN(const double rate, measure.rate(which));
        if (round > 0) measure.rates[which].push_back(rate);  // the first warms up
      }
    }
  }
  fmt::print("{{\"isa\": \"{}\", \"threads\": {}, \"batch\": {}, \"rounds\": {}", isa,
             options.threads, options.batch, options.rounds);
  for (const Measure& measure : measures) Print(measure);
  fmt::print("}}\n");
  return {};
}

}  // namespace
}  // namespace tf2::runtime

int main(int argc, char** argv) { return tf2::bench::Exit(tf2::runtime::Main(argc, argv)); }
