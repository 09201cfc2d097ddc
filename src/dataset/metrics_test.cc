#include "dataset/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tf2::dataset {
namespace {

using ::testing::ElementsAre;

TEST(MetricsTest, TiesGoToTheLowerIndexAndNanIsLast) {
  const float nan = std::nanf("");
  EXPECT_EQ(ArgMax(std::vector<float>{1, 3, 3}), 1);
  EXPECT_EQ(ArgMax(std::vector<float>{nan, -1, nan}), 1);
  EXPECT_EQ(ArgMax(std::vector<std::int16_t>{-5, -5}), 0);
  EXPECT_THAT(TopK(std::vector<float>{nan, 2, 5, 2, 5}, 4), ElementsAre(2, 4, 1, 3));
  EXPECT_THAT(TopK(std::vector<float>{1}, 5), ElementsAre(0));
}

TEST(MetricsTest, AccuracyCountsLabelledSamples) {
  Accuracy accuracy;
  EXPECT_FALSE(accuracy.Top1().has_value());
  const std::vector<float> scores = {9, 8, 7, 6, 5, 4};
  const std::span<const float> view(scores);
  accuracy.Add(view, 0);
  accuracy.Add(view, 4);
  accuracy.Add(view, 5);
  accuracy.Add(view, 600);
  accuracy.Add(view, std::nullopt);
  EXPECT_EQ(accuracy.samples, 5);
  EXPECT_EQ(*accuracy.Top1(), 0.25);
  EXPECT_EQ(*accuracy.Top5(), 0.5);
  Accuracy sum = accuracy;
  sum.Merge(accuracy);
  EXPECT_EQ(*sum.Top1(), 0.25);
  EXPECT_EQ(sum.labelled, 8);
}

TEST(MetricsTest, RankEqualsThePlaceInTopK) {
  const std::vector<float> scores = {3, 1, 3, 2, 3};
  const std::vector<int> order = TopK(scores, 5);
  for (std::size_t place = 0; place < order.size(); ++place) {
    EXPECT_EQ(Rank(std::span<const float>(scores), order[place]), place);
  }
}

TEST(MetricsTest, AgreementComparesTypes) {
  Agreement agreement;
  const std::vector<float> a = {0, 1};
  const std::vector<std::int16_t> b = {5, 9};
  const std::vector<std::int16_t> c = {9, 9};
  agreement.Add(std::span<const float>(a), std::span<const std::int16_t>(b));
  agreement.Add(std::span<const float>(a), std::span<const std::int16_t>(c));
  EXPECT_EQ(agreement.Fraction(), 0.5);
}

TEST(MetricsTest, DivergenceIsOfDistributions) {
  Divergence d;
  EXPECT_FALSE(d.Mean());
  const std::vector<float> p = {0.5F, 0.5F, 0.0F};
  const std::vector<float> q = {0.25F, 0.75F, 0.0F};
  d.Add(p, p);
  EXPECT_DOUBLE_EQ(*d.Mean(), 0);
  d.Add(p, q);
  Divergence other;
  other.Add(p, {{1.0F, 2.0F, 0.5F}});   // no distribution
  other.Add(p, {{0.5F, 0.5F}});         // other classes
  other.Add({{-0.5F, 1.5F, 0.0F}}, p);  // no distribution
  d.Merge(other);
  EXPECT_EQ(d.samples, 2);
  EXPECT_NEAR(*d.Mean(), 0.5 * (0.5 * std::log(2.0) + 0.5 * std::log(0.5 / 0.75)), 1e-12);
}

TEST(MetricsTest, RunningStatsMergeLikeOneStream) {
  RunningStats all;
  RunningStats parts[2];
  for (int i = 0; i < 100; ++i) {
    const double value = std::sin(i) * i;
    all.Add(value);
    parts[i % 3 == 0 ? 0 : 1].Add(value);
  }
  parts[0].Merge(parts[1]);
  EXPECT_EQ(parts[0].count, 100);
  EXPECT_NEAR(parts[0].mean, all.mean, 1e-12);
  EXPECT_NEAR(parts[0].StandardDeviation(), all.StandardDeviation(), 1e-10);
  EXPECT_EQ(parts[0].max, all.max);
  EXPECT_EQ(parts[0].min, all.min);
}

TEST(MetricsTest, Decibels) {
  SignalToNoise ratio;
  EXPECT_EQ(ratio.Decibels(), std::numeric_limits<double>::infinity());
  ratio.Add(10, 9);
  EXPECT_NEAR(ratio.Decibels(), 20, 1e-9);
  SignalToNoise noise;
  noise.Add(0, 1);
  EXPECT_EQ(noise.Decibels(), -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace tf2::dataset
