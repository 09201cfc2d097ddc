// tf2_random_networks: random small networks through every executor of the chain, layer by layer,
// and the predicted cycles against the simulated ones. Status 0: all agree; 1: a disagreement or an
// error; 77: Verilator is missing, nothing was tested; 130: interrupted.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/subprocess.h"
#include "tests/random_networks/campaign.h"
#include "tests/random_networks/in_flight.h"
#include "tests/random_networks/report.h"

namespace {

using namespace tf2;                   // NOLINT(google-build-using-namespace)
using namespace tf2::random_networks;  // NOLINT(google-build-using-namespace)

constexpr char kFolder[] = TF2_SOURCE_DIR "/tests/random_networks";
constexpr std::int64_t kHangSeconds = 300;
constexpr int kSkipped = 77;

struct Flags {
  std::string configs = std::string(kFolder) + "/configs";
  std::string reproduce;
  bool json = false;
  CampaignOptions campaign;
};

void AddFlags(CLI::App& app, Flags& f) {
  f.campaign.crashers = std::string(kFolder) + "/crashers";
  app.add_option("--count", f.campaign.count, "networks to run on the simulated engines")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seed", f.campaign.seed, "of the cases");
  app.add_option("--case", f.campaign.only_case, "run this case alone")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--configs", f.configs, "folder of configurations (*.json)");
  app.add_option("--crashers", f.campaign.crashers,
                 "folder of cases that disagreed: replayed first, new ones are written there");
  app.add_option("--time-limit", f.campaign.time_limit_s, "seconds after which no case is begun")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--threads", f.campaign.threads, "cases at once (default: all processors)")
      ->check(CLI::Range(1, 60));
  app.add_option("--reproduce", f.reproduce, "run one file of the crashers alone");
  app.add_flag("--json", f.json, "print one JSON object");
}

int Fail(const Error& error) {
  LogError("{}", error.ToString());
  return error.code == ErrorCode::kCancelled ? 130 : 1;
}

int Skip(const Flags& flags) {
  constexpr char kReason[] = "Verilator is not installed: no random network was run";
  if (flags.json) {
    fmt::print("{{\"skipped\":\"{}\"}}\n", kReason);
  } else {
    fmt::print("SKIPPED: {}\n", kReason);
  }
  return kSkipped;
}

int Reproduce(const Flags& flags, const std::vector<Configuration>& configurations) {
  auto bench = Bench::Open(1);
  if (!bench.ok()) return Fail(bench.error());
  const auto outcome = ReplayCrasher(flags.reproduce, configurations, **bench);
  if (!outcome.ok()) return Fail(outcome.error());
  if (!outcome->refusal.empty()) fmt::print("refused: {}\n", outcome->refusal);
  const int disagreements = outcome->disagreement ? 1 : 0;
  if (flags.json) {
    fmt::print("{{\"networks\":1,\"disagreements\":{}}}\n", disagreements);
  } else {
    fmt::print("1 networks, {} disagreements\n", disagreements);
  }
  return disagreements;
}

int Run(const Flags& flags) {
  if (!FindTool("verilator")) return Skip(flags);
  if (!flags.reproduce.empty()) return Reproduce(flags, {});
  auto configurations = ReadConfigurations(flags.configs);
  if (!configurations.ok()) return Fail(configurations.error());
  if (const Status built = BuildSimulators(*configurations); !built.ok())
    return Fail(built.error());
  const auto start = std::chrono::steady_clock::now();
  const auto campaign = RunCampaign(*configurations, flags.campaign);
  if (!campaign.ok()) return Fail(campaign.error());
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  if (flags.json) {
    PrintJson(*campaign, spent.count());
  } else {
    PrintText(*campaign, spent.count());
  }
  if (campaign->disagreements > 0) return 1;
  return campaign->interrupted ? 130 : 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Random small networks through interpreter, CPU, program oracle and simulated RTL");
  Flags flags;
  AddFlags(app, flags);
  CLI11_PARSE(app, argc, argv);
  SetProgressEnabled(!flags.json);
  InstallInterruptHandlers();
  WatchCases(kHangSeconds);
  return Run(flags);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tf2_random_networks: %s\n", e.what());
    return 1;
  }
}
