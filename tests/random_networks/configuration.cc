#include "tests/random_networks/configuration.h"

#include "base/files.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "build/simulator.h"

namespace tf2::random_networks {

Result<std::vector<Configuration>> ReadConfigurations(const std::string& folder) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  std::vector<Configuration> configurations;
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;
    TF2_ASSIGN_OR_RETURN(arch::Arch arch, arch::ReadArch(folder + "/" + name));
    configurations.push_back({std::move(arch), {}});
  }
  if (configurations.empty()) return NotFound("{}: no configuration (*.json)", folder);
  return configurations;
}

Status BuildSimulators(std::vector<Configuration>& configurations) {
  Progress progress("simulators", std::ssize(configurations));
  for (Configuration& c : configurations) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    auto built = build::BuildSimulator(c.arch);
    if (!built.ok()) return std::move(built.error()).At(c.arch.name);
    c.simulator = *std::move(built);
    progress.Advance();
  }
  return {};
}

}  // namespace tf2::random_networks
