// The backends that are linked in, opened by the flags.
#ifndef TF2_CLI_DEVICES_H_
#define TF2_CLI_DEVICES_H_

#include <memory>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "cli/options.h"
#include "qnet/artifact.h"
#include "runtime/device.h"
#include "runtime/session.h"

namespace tf2::cli {

// Opens `backend` (cpu where empty) and loads `artifact`; for verilator it is compiled for --arch
// and the simulator built.
Result<runtime::Session> OpenSession(qnet::Artifact artifact, const Options& options,
                                     const std::string& backend);

// A simulated engine of configuration `arch`, built on demand into the cache; `trace` (may be
// empty) gets a waveform.
Result<std::unique_ptr<runtime::Device>> OpenSimulator(const arch::Arch& arch,
                                                       const std::string& trace);

// Threads to compute with: --threads, or as many as the machine has.
int Threads(const Options& options);

// Refuses --backend where a float model runs: it has one executor.
Status CheckNoBackend(const Options& options);

// The backends by name.
std::vector<runtime::BackendFactory> Backends();

}  // namespace tf2::cli

#endif  // TF2_CLI_DEVICES_H_
