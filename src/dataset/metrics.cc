#include "dataset/metrics.h"

#include <cmath>
#include <limits>

namespace tf2::dataset {
namespace {

double Ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

// What stands for a probability that single precision rounded to zero.
constexpr double kLeastProbability = 1e-20;

bool IsDistribution(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) {
    if (!(v >= 0)) return false;
    sum += v;
  }
  return std::fabs(sum - 1) <= 1e-3;
}

}  // namespace

void Accuracy::Merge(const Accuracy& other) {
  samples += other.samples;
  labelled += other.labelled;
  top1_hits += other.top1_hits;
  top5_hits += other.top5_hits;
}

std::optional<double> Accuracy::Top1() const {
  if (labelled == 0) return std::nullopt;
  return Ratio(top1_hits, labelled);
}

std::optional<double> Accuracy::Top5() const {
  if (labelled == 0) return std::nullopt;
  return Ratio(top5_hits, labelled);
}

void Agreement::Merge(const Agreement& other) {
  samples += other.samples;
  same += other.same;
}

double Agreement::Fraction() const { return samples == 0 ? 0 : Ratio(same, samples); }

void Divergence::Add(std::span<const float> reference, std::span<const float> approximation) {
  if (reference.size() != approximation.size()) return;
  if (!IsDistribution(reference) || !IsDistribution(approximation)) return;
  ++samples;
  double one = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double p = reference[i];
    if (p > 0) one += p * std::log(p / std::max<double>(approximation[i], kLeastProbability));
  }
  sum += std::max(one, 0.0);
}

void Divergence::Merge(const Divergence& other) {
  samples += other.samples;
  sum += other.sum;
}

std::optional<double> Divergence::Mean() const {
  if (samples == 0) return std::nullopt;
  return sum / static_cast<double>(samples);
}

void RunningStats::Add(double value) {
  min = count == 0 ? value : std::min(min, value);
  max = count == 0 ? value : std::max(max, value);
  ++count;
  const double delta = value - mean;
  mean += delta / static_cast<double>(count);
  sum_squared_deviation += delta * (value - mean);
}

void RunningStats::Merge(const RunningStats& other) {
  if (other.count == 0) return;
  if (count == 0) {
    *this = other;
    return;
  }
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  const auto total = static_cast<double>(count + other.count);
  const double delta = other.mean - mean;
  sum_squared_deviation +=
      other.sum_squared_deviation +
      delta * delta * static_cast<double>(count) * static_cast<double>(other.count) / total;
  mean += delta * static_cast<double>(other.count) / total;
  count += other.count;
}

double RunningStats::StandardDeviation() const {
  return count < 2 ? 0 : std::sqrt(sum_squared_deviation / static_cast<double>(count));
}

void SignalToNoise::Merge(const SignalToNoise& other) {
  signal += other.signal;
  noise += other.noise;
}

double SignalToNoise::Decibels() const {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  if (signal == 0) return -std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

}  // namespace tf2::dataset
