#include "benchmark/measure.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "base/interrupt.h"
#include "benchmark/machine.h"
#include "qnet/test_net.h"
#include "runtime/test_device.h"

namespace tf2::benchmark {
namespace {

TEST(Measure, MedianIsTheMiddle) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 3, 2}), 3);
}

class MeasureSession : public ::testing::Test {
 protected:
  MeasureSession() {
    auto device = std::make_unique<runtime::testing::TestDevice>();
    device_ = device.get();
    qnet::Artifact artifact;
    artifact.net = qnet::testing::EveryOperator(1);
    session_.emplace(*runtime::Session::Open(std::move(artifact), std::move(device)));
  }

  Result<Speed> Of(int batch, int rounds) {
    MeasureOptions options;
    options.batch = batch;
    options.seconds = 0;
    options.least_rounds = rounds;
    return Measure(*session_, Noise(session_->net(), 3), options);
  }

  runtime::testing::TestDevice* device_ = nullptr;
  std::optional<runtime::Session> session_;
};

TEST_F(MeasureSession, RunsAsOftenAsAskedAndWarmsUp) {
  const Speed one = *Of(1, 4);
  EXPECT_EQ(one.rounds, 4);
  EXPECT_EQ(device_->batches(), std::vector<std::int64_t>(5, 1));
  EXPECT_GT(one.seconds, 0);
  EXPECT_DOUBLE_EQ(one.images_per_s, 1 / one.seconds);
  // With a batch queued while another runs, two are not counted.
  const Speed many = *Of(2, 4);
  EXPECT_EQ(many.rounds, 4);
  EXPECT_EQ(device_->batches().size(), 5U + 6U);
  EXPECT_EQ(device_->batches().back(), 2);
  EXPECT_DOUBLE_EQ(many.images_per_s, 2 / many.seconds);
}

TEST_F(MeasureSession, ReportsWhatFails) {
  device_->FailAt(3);
  EXPECT_EQ(Of(2, 4).error().message, "the device broke");
}

TEST_F(MeasureSession, EndsWithAnInterruption) {
  RequestInterrupt();
  const auto speed = Of(2, 4);
  ClearInterrupt();
  EXPECT_EQ(speed.error().code, ErrorCode::kCancelled);
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
