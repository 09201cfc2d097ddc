#include "quantize/tune_q.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "quantize/choose_q.h"
#include "quantize/draft.h"
#include "quantize/sensitivity.h"

namespace tf2::quantize {
namespace {

// A gain below this part of the error is chance.
constexpr double kLeastGain = 1e-3;

// A tensor whose operator chooses its exponents.
struct Tunable {
  qnet::TensorId tensor{};
  const ValueStats* stats = nullptr;
  bool open = true;  // whether a lower cap may help
};

std::vector<Tunable> TunablesOf(const Draft& draft, const Calibration& calibration) {
  std::vector<Tunable> tunables;
  for (std::size_t i = 0; i < draft.net.tensors.size(); ++i) {
    const auto id = qnet::TensorId{static_cast<std::int32_t>(i)};
    const qnet::Tensor& tensor = draft.net.tensors[i];
    if (!ChoosesQ(draft.net, id) || tensor.type != qnet::ElemType::kInt8) continue;
    if (qnet::IsInput(draft.net, id) && tensor.h() * tensor.w() == 1) continue;  // it has one Q
    const ValueStats& stats = calibration.stats(draft.values[i]);
    if (!stats.q && stats.histograms.size() == stats.abs_max.size())
      tunables.push_back({id, &stats});
  }
  return tunables;
}

// Error of rounding and clipping the calibrated values to `tensor`, over their power.
double RoundingError(const qnet::Tensor& tensor, const ValueStats& stats) {
  double error = 0;
  double power = 0;
  for (std::size_t c = 0; c < stats.abs_max.size(); ++c) {
    const Histogram& histogram = stats.histograms[c];
    const auto values = static_cast<double>(
        std::accumulate(histogram.bins.begin(), histogram.bins.end(), histogram.zeros));
    error += values > 0 ? SquaredErrorAt(histogram, tensor.q[c]) / values : 0;
    power += stats.mean_square[c];
  }
  return power > 0 ? error / power : 0;
}

// How far the exponents of `tensor` lie above those that saturate nothing, at most.
int AboveFloor(const qnet::Tensor& tensor, const ValueStats& stats) {
  std::optional<int> most;
  for (std::size_t c = 0; c < stats.abs_max.size(); ++c) {
    if (stats.abs_max[c] <= 0) continue;
    const int above = tensor.q[c] - FloorQ(stats.abs_max[c]);
    most = std::max(most.value_or(above), above);
  }
  return most.value_or(kLeastAboveFloor);
}

// `bounds` with one more, instead of an older one of its tensor.
std::vector<QBound> With(std::vector<QBound> bounds, QBound bound) {
  std::erase_if(bounds, [&](const QBound& b) { return b.tensor == bound.tensor; });
  bounds.push_back(bound);
  return bounds;
}

class Tuner {
 public:
  Tuner(const ir::Graph& graph, const Calibration& calibration, const SampleSource& source,
        std::size_t count, const TuneOptions& options, std::uint64_t key, QuantizeState& state)
      : graph_(graph),
        calibration_(calibration),
        measured_(std::min(count, std::max<std::size_t>(options.samples, 1))),
        spread_([&source, count, measured = measured_](std::size_t i) {
          return source(i * count / measured);
        }),
        options_(options),
        key_(key),
        state_(state) {}

  Result<TunedQ> Run() {
    TF2_ASSIGN_OR_RETURN(const Draft draft, LowerStructure(graph_, &calibration_));
    std::vector<Tunable> tunables = TunablesOf(draft, calibration_);
    TF2_ASSIGN_OR_RETURN(Attempt best, Try({}));
    TunedQ result;
    result.error_before = best.error;
    while (best.error > options_.bound) {
      const auto closed = static_cast<std::size_t>(
          std::ranges::count_if(tunables, [](const Tunable& t) { return !t.open; }));
      if (closed == tunables.size()) break;
      if (options_.progress && !options_.progress(closed, tunables.size()))
        return Cancelled("quantisation was cancelled");
      Tunable& worst = WorstOf(tunables, best.net);
      const qnet::Tensor& tensor = best.net.tensor(worst.tensor);
      const int bound = AboveFloor(tensor, *worst.stats) - 1;
      worst.open = bound >= kLeastAboveFloor;
      if (!worst.open) continue;
      ++result.attempts;
      TF2_ASSIGN_OR_RETURN(Attempt lower, Try(With(best.bounds, {worst.tensor, bound})));
      worst.open = lower.error < best.error * (1 - kLeastGain);
      if (worst.open) best = std::move(lower);
    }
    result.bounds = std::move(best.bounds);
    result.error_after = best.error;
    return result;
  }

 private:
  struct Attempt {
    std::vector<QBound> bounds;
    qnet::QNet net;
    double error = 0;
  };

  Result<Attempt> Try(std::vector<QBound> bounds) {
    QuantizeOptions how;
    how.bits = 8;
    how.q = options_.q;
    how.bounds = bounds;
    how.warn = false;
    TF2_ASSIGN_OR_RETURN(qnet::QNet net, Quantize(graph_, calibration_, how));
    std::string name = "tuned";
    for (const QBound& b : bounds)
      name += fmt::format(" {}:{}", qnet::Index(b.tensor), b.above_floor);
    double error = 0;
    if (const auto known = state_.Numbers(key_, name); known && known->size() == 1) {
      error = known->front();
    } else {
      if (expected_.empty()) {
        TF2_ASSIGN_OR_RETURN(expected_, FirstOutputs(graph_, spread_, measured_, options_.threads));
      }
      TF2_ASSIGN_OR_RETURN(error, MeasureNet(net, expected_, spread_, options_.threads));
      state_.PutNumbers(key_, name, {error});
    }
    return Attempt{std::move(bounds), std::move(net), error};
  }

  static Tunable& WorstOf(std::vector<Tunable>& tunables, const qnet::QNet& net) {
    Tunable* worst = nullptr;
    double largest = 0;
    for (Tunable& t : tunables) {
      if (!t.open) continue;
      const double error = RoundingError(net.tensor(t.tensor), *t.stats);
      if (worst != nullptr && error <= largest) continue;
      worst = &t;
      largest = error;
    }
    return *worst;
  }

  const ir::Graph& graph_;
  const Calibration& calibration_;
  const std::size_t measured_;
  const SampleSource spread_;
  const TuneOptions& options_;
  const std::uint64_t key_;
  QuantizeState& state_;
  std::vector<std::vector<float>> expected_;  // the float network's outputs
};

}  // namespace

Result<TunedQ> TuneQ(const ir::Graph& graph, const Calibration& calibration,
                     const SampleSource& source, std::size_t count, const TuneOptions& options,
                     std::uint64_t key, QuantizeState& state) {
  if (!(options.bound >= 0))
    return InvalidArgument("a bound of {}; it is 0 or more", options.bound);
  return Tuner(graph, calibration, source, count, options, key, state).Run();
}

}  // namespace tf2::quantize
