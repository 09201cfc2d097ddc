#include "runtime/backends/cpu/isa.h"

namespace tf2::runtime::cpu {
namespace {

bool MachineHasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

bool MachineHasAvx512Vnni() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

IsaInfo Info(const char* name, const KernelSet* kernels, bool machine_has_it) {
  return {name, kernels, kernels != nullptr && machine_has_it};
}

}  // namespace

std::vector<IsaInfo> AllIsas() {
  return {Info("portable", PortableKernels(), true), Info("avx2", Avx2Kernels(), MachineHasAvx2()),
          Info("avx512vnni", Avx512VnniKernels(), MachineHasAvx512Vnni())};
}

Result<const KernelSet*> SelectKernels(const std::string& name) {
  const KernelSet* best = nullptr;
  std::string names;
  for (const IsaInfo& isa : AllIsas()) {
    if (isa.name == name && !isa.available) {
      return WithHint(Unsupported("this machine cannot run the {} kernels", name),
                      "leave the choice to tf2, or use portable");
    }
    if (isa.available && (name.empty() || isa.name == name)) best = isa.kernels;
    names += names.empty() ? "" : ", ";
    names += isa.name;
  }
  if (best == nullptr) {
    return WithHint(InvalidArgument("there are no '{}' kernels for the CPU", name),
                    "the instruction sets are: " + names);
  }
  return best;
}

}  // namespace tf2::runtime::cpu
