// Local response normalisation across channels, the same code for every instruction set.
#ifndef TF2_RUNTIME_BACKENDS_CPU_LRN_H_
#define TF2_RUNTIME_BACKENDS_CPU_LRN_H_

#include <cstdint>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// Normalisation across the channels of a pixel, of int8 to int8.
struct LrnStep {
  std::int64_t size = 1;  // channels of a window
  // Of each sum of squares, in units of 2^-shift.
  std::vector<std::int64_t> factors;
  int shift = 1;
  std::int64_t pixels = 0;
  std::int32_t channels = 0;
  std::int32_t width = 1;
  View input, output;
  std::uint8_t zero_in = 0, zero_out = 0;
};
// Whether the table of factors is small enough: windows of up to 32 channels.
bool HasLrnTable(const qnet::Lrn& lrn);
// Sets size, factors and shift.
void SetLrnTable(const qnet::Lrn& lrn, LrnStep& step);

void RunLrn(const LrnStep& step, std::uint8_t* arena, Range pixels);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_LRN_H_
