#include "tests/random_networks/campaign.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <mutex>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "build/simulator.h"
#include "tests/random_networks/crasher.h"
#include "tests/random_networks/in_flight.h"
#include "verify/minimise.h"

namespace tf2::random_networks {
namespace {

// After this many the rest would tell nothing new.
constexpr std::int64_t kMaxDisagreements = 10;

// The whole chain on one configuration: the CPU where `link` is one of its, else the engine.
Result<Outcome> CheckLink(const Case& c, const std::string& link,
                          const Configuration& configuration, Bench& bench) {
  TF2_ASSIGN_OR_RETURN(const Golden golden, Interpret(c));
  if (link.starts_with("cpu")) return CheckOnCpu(c, golden, bench);
  return CheckOnEngine(c, golden, configuration, bench);
}

// The smallest case that disagrees as `c` does; `c` itself where one input alone does not.
Case MinimiseCase(const Case& c, const Disagreement& wanted, const Configuration& configuration,
                  Bench& bench) {
  const auto check = [&](const verify::FailingCase& candidate) -> std::optional<std::string> {
    const Case shrunk{candidate.net, {candidate.input, candidate.input}, c.options};
    const auto outcome = CheckLink(shrunk, wanted.link, configuration, bench);
    if (!outcome.ok() || !outcome->disagreement) return {};
    const Disagreement& d = *outcome->disagreement;
    if (d.kind != wanted.kind || d.link != wanted.link) return {};
    return d.layer;
  };
  for (const auto& input : c.inputs) {
    const verify::Minimised result = verify::Minimise({c.net, input}, check);
    if (!result.reproduced) continue;
    const verify::FailingCase& smallest = result.smallest;
    return {smallest.net, {smallest.input, smallest.input}, c.options};
  }
  return c;
}

class Runner {
 public:
  Runner(const std::vector<Configuration>& configurations, const CampaignOptions& options)
      : configurations_(configurations),
        options_(options),
        progress_("random networks", options.count) {
    for (const Configuration& c : configurations) campaign_.tallies.push_back({c.arch.name, 0, 0});
  }

  Result<Campaign> Run() {
    Status status = RunAll();
    if (!status.ok() && status.error().code != ErrorCode::kCancelled)
      return std::move(status.error());
    campaign_.interrupted = !status.ok();
    return std::move(campaign_);
  }

 private:
  bool Stops() const {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    return (options_.time_limit_s > 0 && spent.count() > options_.time_limit_s) ||
           campaign_.disagreements >= kMaxDisagreements;
  }

  Status RunAll() {
    TF2_RETURN_IF_ERROR(Replay());
    if (options_.only_case >= 0) return RunCase(options_.only_case);
    // In waves of as many cases as networks are missing, so that the set is always the same.
    for (std::int64_t next = 0; campaign_.networks < options_.count && !Stopped();) {
      const std::int64_t wave = options_.count - campaign_.networks;
      TF2_RETURN_IF_ERROR(ParallelForStatus(wave, options_.threads, [&](std::int64_t i) -> Status {
        return Stopped() ? Status() : RunCase(next + i);
      }));
      next += wave;
    }
    return {};
  }

  bool Stopped() {
    const std::lock_guard lock(mutex_);
    return Stops();
  }

  Status Replay() {
    TF2_ASSIGN_OR_RETURN(const auto paths, ListCrashers(options_.crashers));
    TF2_ASSIGN_OR_RETURN(auto bench, benches_.Borrow());
    for (const std::string& path : paths) {
      TF2_ASSIGN_OR_RETURN(const Outcome outcome, ReplayCrasher(path, configurations_, *bench));
      ++campaign_.replayed;
      if (outcome.disagreement) ++campaign_.disagreements;
    }
    return {};
  }

  // The case on the CPU, and on the first configuration that takes it.
  Status RunCase(std::int64_t index) {
    const InFlight in_flight(index);
    const std::size_t n = configurations_.size();
    const std::size_t first = static_cast<std::size_t>(index) % n;
    const Case c = DrawCase(options_.seed, index, configurations_[first].arch);
    TF2_ASSIGN_OR_RETURN(const Golden golden, Interpret(c));
    TF2_ASSIGN_OR_RETURN(auto bench, benches_.Borrow());
    TF2_ASSIGN_OR_RETURN(const Outcome on_cpu, CheckOnCpu(c, golden, *bench));
    Outcome on_engine;
    std::vector<std::size_t> refused;
    std::size_t at = first;
    for (std::size_t tried = 0; tried < n; ++tried) {
      at = (first + tried) % n;
      TF2_ASSIGN_OR_RETURN(on_engine, CheckOnEngine(c, golden, configurations_[at], *bench));
      if (on_engine.ran || on_engine.disagreement) break;
      refused.push_back(at);
    }
    Count(on_cpu, on_engine, at, refused);
    for (const Outcome* outcome : std::initializer_list<const Outcome*>{&on_cpu, &on_engine}) {
      if (!outcome->disagreement) continue;
      TF2_RETURN_IF_ERROR(Keep(index, c, *outcome->disagreement, configurations_[at], *bench));
    }
    return {};
  }

  void Count(const Outcome& on_cpu, const Outcome& on_engine, std::size_t at,
             const std::vector<std::size_t>& refused) {
    const std::lock_guard lock(mutex_);
    campaign_.counts.Add(on_cpu.counts);
    campaign_.counts.Add(on_engine.counts);
    for (const std::size_t i : refused) ++campaign_.tallies[i].refused;
    if (!on_engine.ran) {
      if (refused.size() == configurations_.size()) ++campaign_.cpu_only;
      return;
    }
    ++campaign_.tallies[at].networks;
    ++campaign_.networks;
    progress_.Advance();
  }

  Status Keep(std::int64_t index, const Case& c, const Disagreement& d,
              const Configuration& configuration, Bench& bench) {
    {
      const std::lock_guard lock(mutex_);
      ++campaign_.disagreements;
    }
    LogError("case {} of seed {} on {}: {}", index, options_.seed, configuration.arch.name, d.text);
    const Crasher crasher{MinimiseCase(c, d, configuration, bench), configuration.arch};
    const std::string what = fmt::format("{}-{}", configuration.arch.name, KindName(d.kind));
    TF2_ASSIGN_OR_RETURN(const std::string path, WriteCrasher(options_.crashers, what, crasher));
    LogError("minimised to {}: rerun with --reproduce\n{}", path, qnet::ToText(crasher.c.net));
    return {};
  }

  const std::vector<Configuration>& configurations_;
  const CampaignOptions options_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  BenchPool benches_;
  std::mutex mutex_;  // of what follows
  Campaign campaign_;
  Progress progress_;
};

}  // namespace

Result<Campaign> RunCampaign(const std::vector<Configuration>& configurations,
                             const CampaignOptions& options) {
  return Runner(configurations, options).Run();
}

Result<Outcome> ReplayCrasher(const std::string& path,
                              const std::vector<Configuration>& configurations, Bench& bench) {
  TF2_ASSIGN_OR_RETURN(const Crasher crasher, ReadCrasher(path));
  Configuration configuration{crasher.arch, {}};
  for (const Configuration& known : configurations) {
    if (known.arch == crasher.arch) configuration = known;
  }
  if (configuration.simulator.empty()) {
    TF2_ASSIGN_OR_RETURN(configuration.simulator, build::BuildSimulator(crasher.arch));
  }
  TF2_ASSIGN_OR_RETURN(const Golden golden, Interpret(crasher.c));
  TF2_ASSIGN_OR_RETURN(Outcome on_cpu, CheckOnCpu(crasher.c, golden, bench));
  TF2_ASSIGN_OR_RETURN(Outcome outcome, CheckOnEngine(crasher.c, golden, configuration, bench));
  if (on_cpu.disagreement) outcome.disagreement = std::move(on_cpu.disagreement);
  outcome.counts.Add(on_cpu.counts);
  if (outcome.disagreement) LogError("{}: {}", path, outcome.disagreement->text);
  return outcome;
}

}  // namespace tf2::random_networks
