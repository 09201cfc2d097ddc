// The engines that random networks run on: one arch file each, simulators built once and cached.
#ifndef TF2_TESTS_RANDOM_NETWORKS_CONFIGURATION_H_
#define TF2_TESTS_RANDOM_NETWORKS_CONFIGURATION_H_

#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"

namespace tf2::random_networks {

struct Configuration {
  arch::Arch arch;
  std::string simulator;  // shared object
};

// Every *.json of `folder` in the order of the names. Errors: none there, a file that is no
// configuration.
Result<std::vector<Configuration>> ReadConfigurations(const std::string& folder);

// Builds what the cache lacks, with progress. Errors: those of build::BuildSimulator.
Status BuildSimulators(std::vector<Configuration>& configurations);

}  // namespace tf2::random_networks

#endif  // TF2_TESTS_RANDOM_NETWORKS_CONFIGURATION_H_
