// Predicts the cycles of a program from its descriptors and the configuration alone, by the Timing
// section of docs/isa.md: equal to the simulated RTL, per layer and per frame.
#ifndef TF2_COST_COST_H_
#define TF2_COST_COST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "base/result.h"
#include "program/program.h"

namespace tf2::cost {

struct LayerCost {
  std::string name;
  std::string kind;
  std::int64_t cycles = 0;
  std::int64_t steps = 0;            // cycles in which the lanes take a step
  std::int64_t stall_cycles = 0;     // lanes wait for requantisation or memory
  std::int64_t overhead_cycles = 0;  // descriptor fetch, fill and drain
  std::int64_t macs = 0;             // the model's
  double utilisation = 0;            // macs / (cycles * lanes)
};

struct FrameCost {
  std::vector<LayerCost> layers;
  std::int64_t load_cycles = 0;  // input write command and its beats
  std::int64_t run_cycles = 0;   // as the run command reports: first descriptor to the last write
  std::int64_t run_port_cycles = 0;  // the command before and the answer after
  std::int64_t read_cycles = 0;      // output read commands and their beats
  std::int64_t frame_cycles = 0;     // sum of the above
  std::int64_t macs = 0;
  std::int64_t lanes = 0;
  double utilisation = 0;  // macs / (frame_cycles * lanes)
  // Where the lanes' cycles go, as fractions of frame_cycles; they add up to 1 - utilisation.
  double lost_load = 0, lost_read = 0, lost_pooling = 0, lost_padding_lanes = 0, lost_stalls = 0,
         lost_overhead = 0;
};

// Cycles of one descriptor.
LayerCost PredictLayer(const program::Descriptor& d, const arch::Arch& arch);

// One frame: one command writes the input, one runs, one reads each of program::OutputRanges. The
// host sends and takes bits whenever the engine can and waits for the answer to a command before
// the next. The program must be runnable on `arch`.
Result<FrameCost> PredictFrame(const program::Program& program, const arch::Arch& arch);

// Cycles to write a program's weights, parameters and descriptors once.
std::int64_t PredictLoadProgram(const program::Program& program, const arch::Arch& arch);

}  // namespace tf2::cost

#endif  // TF2_COST_COST_H_
