#include "quantize/weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "numerics/numerics.h"

namespace tf2::quantize {
namespace {

using qnet::WeightKind;

constexpr int kStepsPerOctave = 48;
constexpr int kSacOctaves = 4;
constexpr int kMacOctaves = 2;
constexpr int kMaxRefits = 8;

// One row: |u| and the weight of each error.
struct Row {
  std::vector<float> magnitude;
  std::vector<float> weight;
};

// Magnitude of numerics::NearestSac(x), x >= 0, in single precision: fast, for the search only.
inline float SacMagnitude(float x) {
  // Adding half a mantissa rounds to the power of two whose interval [0.75, 1.5) * 2^k holds x.
  const auto bits = std::bit_cast<std::uint32_t>(x) + 0x00400000U;
  const float power = std::bit_cast<float>(bits & 0x7f800000U);
  return x < 0.5F ? 0.0F : std::clamp(power, 1.0F, 64.0F);
}

inline float MacMagnitude(float x) { return std::min(std::floor(x + 0.5F), 127.0F); }

// Sums of one assignment of codes q to the row: the best scale is uq / qq, its error uu - uq^2 /
// qq.
struct Fit {
  double uq = 0;
  double qq = 0;
  double gain() const { return qq > 0 ? uq * uq / qq : 0; }
};

template <typename Magnitude>
Fit FitAt(const Row& row, float scale, Magnitude magnitude) {
  const float inverse = 1.0F / scale;
  Fit fit;
  for (std::size_t i = 0; i < row.magnitude.size(); ++i) {
    const float q = magnitude(row.magnitude[i] * inverse);
    const float wq = row.weight[i] * q;
    fit.uq += double{wq} * row.magnitude[i];
    fit.qq += double{wq} * q;
  }
  return fit;
}

// The candidate whose codes explain most of the row, refitted until the codes stay.
template <typename Magnitude>
double SearchScale(const Row& row, std::span<const double> candidates, Magnitude magnitude) {
  Fit best;
  for (const double candidate : candidates) {
    const Fit fit = FitAt(row, static_cast<float>(candidate), magnitude);
    if (fit.gain() > best.gain()) best = fit;
  }
  if (best.qq == 0) return candidates[0];
  for (int i = 0; i < kMaxRefits; ++i) {
    const Fit next = FitAt(row, static_cast<float>(best.uq / best.qq), magnitude);
    if (next.gain() <= best.gain()) break;
    best = next;
  }
  return best.uq / best.qq;
}

// Scales of which SearchScale tries each: SAC from the largest weight at 1.5 * 64 up, MAC from it
// at 127 down.
std::vector<double> Candidates(WeightKind kind, double largest) {
  std::vector<double> scales;
  const auto add = [&](double first, int octaves, int direction) {
    for (int i = 0; i <= octaves * kStepsPerOctave; ++i) {
      scales.push_back(first * std::exp2(static_cast<double>(direction * i) / kStepsPerOctave));
    }
  };
  switch (kind) {
    case WeightKind::kSac:
      add(largest / (1.5 * 64), kSacOctaves, 1);
      break;
    case WeightKind::kMac:
      add(largest / 127, kMacOctaves, -1);
      break;
  }
  return scales;
}

double RowScale(const Row& row, WeightKind kind) {
  const double largest = *std::ranges::max_element(row.magnitude);
  const std::vector<double> candidates = Candidates(kind, largest);
  switch (kind) {  // lambdas rather than the functions, so that they are inlined
    case WeightKind::kSac:
      return SearchScale(row, candidates, [](float x) { return SacMagnitude(x); });
    case WeightKind::kMac:
      return SearchScale(row, candidates, [](float x) { return MacMagnitude(x); });
  }
  TF2_CHECK(false, "no such kind of weights");
}

std::int8_t NearestCode(WeightKind kind, double x) {
  switch (kind) {
    case WeightKind::kSac:
      return numerics::NearestSac(x);
    case WeightKind::kMac:
      return numerics::NearestInt8(x);
  }
  TF2_CHECK(false, "no such kind of weights");
}

// What the error of weight `i` of a row of `group` counts with.
double ErrorWeightOf(const LayerProblem& problem, ErrorWeight weight, std::size_t i) {
  switch (weight) {
    case ErrorWeight::kNone:
      return 1;
    case ErrorWeight::kMeanSquare:
      return problem.mean_square[i];
    case ErrorWeight::kVariance:
      return std::max(problem.mean_square[i] - problem.mean[i] * problem.mean[i], 0.0);
  }
  TF2_CHECK(false, "no such weight");
}

// The row scaled so that its largest weight is 1 (single precision holds any spread then) and its
// error weights, whose mean is 1. Where no input varies, all errors count alike.
Row MakeRow(const LayerProblem& problem, std::size_t o, ErrorWeight weight, double largest) {
  if (problem.mean_square.empty()) weight = ErrorWeight::kNone;
  const std::size_t first = o / (problem.oc / problem.groups) * problem.row;
  double total = 0;
  for (std::size_t i = 0; i < problem.row; ++i) total += ErrorWeightOf(problem, weight, first + i);
  if (!(total > 0)) weight = ErrorWeight::kNone;
  const double unit = total > 0 ? total / static_cast<double>(problem.row) : 1;
  Row row;
  for (std::size_t i = 0; i < problem.row; ++i) {
    row.magnitude.push_back(
        static_cast<float>(std::fabs(problem.folded[o * problem.row + i]) / largest));
    row.weight.push_back(static_cast<float>(ErrorWeightOf(problem, weight, first + i) / unit));
  }
  return row;
}

class Nearest {
 public:
  explicit Nearest(const NearestOptions& options) : options_(options) {}

  Result<RoundedLayer> operator()(const LayerProblem& problem) const {
    RoundedLayer layer;
    layer.terms.resize(1);
    layer.terms[0].resize(problem.folded.size());
    layer.bias = problem.bias;
    for (std::size_t o = 0; o < problem.oc; ++o) {
      layer.scale.push_back(ScaleOf(problem, o));
      const double scale = layer.scale[o];
      const std::size_t group = o / (problem.oc / problem.groups);
      for (std::size_t i = 0; i < problem.row; ++i) {
        const double u = problem.folded[o * problem.row + i];
        const std::int8_t code = NearestCode(problem.kind, u / scale);
        layer.terms[0][o * problem.row + i] = code;
        if (options_.correct_bias && !problem.mean.empty()) {
          layer.bias[o] += (u - scale * code) * problem.mean[group * problem.row + i];
        }
      }
    }
    return layer;
  }

 private:
  double ScaleOf(const LayerProblem& problem, std::size_t o) const {
    double largest = 0;
    for (std::size_t i = 0; i < problem.row; ++i)
      largest = std::max(largest, std::fabs(problem.folded[o * problem.row + i]));
    if (!(largest > 0)) return ScaleOfEmptyRow(problem.bias[o]);
    const Row row = MakeRow(problem, o, options_.weight, largest);
    return std::max(RowScale(row, problem.kind) * largest, LeastScale(problem.bias[o]));
  }

  NearestOptions options_;
};

}  // namespace

WeightRounder NearestRounder(const NearestOptions& options) { return Nearest(options); }

double ScaleOfEmptyRow(double bias) { return bias == 0 ? 1.0 : std::ldexp(std::fabs(bias), -20); }

double LeastScale(double bias) { return std::ldexp(std::fabs(bias), -30); }

}  // namespace tf2::quantize
