#include "runtime/backends/cpu/lrn.h"

#include <bit>

#include "numerics/numerics.h"

namespace tf2::runtime::cpu {
namespace {

// Patterns hold as many bits of S as slots do: 64 of either to an octave.
std::int32_t PatternOf(std::uint32_t sum) {
  const auto bits = std::bit_cast<std::int32_t>(static_cast<float>(sum));
  return sum == 0 ? kLrnFirstPattern : bits >> kLrnRestBits;
}

}  // namespace

bool FitsLrnKernels(const qnet::Lrn& lrn) {
  return lrn.region == qnet::LrnRegion::kAcross && lrn.size <= kMaxLrnSize;
}

std::vector<LrnFactors> LrnTable(const qnet::Lrn& lrn) {
  const std::uint32_t largest = qnet::LargestLrnSum(lrn);
  std::vector<LrnFactors> factors(static_cast<std::size_t>(PatternOf(largest) - kLrnFirstPattern) +
                                  1);
  for (std::uint32_t sum = 0; sum <= largest;) {
    const numerics::LrnSlot slot = numerics::LrnSlotOf(sum);
    const std::int32_t low = lrn.factor[slot.index];
    const std::int32_t next = lrn.factor[slot.index + 1];
    factors[static_cast<std::size_t>(PatternOf(sum) - kLrnFirstPattern)] = {
        static_cast<float>(low), static_cast<float>(next - low)};
    sum += std::uint32_t{1} << slot.bits;
  }
  return factors;
}

}  // namespace tf2::runtime::cpu
