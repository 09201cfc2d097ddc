#include "runtime/backends/cpu/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "runtime/backends/cpu/amx.h"

namespace tf2::runtime::cpu {
namespace {

bool MachineHasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

bool MachineHasAvxVnni() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kAvxVnni = 1U << 4;  // leaf 7, subleaf 1, eax
  return MachineHasAvx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0;
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

IsaInfo Info(const char* name, const KernelSet* kernels, const std::string& obstacle) {
  const bool built = kernels != nullptr;
  return {name, kernels, built && obstacle.empty(),
          built ? obstacle : "the program was built without them"};
}

IsaInfo Info(const char* name, const KernelSet* kernels, bool machine_has_it) {
  return Info(name, kernels,
              std::string(machine_has_it ? "" : "the processor lacks their instructions"));
}

// AMX's kernels are those of AVX-512 VNNI but for convolutions. Leave to use tiles, which lasts as
// long as the process, is asked for only where it can be of use.
IsaInfo AmxInfo() {
  const KernelSet* const kernels = AmxKernels();
  if (kernels == nullptr || !MachineHasAvx512Vnni()) return Info("amx", kernels, false);
  return Info("amx", kernels, AmxObstacle());
}

}  // namespace

std::vector<IsaInfo> AllIsas() {
  return {Info("portable", PortableKernels(), true), Info("avx2", Avx2Kernels(), MachineHasAvx2()),
          Info("avxvnni", AvxVnniKernels(), MachineHasAvxVnni()),
          Info("avx512vnni", Avx512VnniKernels(), MachineHasAvx512Vnni()), AmxInfo()};
}

Result<const KernelSet*> SelectKernels(const std::string& name) {
  const KernelSet* best = nullptr;
  std::string names;
  for (const IsaInfo& isa : AllIsas()) {
    if (isa.name == name && !isa.available) {
      return WithHint(Unsupported("this machine cannot run the {} kernels: {}", name, isa.obstacle),
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
