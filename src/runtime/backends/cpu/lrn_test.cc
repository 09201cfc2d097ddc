#include "runtime/backends/cpu/lrn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "numerics/numerics.h"
#include "runtime/backends/cpu/test_nets.h"

namespace tf2::runtime::cpu {
namespace {

// v times the factor of a sum of squares, rounded, is what numerics::LrnScaled says.
TEST(LrnTable, IsTheDefinition) {
  Rng rng(1);
  for (const std::int32_t size : {1, 2, 3, 5, 6, 32}) {
    const qnet::Lrn lrn = testing::RandomLrn(rng, size);
    ASSERT_TRUE(FitsLrnKernels(lrn));
    const std::vector<LrnFactors> factors = LrnTable(lrn);
    for (std::uint32_t sum = 0; sum <= qnet::LargestLrnSum(lrn); sum += sum < 300 ? 1 : 97) {
      const auto bits = std::bit_cast<std::int32_t>(static_cast<float>(sum));
      const std::int32_t pattern = std::max((bits >> kLrnRestBits) - kLrnFirstPattern, 0);
      const LrnFactors& f = factors.at(static_cast<std::size_t>(pattern));
      const double rest = (bits & ((1 << kLrnRestBits) - 1)) * kLrnRestUnit;
      for (const std::int32_t v : {-128, -127, -77, -1, 0, 1, 50, 127}) {
        ASSERT_EQ(std::floor(std::ldexp(v, -lrn.shift) * (f.low + f.diff * rest) + 0.5),
                  static_cast<double>(numerics::LrnScaled(v, sum, lrn.factor, lrn.shift)))
            << size << " " << sum << " " << v;
      }
    }
  }
}

TEST(LrnTable, LeavesWideWindowsToTheInterpreter) {
  qnet::Lrn lrn;
  lrn.size = 33;
  EXPECT_FALSE(FitsLrnKernels(lrn));
}

}  // namespace
}  // namespace tf2::runtime::cpu
