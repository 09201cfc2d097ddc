#include "quantize/effort.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
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

// A machine that rounds and runs at rates of its own, which Pace does not know.
struct Machine {
  double seconds_of_quick;  // of a layer of the size of kLayer
  double seconds_of_run;
  double seconds_of_small = 0;  // whatever an operator's size

  // The efforts of the layers that are rounded, and how long all took.
  std::pair<std::vector<Effort>, double> Run(const std::vector<LayerSize>& layers, double time,
                                             const Effort& most) const {
    Speeds speeds(2);
    Pace pace(layers, most, speeds);
    double now = 0;
    std::vector<Effort> efforts;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].roundings > 0) {
        const std::size_t float_begin = efforts.empty() ? 0 : i - 1;
        now += static_cast<double>(i - float_begin) * seconds_of_run / 2;
        pace.RanFloat(i, static_cast<double>(i - float_begin) * seconds_of_run / 2);
        efforts.push_back(pace.For(i, time - now));
        // More of everything takes longer, in another way than Pace expects.
        const Effort& e = efforts.back();
        const double positions = static_cast<double>(e.positions) / (1 << 15);
        const double rounding = seconds_of_quick * static_cast<double>(layers[i].oc) / kLayer.oc *
                                (positions * (0.5 + 0.25 * e.refinements) + 0.25 * e.scales);
        pace.Rounded(i, e, rounding);
        now += rounding;
      }
      const double run = layers[i].operations / kLayer.operations * seconds_of_run / 2;
      pace.Ran(i, run + seconds_of_small);
      now += run + seconds_of_small;
    }
    return {efforts, now};
  }
};

constexpr LayerSize kSmall{.samples = 100, .operations = 1e3, .roundings = 0};

TEST(Pace, TakesTheTimeGiven) {
  const std::vector<LayerSize> equal(40, kLayer);
  std::vector<LayerSize> mixed;
  for (std::size_t i = 0; i < 20; ++i) {
    mixed.push_back(kLayer);
    mixed.back().oc *= 1 + i % 4;
    for (int k = 0; k < 8; ++k) mixed.push_back(kSmall);
  }
  for (const auto& layers : {equal, mixed}) {
    for (const double speed : {0.1, 1.0, 4.0}) {
      const Machine machine{.seconds_of_quick = 0.2 * speed,
                            .seconds_of_run = 0.1 * speed,
                            .seconds_of_small = 0.001 * speed};
      double last = 0;
      for (const double time : {30.0, 60.0, 200.0, 800.0}) {
        const auto [efforts, took] = machine.Run(layers, time * speed, kThoroughEffort);
        EXPECT_LE(took, time * speed) << speed << ' ' << time;
        EXPECT_GE(took, 0.3 * time * speed) << speed << ' ' << time;
        EXPECT_GT(took, last);
        last = took;
      }
    }
  }
}

// The first layer is twice as much work as all others.
TEST(Pace, IsCarefulUntilItKnowsTheMachine) {
  std::vector<LayerSize> layers(8, kLayer);
  layers[0].oc *= 15;
  const Machine slow{.seconds_of_quick = 1, .seconds_of_run = 0.1};
  for (const double time : {60.0, 400.0})
    EXPECT_LE(slow.Run(layers, time, kThoroughEffort).second, time) << time;
}

// What the float network runs before the first layer that was not known counts for all of them.
TEST(Pace, GoesOnAfterLayersThatWereKnown) {
  const std::vector<LayerSize> layers(40, kLayer);
  Speeds speeds(2);
  Pace pace(layers, kThoroughEffort, speeds);
  pace.RanFloat(30, 600);
  pace.RanFloat(30, 1);  // nothing new
  pace.RanFloat(31, 20);
  const double one = kLayer.operations * static_cast<double>(kLayer.samples);
  EXPECT_NEAR(speeds.running.Seconds(one), 20, 0.2);
}

TEST(Pace, NoMoreThanAskedFor) {
  const std::vector<LayerSize> layers(10, kLayer);
  const Machine machine{.seconds_of_quick = 0.01, .seconds_of_run = 0.01};
  EXPECT_THAT(machine.Run(layers, 10000, kThoroughEffort).first, Each(kThoroughEffort));
  EXPECT_THAT(machine.Run(layers, 10000, kNormalEffort).first, Each(kNormalEffort));
}

TEST(Pace, TheLeastWhereTimeIsOut) {
  Speeds speeds(1);
  const Pace pace({kLayer, kLayer}, kThoroughEffort, speeds);
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
  Speeds speeds(1);
  speeds.rounding.Add(4e11, 10);
  const Effort all = Pace(layers, kThoroughEffort, speeds).For(0, time);
  for (std::size_t i = 1; i < layers.size(); ++i) layers[i].roundings = 0;
  const Effort alone = Pace(layers, kThoroughEffort, speeds).For(0, time);
  EXPECT_GT(alone.positions, all.positions);
}

}  // namespace
}  // namespace tf2::quantize
