// The open iCE40 flow: yosys, nextpnr-ice40, icepack; and back: iceunpack, icebox_vlog, for proving
// a bitstream.
#ifndef TF2_BUILD_ICE40_H_
#define TF2_BUILD_ICE40_H_

#include <cstdint>
#include <string>

#include "arch/arch.h"
#include "arch/device.h"
#include "base/result.h"

namespace tf2::build {

// What place and route made. Files lie in the cache.
struct Ice40Build {
  std::string bitstream;  // .bin
  std::string ascii;      // .asc
  std::string log;        // output of all tools
  std::int64_t lc = 0;    // logic cells used
  std::int64_t ram = 0;   // block RAMs
  std::int64_t spram = 0;
  std::int64_t dsp = 0;
  double fmax_mhz = 0;  // of the routed engine's clock
  double seconds = 0;   // that the tools took when the result was made
};

// Synthesises, places, routes and packs the engine of `arch` for `device`; deterministic in (arch,
// device, seed). Errors: a missing tool (with its package), a design that does not fit or route,
// with the log's path and last lines.
Result<Ice40Build> BuildIce40(const arch::Arch& arch, const arch::Device& device,
                              std::int64_t seed);

// The bitstream turned back into Verilog: a module `chip` whose ports are the pins (icebox_vlog),
// named as the engine's ports. Devices with SPRAM or DSP in use are refused: icebox_vlog leaves
// those out.
Result<std::string> DecodeIce40(const Ice40Build& build, const arch::Device& device);

}  // namespace tf2::build

#endif  // TF2_BUILD_ICE40_H_
