#include "benchmark/measure.h"

#include <gtest/gtest.h>

#include "benchmark/machine.h"

namespace tf2::benchmark {
namespace {

TEST(Measure, MedianIsTheMiddle) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 3, 2}), 3);
}

TEST(Measure, TheNearerRoofBounds) {
  const Roofs roofs = {.macs_per_s = 100, .bytes_per_s = 10};
  EXPECT_EQ(BoundOf(roofs, 1, 50, 1).name, "compute");
  EXPECT_DOUBLE_EQ(BoundOf(roofs, 1, 50, 1).fraction, 0.5);
  EXPECT_EQ(BoundOf(roofs, 1, 50, 8).name, "memory");
  EXPECT_DOUBLE_EQ(BoundOf(roofs, 1, 50, 8).fraction, 0.8);
  EXPECT_EQ(BoundOf(roofs, 1, 5, 0.5).name, "overhead");
  EXPECT_EQ(BoundOf(roofs, 1e-7, 5, 5).name, "none");
  EXPECT_EQ(BoundOf({}, 1, 5, 5).name, "overhead");
}

TEST(Machine, MeasuresItsRoofs) {
  EXPECT_GT(ReadBytesPerSecond(1), 1e8);
#if defined(__x86_64__)
  EXPECT_GT(PeakMacsPerSecond("portable", 1), 1e8);
  if (__builtin_cpu_supports("avx2")) {
    EXPECT_GT(PeakMacsPerSecond("avx2", 1), PeakMacsPerSecond("portable", 1));
  }
#endif
  EXPECT_EQ(PeakMacsPerSecond("abacus", 1), 0);
}

}  // namespace
}  // namespace tf2::benchmark
