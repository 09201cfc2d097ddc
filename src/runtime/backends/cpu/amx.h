// Whether this process may use AMX-INT8. Its tile registers are 8 KiB of state that the processor,
// the operating system and Linux's leave to this process must each grant.
#ifndef TF2_RUNTIME_BACKENDS_CPU_AMX_H_
#define TF2_RUNTIME_BACKENDS_CPU_AMX_H_

#include <cstdint>
#include <functional>
#include <string>

namespace tf2::runtime::cpu {

// What there is to know, as the machine states it.
struct AmxState {
  std::uint32_t leaf7_edx = 0;   // of CPUID leaf 7, subleaf 0
  std::uint64_t xcr0 = 0;        // what the operating system saves; 0 without OSXSAVE
  std::function<int()> request;  // asks for leave to use tile data: 0, else an errno
};

// Why AMX-INT8 cannot be used; empty where it can. Asks for leave only where all else is there.
std::string AmxObstacle(const AmxState& state);

// The same of this machine. The first call asks Linux for leave, which holds for all threads of the
// process from then on and is not taken back; programs that use AMX then need signal stacks that
// hold its registers.
const std::string& AmxObstacle();

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_AMX_H_
