// Distribution of the entries of a panel over runs whose sums fit 16 bits: what kernels without
// 32-bit dot products need (pack.h).
#ifndef TF2_RUNTIME_BACKENDS_CPU_SHORT_SUMS_H_
#define TF2_RUNTIME_BACKENDS_CPU_SHORT_SUMS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/backends/cpu/kernels.h"

namespace tf2::runtime::cpu {

// What of an entry's weights w is meant: all, w / 2, or w - w / 2.
enum class Part : std::uint8_t { kAll, kHalf, kRest };
struct Piece {
  std::int32_t entry = -1;  // -1: zeros
  Part part = Part::kAll;
};
std::int8_t PartOf(std::int16_t weight, Part part);

struct Runs {
  std::vector<Piece> pieces;  // in the order of `ends`
  RunEnds ends;
};

// `entries`: blocks of 16 slots x 4 weights (|w| <= 128), one an entry. `largest`: of a feature's
// byte.
Runs ArrangeRuns(std::span<const std::int16_t> entries, std::int32_t largest);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_SHORT_SUMS_H_
