// Scores of classifiers and of approximations. Ties go to the lower index, NaN ranks last: two
// outputs that are equal give equal answers everywhere. Accumulators are plain values; add those of
// several threads with Merge.
#ifndef TF2_DATASET_METRICS_H_
#define TF2_DATASET_METRICS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tf2::dataset {

// True when score `a` at index `i` ranks before score `b` at index `j`.
template <typename T>
bool RanksBefore(T a, std::size_t i, T b, std::size_t j) {
  if (a > b) return true;
  if (b > a) return false;
  const bool a_is_number = a == a;
  const bool b_is_number = b == b;
  return a_is_number == b_is_number ? i < j : a_is_number;
}

// Index of the best score; 0 for an empty list.
template <typename T>
int ArgMax(std::span<const T> scores) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < scores.size(); ++i) {
    if (RanksBefore(scores[i], i, scores[best], best)) best = i;
  }
  return static_cast<int>(best);
}
template <typename T>
int ArgMax(const std::vector<T>& scores) {
  return ArgMax(std::span<const T>(scores));
}

// Indices of the `k` best scores (fewer when there are fewer), best first.
template <typename T>
std::vector<int> TopK(std::span<const T> scores, std::size_t k) {
  std::vector<int> order(scores.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  k = std::min(k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                    [&](int a, int b) {
                      const auto i = static_cast<std::size_t>(a);
                      const auto j = static_cast<std::size_t>(b);
                      return RanksBefore(scores[i], i, scores[j], j);
                    });
  order.resize(k);
  return order;
}
template <typename T>
std::vector<int> TopK(const std::vector<T>& scores, std::size_t k) {
  return TopK(std::span<const T>(scores), k);
}

// Place of class `label` among the scores, 0 being the best; scores.size() for a label that is no
// index.
template <typename T>
std::size_t Rank(std::span<const T> scores, int label) {
  if (label < 0 || static_cast<std::size_t>(label) >= scores.size()) return scores.size();
  const auto own = static_cast<std::size_t>(label);
  std::size_t rank = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i != own && RanksBefore(scores[i], i, scores[own], own)) ++rank;
  }
  return rank;
}

// Top-1 and top-5 over the labelled samples.
struct Accuracy {
  std::int64_t samples = 0;
  std::int64_t labelled = 0;
  std::int64_t top1_hits = 0;
  std::int64_t top5_hits = 0;

  template <typename T>
  void Add(std::span<const T> scores, std::optional<int> label) {
    ++samples;
    if (!label) return;
    ++labelled;
    const std::size_t rank = Rank(scores, *label);
    if (rank >= scores.size()) return;
    top1_hits += rank < 1 ? 1 : 0;
    top5_hits += rank < 5 ? 1 : 0;
  }
  void Merge(const Accuracy& other);
  // Fractions 0..1 of the labelled samples; nothing without labels.
  std::optional<double> Top1() const;
  std::optional<double> Top5() const;
};

// How often two outputs have the same best class.
struct Agreement {
  std::int64_t samples = 0;
  std::int64_t same = 0;

  template <typename A, typename B>
  void Add(std::span<const A> a, std::span<const B> b) {
    ++samples;
    same += ArgMax(a) == ArgMax(b) ? 1 : 0;
  }
  void Merge(const Agreement& other);
  // 0..1; 0 without samples.
  double Fraction() const;
};

// Mean Kullback-Leibler divergence of an approximation's probabilities from a reference's, in nats:
// finer than agreement, since every sample says how much it differs. Samples where either side is
// no distribution (values from 0 on whose sum is 1, to one in a thousand) are not counted.
struct Divergence {
  std::int64_t samples = 0;
  double sum = 0;

  void Add(std::span<const float> reference, std::span<const float> approximation);
  void Merge(const Divergence& other);
  std::optional<double> Mean() const;  // nothing without samples
};

// Mean, deviation and range of a stream of numbers (Welford's update).
struct RunningStats {
  std::int64_t count = 0;
  double mean = 0;
  double sum_squared_deviation = 0;
  double min = 0;
  double max = 0;

  void Add(double value);
  void Merge(const RunningStats& other);
  // Of the population; 0 for fewer than two.
  double StandardDeviation() const;
};

// Signal-to-noise ratio of an approximation to a reference.
struct SignalToNoise {
  double signal = 0;
  double noise = 0;

  void Add(double reference, double approximation) {
    signal += reference * reference;
    noise += (reference - approximation) * (reference - approximation);
  }
  void Merge(const SignalToNoise& other);
  // 10 log10(signal / noise) in dB; +infinity without noise, -infinity without signal.
  double Decibels() const;
};

}  // namespace tf2::dataset

#endif  // TF2_DATASET_METRICS_H_
