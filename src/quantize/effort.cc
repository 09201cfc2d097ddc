#include "quantize/effort.h"

#include <algorithm>
#include <utility>

#include "quantize/layer_statistics.h"

namespace tf2::quantize {
namespace {

// Of the samples that are kept for the refinement of one layer, at most.
constexpr std::size_t kSampleBytes = std::size_t{512} << 20;

// What is kept free of the time, for layers that take longer than expected.
constexpr double kReserve = 0.1;

// Operations a second of rounding and of running: the first guess. It counts as much as a second
// that was measured.
constexpr double kRoundingRate = 4e10;
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

void Pace::Rate::Add(double more_work, double more_seconds) {
  work = work / 2 + more_work;
  seconds = seconds / 2 + more_seconds;
}

Pace::Pace(std::vector<LayerSize> layers, const Effort& most)
    : layers_(std::move(layers)),
      rounding_{.work = kRoundingRate, .seconds = 1},
      running_{.work = kRunningRate, .seconds = 1} {
  const Effort least{
      .scales = 1, .refinements = 0, .positions = 1 << 13, .positions_per_weight = 8};
  const Effort between{.scales = 2, .refinements = 2, .positions = 1 << 15};
  const Effort more{.scales = 8, .refinements = 10, .positions = 1 << 17};
  for (Effort effort : {least, kQuickEffort, between, kNormalEffort, more, kThoroughEffort}) {
    effort.scales = std::min(effort.scales, most.scales);
    effort.refinements = std::min(effort.refinements, most.refinements);
    effort.positions = std::min(effort.positions, most.positions);
    if (efforts_.empty() || effort != efforts_.back()) efforts_.push_back(effort);
  }
}

Effort Pace::For(std::size_t next, double seconds) const {
  double running = 0;
  for (std::size_t i = next; i < layers_.size(); ++i)
    running += layers_[i].operations * static_cast<double>(layers_[i].samples);
  const double left = (1 - kReserve) * seconds - running_.Of(running);
  for (std::size_t e = efforts_.size(); --e > 0;) {
    double operations = 0;
    for (std::size_t i = next; i < layers_.size(); ++i)
      operations += Operations(layers_[i], efforts_[e]);
    if (rounding_.Of(operations) <= left) return efforts_[e];
  }
  return efforts_[0];
}

void Pace::Rounded(std::size_t layer, const Effort& effort, double seconds) {
  rounding_.Add(Operations(layers_[layer], effort), seconds);
}

void Pace::Ran(std::size_t layer, double seconds) {
  running_.Add(layers_[layer].operations * static_cast<double>(layers_[layer].samples), seconds);
}

}  // namespace tf2::quantize
