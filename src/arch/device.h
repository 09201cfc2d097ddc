// The device database: one JSON file per FPGA in data/devices, each figure with its source.
#ifndef TF2_ARCH_DEVICE_H_
#define TF2_ARCH_DEVICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"

namespace tf2::arch {

struct Device {
  std::string name;            // "ice40-up5k": the value of --device
  std::string family;          // "ice40"
  std::string part;            // vendor's part number
  std::string package;         // nextpnr's package name
  std::string nextpnr_device;  // nextpnr-ice40 flag without dashes: "up5k", "hx8k"
  std::string icetime_device;  // icetime -d
  std::int64_t logic_cells = 0;
  std::int64_t ebr = 0;       // block RAMs
  std::int64_t ebr_bits = 0;  // bits of each
  std::int64_t spram = 0;     // large single-port RAMs
  std::int64_t spram_bits = 0;
  std::int64_t dsp = 0;
  std::int64_t ios = 0;   // usable pins of the package
  double target_mhz = 0;  // clock asked of place and route
};

// Reads data/devices/<name>.json under `directory`; refuses unknown keys, missing sources,
// impossible figures.
Result<Device> ReadDeviceFile(const std::string& path);

// All devices of a directory, sorted by name.
Result<std::vector<Device>> ReadDevices(const std::string& directory);

// The device of that name; an unknown one lists those there are.
Result<Device> FindDevice(const std::string& directory, const std::string& name);

}  // namespace tf2::arch

#endif  // TF2_ARCH_DEVICE_H_
