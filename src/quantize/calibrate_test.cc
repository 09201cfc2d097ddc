#include "quantize/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::HasSubstr;

TEST(Histogram, DoesNotDependOnTheOrder) {
  Rng rng(1);
  std::vector<float> values;
  values.reserve(5002);
  for (int i = 0; i < 5000; ++i)
    values.push_back(std::ldexp(rng.Float(), static_cast<int>(rng.Between(-30, 10))));
  values.push_back(0);
  values.push_back(1024);  // the lower end of its octave
  Histogram all;
  all.AddMagnitudes(values);
  for (int round = 0; round < 5; ++round) {
    rng.Shuffle(values);
    Histogram parts[3];
    for (std::size_t i = 0; i < values.size(); ++i)
      parts[i % 3].AddMagnitudes(std::vector{i % 2 == 0 ? values[i] : -values[i]});
    parts[0].Merge(parts[1]);
    parts[2].Merge(parts[0]);
    EXPECT_EQ(parts[2], all);
  }
  std::uint64_t count = all.zeros;
  for (const auto n : all.bins) count += n;
  EXPECT_EQ(count, values.size());
  EXPECT_EQ(all.exponent, 11);
  EXPECT_EQ(all.bins[1024], 1u);
}

TEST(Histogram, OnlyZeros) {
  Histogram h;
  h.AddMagnitudes(std::vector{0.0F});
  Histogram other;
  other.Merge(h);
  EXPECT_EQ(other.zeros, 1u);
  EXPECT_TRUE(other.bins.empty());
}

TEST(Calibrate, MatchesTheFormula) {
  testing::GraphBuilder b({1, 2, 2, 2});
  const ir::Graph graph = b.Done({b.Add(ir::OpKind::kRelu, "y", {b.input()})});
  const std::vector<std::vector<float>> samples = {{1, -3, 0, 2, 0, 0, 0, -1},
                                                   {0, 5, 1, 0, -2, 0, 0, 0}};
  const auto calibration = Calibrate(
      graph, [&](std::size_t i) -> Result<std::vector<float>> { return samples[i]; }, 2, {});
  ASSERT_TRUE(calibration.ok());
  EXPECT_EQ(calibration->samples, 2u);
  const ValueStats& x = calibration->stats(graph.inputs[0]);
  EXPECT_THAT(x.abs_max, ::testing::ElementsAre(5, 2));
  EXPECT_THAT(x.mean, ::testing::ElementsAre(6.0 / 8, -3.0 / 8));
  EXPECT_THAT(x.mean_square, ::testing::ElementsAre(40.0 / 8, 5.0 / 8));
  EXPECT_TRUE(x.histograms.empty());
  const ValueStats& y = calibration->stats(graph.outputs[0]);
  EXPECT_THAT(y.abs_max, ::testing::ElementsAre(5, 0));
  EXPECT_THAT(y.mean, ::testing::ElementsAre(9.0 / 8, 0));
}

TEST(Calibrate, DoesNotDependOnThreads) {
  const ir::Graph graph = testing::SmallNet();
  const auto one = testing::CalibrateRandom(graph, 23, 1);
  const auto three = testing::CalibrateRandom(graph, 23, 3);
  ASSERT_TRUE(one.ok() && three.ok());
  EXPECT_EQ(one->values, three->values);
}

TEST(Calibrate, ReportsProgressAndStops) {
  const ir::Graph graph = testing::SmallNet();
  const SampleSource source = [&](std::size_t i) -> Result<std::vector<float>> {
    return testing::RandomSample(graph, i);
  };
  std::vector<std::size_t> seen;
  CalibrateOptions options;
  options.progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(total, 6u);
    seen.push_back(done);
    return true;
  };
  ASSERT_TRUE(Calibrate(graph, source, 6, options).ok());
  EXPECT_THAT(seen, ::testing::ElementsAre(1, 2, 3, 4, 5, 6));
  options.progress = [](std::size_t done, std::size_t) { return done < 3; };
  const auto cancelled = Calibrate(graph, source, 600, options);
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

TEST(Calibrate, RefusesBadSamples) {
  const ir::Graph graph = testing::SmallNet();
  const auto with = [&](std::vector<float> sample, std::size_t count) {
    return Calibrate(graph, [&](std::size_t) -> Result<std::vector<float>> { return sample; },
                     count, {})
        .error()
        .ToString();
  };
  EXPECT_THAT(with({}, 0), HasSubstr("no samples to calibrate on"));
  EXPECT_THAT(
      with({1, 2}, 1),
      HasSubstr("sample 0: the sample has 2 values, the model's input [1, 3, 8, 8] takes 192"));
  std::vector<float> nan(192, 0.5F);
  nan[70] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(with(nan, 1), HasSubstr("x: channel 1 has a value that is not finite"));
  const auto failing = Calibrate(
      graph, [](std::size_t) -> Result<std::vector<float>> { return IoError("gone"); }, 4, {});
  EXPECT_EQ(failing.error().message, "gone");
}

}  // namespace
}  // namespace tf2::quantize
