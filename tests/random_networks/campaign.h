// Draws networks until a number of them ran on the simulated RTL, and keeps what disagrees.
#ifndef TF2_TESTS_RANDOM_NETWORKS_CAMPAIGN_H_
#define TF2_TESTS_RANDOM_NETWORKS_CAMPAIGN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tests/random_networks/check.h"

namespace tf2::random_networks {

struct CampaignOptions {
  std::int64_t count = 300;  // networks to run on the RTL
  std::uint64_t seed = 1;
  std::int64_t only_case = -1;  // this one alone; -1: all
  double time_limit_s = 0;      // start none after; 0: no limit
  int threads = 0;
  std::string crashers;  // folder
};

struct Tally {
  std::string configuration;
  std::int64_t networks = 0;  // that ran there
  std::int64_t refused = 0;   // by the compiler, for this configuration
};

struct Campaign {
  std::int64_t networks = 0;  // that ran on the RTL
  std::int64_t cpu_only = 0;  // that no configuration takes
  std::int64_t replayed = 0;  // crashers
  std::int64_t disagreements = 0;
  Counts counts;
  std::vector<Tally> tallies;  // one a configuration
  bool interrupted = false;
};

// Cases are numbered; case i begins with configuration i modulo their number and moves on to the
// next one that takes it, so that the same options give the same cases. A disagreement is printed,
// minimised and written to the crashers.
Result<Campaign> RunCampaign(const std::vector<Configuration>& configurations,
                             const CampaignOptions& options);

// One file that RunCampaign wrote; disagreements are printed.
Result<Outcome> ReplayCrasher(const std::string& path,
                              const std::vector<Configuration>& configurations, Bench& bench);

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_CAMPAIGN_H_
