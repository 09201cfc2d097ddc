#include "quantize/effort.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tf2::quantize {
namespace {

using ::testing::Each;

constexpr LayerSize kLayer{
    .oc = 64, .row = 576, .samples = 100, .positions_per_sample = 5000, .operations = 1e6};

TEST(Effort, PositionsGrowWithTheWeights) {
  LayerSize layer = kLayer;
  EXPECT_EQ(PositionsPerSample(layer, kNormalEffort), 656);  // of 2^16
  layer.row = 4000;
  EXPECT_EQ(PositionsPerSample(layer, kNormalEffort), 1262);  // 512 MiB of them
  layer.positions_per_sample = 7;
  EXPECT_EQ(PositionsPerSample(layer, kNormalEffort), 7);
  layer = kLayer;
  layer.samples = 1 << 20;
  EXPECT_EQ(PositionsPerSample(layer, kQuickEffort), 1);
}

// A machine that rounds and runs at given rates, which Pace does not know.
struct Machine {
  double seconds_of_quick;  // a layer
  double seconds_of_run;

  // The layers' efforts, and how long all took.
  std::pair<std::vector<Effort>, double> Run(std::vector<LayerSize> layers, double time,
                                             const Effort& most) const {
    Pace pace(layers, most);
    double now = 0;
    std::vector<Effort> efforts;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      efforts.push_back(pace.For(i, time - now));
      // More of everything takes longer, in another way than Pace expects.
      const Effort& e = efforts.back();
      const double rounding = seconds_of_quick * (e.scales + 5 * e.refinements) / 2 *
                              static_cast<double>(e.positions) / (1 << 15);
      pace.Rounded(i, e, rounding);
      pace.Ran(i, seconds_of_run);
      now += rounding + seconds_of_run;
    }
    return {efforts, now};
  }
};

TEST(Pace, TakesTheTimeGiven) {
  const std::vector<LayerSize> layers(40, kLayer);
  for (const double speed : {0.1, 1.0, 4.0}) {
    const Machine machine{.seconds_of_quick = 0.2 * speed, .seconds_of_run = 0.1 * speed};
    double last = 0;
    for (const double time : {20.0, 40.0, 120.0, 500.0}) {
      const auto [efforts, took] = machine.Run(layers, time * speed, kThoroughEffort);
      EXPECT_LE(took, time * speed) << speed << ' ' << time;
      EXPECT_GE(took, 0.5 * time * speed) << speed << ' ' << time;
      EXPECT_GT(took, last);
      last = took;
    }
  }
}

TEST(Pace, NoMoreThanAskedFor) {
  const std::vector<LayerSize> layers(10, kLayer);
  const Machine machine{.seconds_of_quick = 0.01, .seconds_of_run = 0.01};
  EXPECT_THAT(machine.Run(layers, 1000, kThoroughEffort).first, Each(kThoroughEffort));
  EXPECT_THAT(machine.Run(layers, 1000, kNormalEffort).first, Each(kNormalEffort));
}

TEST(Pace, TheLeastWhereTimeIsOut) {
  const Pace pace({kLayer, kLayer}, kThoroughEffort);
  for (const double seconds : {1e-3, 0.0, -5.0}) {
    const Effort least = pace.For(0, seconds);
    EXPECT_EQ(least.scales, 1);
    EXPECT_EQ(least.refinements, 0);
    EXPECT_LT(least.positions, kQuickEffort.positions);
  }
}

// Layers whose weights stay as they are leave their time to the others.
TEST(Pace, LeavesOutWhatIsNotRounded) {
  std::vector<LayerSize> layers(20, kLayer);
  const double time = 60;
  const Effort all = Pace(layers, kThoroughEffort).For(0, time);
  for (std::size_t i = 1; i < layers.size(); ++i) layers[i].roundings = 0;
  const Effort alone = Pace(layers, kThoroughEffort).For(0, time);
  EXPECT_GT(alone.positions, all.positions);
}

}  // namespace
}  // namespace tf2::quantize
