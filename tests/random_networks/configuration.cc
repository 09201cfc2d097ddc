#include "tests/random_networks/configuration.h"

#include "base/files.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "build/simulator.h"

namespace tf2::random_networks {

Result<std::vector<Configuration>> ReadConfigurations(const std::string& folder) {
  TF2_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  std::vector<Configuration> configurations;
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;
    TF2_ASSIGN_OR_RETURN(arch::Arch arch, arch::ReadArch(fmt::format("{}/{}", folder, name)));
    configurations.push_back({std::move(arch), {}});
  }
  if (configurations.empty()) return NotFound("{}: no configuration (*.json)", folder);
  return configurations;
}

Status BuildSimulators(std::vector<Configuration>& configurations) {
  Progress progress("simulators", std::ssize(configurations));
  // Each compiles several files at once; a second one fills the steps that do not.
  return ParallelForStatus(std::ssize(configurations), 2, [&](std::int64_t i) -> Status {
    Configuration& c = configurations[static_cast<std::size_t>(i)];
    auto built = build::BuildSimulator(c.arch);
    if (!built.ok()) return std::move(built.error()).At(c.arch.name);
    c.simulator = *std::move(built);
    progress.Advance();
    return {};
  });
}

}  // namespace tf2::random_networks
