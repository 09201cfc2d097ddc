// Which instruction sets the CPU kernels exist for, which of them this machine can run, and which
// one to use.
#ifndef TF2_RUNTIME_BACKENDS_CPU_ISA_H_
#define TF2_RUNTIME_BACKENDS_CPU_ISA_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

struct IsaInfo {
  const char* name;          // "portable", "avx2", "avxvnni", "avx512vnni", "amx"
  const KernelSet* kernels;  // null where the program was built without it
  bool available;            // built, and the machine has the instructions
  std::string obstacle;      // why it is not available; empty where it is
};

// All of them, slowest first; "portable" is always available. The first call asks the operating
// system for AMX's registers where the processor has them (amx.h).
std::vector<IsaInfo> AllIsas();

// The kernels called `name`, or where it is empty the fastest available ones. Errors: a name that
// does not exist, kernels that this machine cannot run (kUnsupported).
Result<const KernelSet*> SelectKernels(const std::string& name);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_ISA_H_
