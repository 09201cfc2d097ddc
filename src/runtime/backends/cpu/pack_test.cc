// What convolutions read of their inputs.
#include "runtime/backends/cpu/pack.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tf2::runtime::cpu {
namespace {

qnet::Conv SquareConv(std::int32_t k, std::int32_t groups) {
  qnet::Conv conv;
  conv.window = {k, k, 1, 1, 0, 0, 1, 1};
  conv.groups = groups;
  return conv;
}

// 7 rows of 21 adjacent bytes, each filled up to 32 with groups of no weights.
TEST(InputGroups, FillsUpRunsOfAdjacentBytes) {
  const View input{.offset = 0, .row = 300, .stride = 3};
  const auto groups = InputGroups(SquareConv(7, 1), 3, input, 16);
  ASSERT_EQ(groups.size(), 7U * 8);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto row = static_cast<std::int32_t>(i / 8), at = static_cast<std::int32_t>(i % 8) * 4;
    EXPECT_EQ(groups[i].offset, row * 300 + at);
    EXPECT_EQ(groups[i].count, std::clamp(21 - at, 0, 4));
    EXPECT_LE(groups[i].first + groups[i].count, (row + 1) * 21);
  }
}

// Of a group's channels that are no multiple of 16, nothing beyond them: another thread may write
// there.
TEST(InputGroups, ReadsNoOtherGroups) {
  const View input{.offset = 0, .row = 640, .stride = 16};
  const auto groups = InputGroups(SquareConv(3, 2), 8, input, 16);
  ASSERT_EQ(groups.size(), 9U * 2);
  for (const InputGroup& group : groups) {
    EXPECT_EQ(group.count, 4);
    EXPECT_LE(group.offset % 16, 4);
  }
}

// 16 bytes for 1 would be four times the work.
TEST(InputGroups, FillsUpNoShortRuns) {
  const View input{.offset = 0, .row = 40, .stride = 4};
  EXPECT_EQ(InputGroups(SquareConv(3, 1), 1, input, 16).size(), 9U);
}

}  // namespace
}  // namespace tf2::runtime::cpu
