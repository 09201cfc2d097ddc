#include "quantize/tune_q.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "quantize/compensated_lowering.h"
#include "quantize/sensitivity.h"
#include "quantize/test_graphs.h"

namespace tf2::quantize {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;

constexpr std::size_t kTuned = 12;

// A calibration that is wrong about one tensor: as if nearly all of its values were small, so that
// clipping the others cost little.
class TuneQTest : public ::testing::Test {
 protected:
  TuneQTest()
      : graph_(testing::SmallNet()), calibration_(*testing::CalibrateRandom(graph_, kTuned)) {
    for (std::size_t v = 0; v < graph_.values.size(); ++v) {
      if (graph_.values[v].name != "c") continue;
      ValueStats& stats = calibration_.values[v];
      for (std::size_t c = 0; c < stats.histograms.size(); ++c) {
        stats.histograms[c].AddMagnitudes(
            std::vector<float>(std::size_t{1} << 20, stats.abs_max[c] / 5));
      }
    }
  }

  SampleSource Source() {
    return [this](std::size_t i) -> Result<std::vector<float>> {
      ++samples_read_;
      return testing::RandomSample(graph_, i);
    };
  }

  Result<TunedQ> Tune(const TuneOptions& options) {
    return TuneQ(graph_, calibration_, Source(), kTuned, options, 1, state_);
  }

  qnet::QNet With(const std::vector<QBound>& bounds) {
    return *Quantize(graph_, calibration_, {.bits = 8, .q = QRule::kMse, .bounds = bounds});
  }

  double ErrorOf(const qnet::QNet& net) {
    const auto expected = *FirstOutputs(graph_, Source(), kTuned, 1);
    return *MeasureNet(net, expected, Source(), 1);
  }

  const ir::Graph graph_;
  Calibration calibration_;
  QuantizeState state_{::testing::TempDir() + "tune_q.state"};  // never written
  int samples_read_ = 0;
};

const qnet::Tensor& TensorNamed(const qnet::QNet& net, const std::string& name) {
  return *std::ranges::find(net.tensors, name, &qnet::Tensor::name);
}

TEST_F(TuneQTest, LowersWhatClipsTooMuch) {
  const auto tuned = Tune({});
  ASSERT_TRUE(tuned.ok());
  EXPECT_LT(tuned->error_after, 0.5 * tuned->error_before);
  const qnet::QNet before = With({});
  const qnet::QNet after = With(tuned->bounds);
  EXPECT_EQ(tuned->error_before, ErrorOf(before));
  EXPECT_EQ(tuned->error_after, ErrorOf(after));
  EXPECT_THAT(tuned->bounds,
              ::testing::Each(Field(&QBound::above_floor, AllOf(Ge(kLeastAboveFloor), Le(1)))));
  const auto& q_before = TensorNamed(before, "c").q;
  const auto& q_after = TensorNamed(after, "c").q;
  EXPECT_NE(q_after, q_before);
  for (std::size_t c = 0; c < q_before.size(); ++c) EXPECT_LE(q_after[c], q_before[c]);
}

TEST_F(TuneQTest, StopsAtTheBound) {
  const double error = Tune({})->error_before;
  const auto tuned = Tune({.bound = error});
  EXPECT_EQ(tuned->attempts, 0U);
  EXPECT_THAT(tuned->bounds, IsEmpty());
  const auto refused = Tune({.bound = -1});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "a bound of -1; it is 0 or more");
}

TEST_F(TuneQTest, DoesNotMeasureAgainWhatTheStateHolds) {
  const auto first = Tune({});
  EXPECT_GT(samples_read_, 0);
  samples_read_ = 0;
  const auto again = Tune({.threads = 3});
  EXPECT_EQ(samples_read_, 0);
  EXPECT_EQ(again->error_after, first->error_after);
  EXPECT_EQ(again->attempts, first->attempts);
}

TEST_F(TuneQTest, CanBeCancelled) {
  TuneOptions options;
  options.progress = [](std::size_t, std::size_t) { return false; };
  EXPECT_EQ(Tune(options).error().code, ErrorCode::kCancelled);
}

TEST_F(TuneQTest, GoesOnAfterItWasCancelled) {
  const auto whole = Tune({});
  state_ = QuantizeState(::testing::TempDir() + "tune_q.state");
  int calls = 0;
  TuneOptions options;
  options.progress = [&](std::size_t, std::size_t) { return ++calls < 4; };
  EXPECT_EQ(Tune(options).error().code, ErrorCode::kCancelled);
  const int read_before = samples_read_;
  const auto rest = Tune({});
  EXPECT_GT(samples_read_, read_before);
  EXPECT_EQ(rest->error_after, whole->error_after);
  EXPECT_EQ(rest->bounds.size(), whole->bounds.size());
}

TEST_F(TuneQTest, MeasuresOnSamplesSpreadOverAll) {
  std::set<std::size_t> read;
  const SampleSource source = [&](std::size_t i) -> Result<std::vector<float>> {
    read.insert(i);
    return testing::RandomSample(graph_, i);
  };
  ASSERT_TRUE(TuneQ(graph_, calibration_, source, kTuned, {.samples = 4}, 2, state_).ok());
  EXPECT_THAT(read, ::testing::ElementsAre(0, 3, 6, 9));
}

TEST_F(TuneQTest, OneQALayerStaysOne) {
  std::vector<QBound> bounds;
  const qnet::QNet plain = *Quantize(graph_, calibration_, {.bits = 8, .q = QRule::kLayer});
  for (std::size_t i = 0; i < plain.tensors.size(); ++i)
    bounds.push_back({qnet::TensorId{static_cast<std::int32_t>(i)}, -1});
  const qnet::QNet net =
      *Quantize(graph_, calibration_, {.bits = 8, .q = QRule::kLayer, .bounds = bounds});
  for (const char* name : {"x", "a", "c"}) {
    const auto& q = TensorNamed(net, name).q;
    EXPECT_THAT(q, ::testing::Each(q[0])) << name;
    EXPECT_EQ(q[0], TensorNamed(plain, name).q[0] - 1) << name;
  }
}

TEST_F(TuneQTest, CompensatedRoundingUsesIt) {
  CompensatedOptions options;
  options.base = {.bits = 8, .q = QRule::kMse};
  options.threads = 1;
  const auto plain = *QuantizeCompensated(graph_, calibration_, Source(), kTuned, options);
  EXPECT_FALSE(plain.tuned);
  options.tune_bound = 0;
  const auto tuned = *QuantizeCompensated(graph_, calibration_, Source(), kTuned, options);
  EXPECT_EQ(tuned.tuned->error_after, Tune({})->error_after);
  EXPECT_LT(ErrorOf(tuned.net), ErrorOf(plain.net));
}

}  // namespace
}  // namespace tf2::quantize
