#include "base/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace tf2 {
namespace {

TEST(RngTest, SplitMixSeedingAndXoshiroGiveTheKnownSequence) {
  // xoshiro256** from the splitmix64 states of seed 0, computed with an independent program.
  Rng rng(0);
  EXPECT_EQ(rng.Next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(rng.Next(), 0xbf6e1f784956452au);
  EXPECT_EQ(rng.Next(), 0x1a5f849d4933e6e0u);
}

TEST(RngTest, BelowIsUniform) {
  Rng rng(1);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[rng.Below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(RngTest, BetweenCoversItsEnds) {
  Rng rng(2);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t value = rng.Between(-3, 3);
    ASSERT_TRUE(value >= -3 && value <= 3);
    low |= value == -3;
    high |= value == 3;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(rng.Between(5, 5), 5);
  rng.Between(INT64_MIN, INT64_MAX);
}

TEST(RngTest, FloatsStayBelowOneAndNormalsLookNormal) {
  Rng rng(3);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 50000;
  for (int i = 0; i < kCount; ++i) {
    const float uniform = rng.Float();
    ASSERT_TRUE(uniform >= 0 && uniform < 1);
    const float bounded = rng.Uniform(-2, 5);
    ASSERT_TRUE(bounded >= -2 && bounded < 5);
    const float normal = rng.Normal();
    sum += normal;
    squares += static_cast<double>(normal) * normal;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.02);
  EXPECT_NEAR(squares / kCount, 1, 0.03);
}

TEST(RngTest, ForksDoNotDependOnDraws) {
  Rng a(9);
  Rng b(9);
  b.Next();
  EXPECT_EQ(a.Fork(4).Next(), b.Fork(4).Next());
  EXPECT_NE(a.Fork(4).Next(), a.Fork(5).Next());
  EXPECT_NE(a.Fork(0).Next(), a.Next());
}

TEST(RngTest, ShuffleIsAPermutation) {
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> shuffled = items;
  Rng rng(4);
  rng.Shuffle(shuffled);
  EXPECT_NE(shuffled, items);
  EXPECT_THAT(shuffled, ::testing::UnorderedElementsAreArray(items));
}

}  // namespace
}  // namespace tf2
