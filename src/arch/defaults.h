// Configurations made to measure: memories sized to a program, units that it does not need left
// out.
#ifndef TF2_ARCH_DEFAULTS_H_
#define TF2_ARCH_DEFAULTS_H_

#include "arch/arch.h"
#include "arch/device.h"
#include "base/result.h"

namespace tf2::arch {

// The largest memories that the host port can address, all units: to find out what a network needs.
Arch UnlimitedArch(std::int32_t n = 8, std::int32_t c = 8);

// `base` with every memory the smallest power of two that holds `needs` (at least 64 words; the
// program at least two layers); all units and the other parameters stay as in `base`.
Arch SizedArch(Arch base, const Needs& needs);

// 8 x 8 x 1 for simulation, sized to the network.
Arch DefaultSimArch(const Needs& needs);

// The configuration of the engine for a device before the network is known: lanes, widths and the
// most memory that the device gives. FeatureWords is the larger of those that may fit.
Result<Arch> DeviceLimits(const Device& device);

// DeviceLimits with units that `needs` does not ask for left out and memories cut to what the block
// RAMs hold. Refuses a network that is too large, by memory, need and what the device has.
Result<Arch> DeviceArch(const Device& device, const Needs& needs);

// Block RAMs that a configuration's memories take on `device` (features in SPRAM where it has
// some).
std::int64_t BlockRams(const Device& device, const Arch& arch);

}  // namespace tf2::arch

#endif  // TF2_ARCH_DEFAULTS_H_
