#include "runtime/backends/cpu/lrn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"
#include "numerics/numerics.h"

namespace tf2::runtime::cpu {
namespace {

qnet::Lrn RandomLrn(Rng& rng, std::int32_t size) {
  qnet::Lrn lrn;
  lrn.size = size;
  lrn.shift = static_cast<std::uint8_t>(rng.Between(1, numerics::kMaxLrnShift));
  const std::uint32_t entries = numerics::LrnSlotOf(qnet::LargestLrnSum(lrn)).index + 2;
  for (std::uint32_t i = 0; i < entries; ++i) {
    lrn.factor.push_back(static_cast<std::int32_t>(
        rng.Chance(0.1) ? numerics::kMaxLrnFactor : rng.Between(0, numerics::kMaxLrnFactor)));
  }
  return lrn;
}

// Every channel of every pixel is what numerics::LrnScaled says.
TEST(RunLrn, IsTheDefinition) {
  constexpr std::int64_t kPixels = 6;
  constexpr std::int32_t kChannels = 37;
  Rng rng(1);
  for (const std::int32_t size : {1, 2, 3, 5, 6, 32}) {
    const qnet::Lrn lrn = RandomLrn(rng, size);
    ASSERT_TRUE(HasLrnTable(lrn));
    LrnStep step;
    SetLrnTable(lrn, step);
    step.pixels = kPixels;
    step.channels = kChannels;
    step.width = 3;
    step.input = {0, 3 * kChannels, kChannels};
    step.output = {kPixels * kChannels, 3 * kChannels, kChannels};
    step.zero_in = 128;
    step.zero_out = size % 2 == 0 ? 0 : 128;
    std::vector<std::uint8_t> arena(2 * kPixels * kChannels);
    for (auto& byte : arena) {
      byte = static_cast<std::uint8_t>(rng.Chance(0.2) ? 0 : rng.Between(0, 255));
    }
    RunLrn(step, arena.data(), {0, kPixels});
    for (std::int64_t p = 0; p < kPixels; ++p) {
      const std::uint8_t* const in = arena.data() + p * kChannels;
      for (std::int32_t c = 0; c < kChannels; ++c) {
        std::uint32_t sum = 0;
        const std::int32_t end = std::min(c + size / 2, kChannels - 1);
        for (std::int32_t i = std::max(c - (size - 1) / 2, 0); i <= end; ++i) {
          sum += static_cast<std::uint32_t>((in[i] - 128) * (in[i] - 128));
        }
        const std::int64_t y = numerics::LrnScaled(in[c] - 128, sum, lrn.factor, lrn.shift);
        ASSERT_EQ(arena[static_cast<std::size_t>((kPixels + p) * kChannels + c)],
                  static_cast<std::uint8_t>(numerics::Sat8(y) + step.zero_out))
            << size << " " << p << " " << c;
      }
    }
  }
}

TEST(RunLrn, LeavesWideWindowsToTheInterpreter) {
  qnet::Lrn lrn;
  lrn.size = 33;
  EXPECT_FALSE(HasLrnTable(lrn));
}

}  // namespace
}  // namespace tf2::runtime::cpu
