// QNet to Program: lowers every operator to descriptors, chooses the input's layout, allocates the
// feature memory, packs weights and parameters, and verifies the result. What does not fit is
// refused by layer, need and what the configuration has.
#ifndef TF2_SCHED_COMPILE_H_
#define TF2_SCHED_COMPILE_H_

#include "arch/arch.h"
#include "arch/device.h"
#include "base/result.h"
#include "program/program.h"
#include "qnet/qnet.h"

namespace tf2::sched {

enum class Folding : std::uint8_t {
  kAuto,    // the layout that takes fewer cycles a frame among those that fit
  kNever,   // the picture as planes
  kAlways,  // the first convolution's taps in the lanes; refused where the network does not allow
            // it
};

struct Options {
  Folding folding = Folding::kAuto;
  // Lets a sum replace its own residual in memory.
  bool in_place_residual = true;
};

// Compiles for a given configuration. `net` must pass qnet::Verify. Deterministic.
Result<program::Program> Compile(const qnet::QNet& net, const arch::Arch& arch,
                                 const Options& options = {});

struct Compiled {
  program::Program program;
  arch::Arch arch;
};

// Compiles for `base` with memories sized to the network (arch::SizedArch): 8 x 8 x 1 by default.
Result<Compiled> CompileSized(const qnet::QNet& net, const arch::Arch& base = {},
                              const Options& options = {});

// Compiles for a device's engine, units that the network does not need left out.
Result<Compiled> CompileForDevice(const qnet::QNet& net, const arch::Device& device,
                                  const Options& options = {});

}  // namespace tf2::sched

#endif  // TF2_SCHED_COMPILE_H_
