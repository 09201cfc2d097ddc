#include "sched/allocate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace tf2::sched {
namespace {

TEST(Allocate, ChainNeedsTwoNeighbours) {
  const std::vector<Interval> chain = {{10, -1, 0}, {20, 0, 1}, {30, 1, 2}, {5, 2, 3}};
  const Allocation a = Allocate(chain);
  EXPECT_TRUE(CheckAllocation(chain, a).ok());
  EXPECT_EQ(a.lower_bound_words, 50);
  EXPECT_EQ(a.lower_bound_at, 1);
  EXPECT_EQ(a.peak_words, 50);
  EXPECT_EQ(a.slot_words, 50);
}

TEST(Allocate, OffsetsBeatEqualSlots) {
  // Two large ones one after the other, small ones beside both: slots of the largest member waste.
  const std::vector<Interval> items = {
      {100, 0, 1}, {60, 1, 2}, {40, 2, 3}, {100, 3, 4}, {60, 2, 3}};
  const Allocation a = Allocate(items);
  EXPECT_TRUE(CheckAllocation(items, a).ok());
  EXPECT_EQ(a.peak_words, a.lower_bound_words);
  EXPECT_GT(a.slot_words, a.peak_words);
}

TEST(Allocate, RandomProblemsAreValidAndNearTheBound) {
  Rng rng(5);
  std::int64_t peaks = 0;
  std::int64_t bounds = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<Interval> items;
    const std::int64_t count = rng.Between(1, 20);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto first = static_cast<std::int32_t>(rng.Between(-1, 15));
      items.push_back(
          {rng.Between(1, 100), first, first + static_cast<std::int32_t>(rng.Between(0, 5))});
    }
    const Allocation a = Allocate(items);
    const Status status = CheckAllocation(items, a);
    ASSERT_TRUE(status.ok()) << status.error().ToString();
    EXPECT_GE(a.peak_words, a.lower_bound_words);
    EXPECT_GE(a.slot_words, a.lower_bound_words);
    EXPECT_EQ(Allocate(items).offsets, a.offsets);
    peaks += a.peak_words;
    bounds += a.lower_bound_words;
  }
  EXPECT_LT(static_cast<double>(peaks), 1.05 * static_cast<double>(bounds));
}

TEST(Allocate, TheCheckFindsOverlapsAndWrongPeaks) {
  const std::vector<Interval> items = {{10, 0, 1}, {10, 1, 2}, {10, 3, 4}};
  Allocation a = Allocate(items);
  Allocation bad = a;
  bad.offsets[1] = bad.offsets[0] + 9;
  EXPECT_THAT(CheckAllocation(items, bad).error().message, testing::HasSubstr("0 and 1 overlap"));
  bad = a;
  ++bad.peak_words;
  EXPECT_THAT(CheckAllocation(items, bad).error().message,
              testing::HasSubstr("the peak is 20 words, stated 21"));
  bad = a;
  bad.offsets[2] = -1;
  EXPECT_THAT(CheckAllocation(items, bad).error().message, testing::HasSubstr("lies at word -1"));
  bad.offsets.pop_back();
  EXPECT_FALSE(CheckAllocation(items, bad).ok());
}

}  // namespace
}  // namespace tf2::sched
