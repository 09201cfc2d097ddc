#include "quantize/effort.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parallel.h"
#include "quantize/layer_statistics.h"

namespace tf2::quantize {
namespace {

// Of the samples that are kept for the refinement of one layer, at most.
constexpr std::size_t kSampleBytes = std::size_t{512} << 20;

// What is kept free of the time, for layers that take longer than expected.
constexpr double kReserve = 0.1;

// The first guess, of one thread; it counts as much as a second that was measured.
constexpr double kRoundingRate = 2e10;
constexpr double kRunningRate = 2e10;

// Operations of the rounding of a layer: products over the positions, what is done for each value
// there, factors of each group's covariance, descent of each row. The weights of these were fitted
// to SqueezeNet's layers at quick and normal effort.
double Operations(const LayerSize& layer, const Effort& effort) {
  if (layer.roundings == 0) return 0;
  const auto n = static_cast<double>(layer.row);
  const auto groups = static_cast<double>(layer.groups);
  const auto oc = static_cast<double>(layer.oc) / groups;
  const auto positions =
      static_cast<double>(PositionsPerSample(layer, effort)) * static_cast<double>(layer.samples);
  const double collect = 2 * positions * n * (n + oc);
  const double values = 200 * positions * (n + oc);
  const double factors = 3 * n * n * n;
  const double descend = 4 * oc * n * n;
  const double refine = values + 2 * positions * n * oc + n * n * n + descend;
  return groups *
         (collect + values +
          layer.roundings * (factors + effort.scales * descend + effort.refinements * refine));
}

}  // namespace

std::size_t PositionsPerSample(const LayerSize& layer, const Effort& effort) {
  const std::size_t each =
      LayerSamples::BytesEach(layer.row * layer.groups, layer.oc, layer.residual);
  const std::size_t wanted = std::min(
      std::max(effort.positions, effort.positions_per_weight * layer.row), kSampleBytes / each);
  return std::clamp<std::size_t>((wanted + layer.samples - 1) / layer.samples, 1,
                                 layer.positions_per_sample);
}

Speed::Speed(double operations_a_second, int threads)
    : operations_(operations_a_second *
                  std::min(threads == 0 ? DefaultThreads() : threads, DefaultThreads())) {}

void Speed::Add(double operations, double seconds) {
  constexpr double kHalf = 8;  // seconds after which what was measured before counts half
  const double left = std::exp2(-seconds / kHalf);
  operations_ = operations_ * left + operations;
  seconds_ = seconds_ * left + seconds;
  measured_ += seconds;
}

Speeds::Speeds(int threads) : rounding(kRoundingRate, threads), running(kRunningRate, threads) {}

Pace::Pace(std::vector<LayerSize> layers, const Effort& most, Speeds& speeds)
    : layers_(std::move(layers)), speeds_(speeds) {
  const Effort least{
      .scales = 1, .refinements = 0, .positions = 1 << 13, .positions_per_weight = 8};
  const Effort between{.scales = 2, .refinements = 2, .positions = 1 << 15};
  const Effort more{.scales = 8, .refinements = 10, .positions = 1 << 17};
  for (Effort effort : {least, kQuickEffort, between, kNormalEffort, more, kThoroughEffort}) {
    effort.scales = std::min(effort.scales, most.scales);
    effort.refinements = std::min(effort.refinements, most.refinements);
    effort.positions = std::min(effort.positions, most.positions);
    effort.positions_per_weight = std::min(effort.positions_per_weight, most.positions_per_weight);
    if (efforts_.empty() || effort != efforts_.back()) efforts_.push_back(effort);
  }
}

// Of one network.
double Pace::Running(std::size_t begin, std::size_t end) const {
  double operations = 0;
  for (std::size_t i = begin; i < end; ++i)
    operations += layers_[i].operations * static_cast<double>(layers_[i].samples);
  return operations;
}

Effort Pace::For(std::size_t next, double seconds) const {
  constexpr double kEnough = 2;      // seconds of rounding, measured
  constexpr double kCautious = 0.2;  // of the time that is left, for a layer before that
  const std::size_t end = layers_.size();
  const double running = Running(next, end) + Running(std::max(next, float_end_), end);
  const double left = (1 - kReserve) * seconds - speeds_.running.Seconds(running);
  const double most = speeds_.rounding.measured() < kEnough ? kCautious * left : left;
  for (std::size_t e = efforts_.size(); --e > 0;) {
    double operations = 0;
    for (std::size_t i = next; i < end; ++i) operations += Operations(layers_[i], efforts_[e]);
    const double first = Operations(layers_[next], efforts_[e]);
    if (speeds_.rounding.Seconds(operations) <= left && speeds_.rounding.Seconds(first) <= most)
      return efforts_[e];
  }
  return efforts_[0];
}

void Pace::Rounded(std::size_t layer, const Effort& effort, double seconds) {
  speeds_.rounding.Add(Operations(layers_[layer], effort), seconds);
}

void Pace::Ran(std::size_t layer, double seconds) {
  speeds_.running.Add(Running(layer, layer + 1), seconds);
}

void Pace::RanFloat(std::size_t end, double seconds) {
  if (end <= float_end_) return;
  speeds_.running.Add(Running(float_end_, end), seconds);
  float_end_ = end;
}

}  // namespace tf2::quantize
