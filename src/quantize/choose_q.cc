#include "quantize/choose_q.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/log.h"
#include "qnet/move_map.h"

namespace tf2::quantize {
namespace {

using numerics::kMaxQ;
using numerics::kMinQ;
using qnet::TensorId;

constexpr double kLimit8 = 127.5;
constexpr double kLimit16 = 32767.5;

std::int8_t ClampQ(int q) { return static_cast<std::int8_t>(std::clamp(q, kMinQ, kMaxQ)); }

// The operator that computes each tensor; null for the input.
std::vector<const qnet::Op*> Producers(const qnet::QNet& net) {
  std::vector<const qnet::Op*> producers(net.tensors.size(), nullptr);
  for (const qnet::Op& op : net.ops) producers[qnet::Index(op.output)] = &op;
  return producers;
}

bool PassesQ(const qnet::Op* op) {
  return op != nullptr && (std::holds_alternative<qnet::MaxPool>(op->params) ||
                           std::holds_alternative<qnet::Concat>(op->params) ||
                           std::holds_alternative<qnet::Reshape>(op->params) ||
                           std::holds_alternative<qnet::Move>(op->params) ||
                           std::holds_alternative<qnet::Dilate>(op->params));
}

std::int64_t PlaneOf(const qnet::Tensor& tensor) { return std::int64_t{tensor.h()} * tensor.w(); }

// Whether means over many positions are all that is made of a tensor: the errors of rounding cancel
// in them, those of clipping do not.
bool OnlyAveraged(const qnet::QNet& net, TensorId tensor) {
  constexpr std::int32_t kManyTaps = 16;
  bool any = false;
  for (const qnet::Op& op : net.ops) {
    if (std::ranges::count(op.inputs, tensor) == 0) continue;
    const auto* pool = std::get_if<qnet::AvgPool>(&op.params);
    if (pool == nullptr || pool->window.kh * pool->window.kw < kManyTaps) return false;
    any = true;
  }
  return any && std::ranges::none_of(net.outputs,
                                     [&](const qnet::Output& o) { return o.tensor == tensor; });
}

// One Q for the whole tensor from its largest value.
int OneQ(const ValueStats& stats, double limit) {
  const float fmax = *std::ranges::max_element(stats.abs_max);
  return fmax > 0 ? FloorQ(fmax, limit) : 0;
}

// Q of each channel of an 8-bit tensor; may lie below kMinQ.
std::vector<int> ChannelQ(const ValueStats& stats, QRule rule) {
  const std::size_t channels = stats.abs_max.size();
  const int layer_q = OneQ(stats, kLimit8);
  std::vector<int> q(channels, 0);
  std::vector<bool> fired(channels, false);
  int largest = kMinQ;
  double sum = 0;
  double count = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    const double fmax = stats.abs_max[c];
    fired[c] = fmax > 0;
    if (!fired[c]) continue;
    switch (rule) {
      case QRule::kFloor:
      case QRule::kCap:
        q[c] = FloorQ(fmax);
        break;
      case QRule::kRound:
        q[c] = RoundQ(fmax);
        break;
      case QRule::kMse:
        q[c] = stats.histograms.empty() ? FloorQ(fmax) : ErrorMinimalQ(stats.histograms[c], fmax);
        break;
      case QRule::kLayer:
        q[c] = layer_q;
        break;
    }
    largest = std::max<int>(largest, ClampQ(q[c]));
    sum += ClampQ(q[c]);
    ++count;
  }
  if (count == 0) return q;
  if (rule == QRule::kCap) largest = std::min(largest, static_cast<int>(std::floor(sum / count)));
  for (std::size_t c = 0; c < channels; ++c) q[c] = fired[c] ? std::min(q[c], largest) : largest;
  return q;
}

// Lowers Q, as ChannelQ gives them, to `above_floor` above FloorQ at most, of the layer's largest
// value where a layer has one Q.
void CapAboveFloor(const ValueStats& stats, QRule rule, int above_floor, std::vector<int>& q) {
  const int layer_q = OneQ(stats, kLimit8);
  std::optional<int> largest;  // of channels that fired
  for (std::size_t c = 0; c < q.size(); ++c) {
    if (stats.abs_max[c] <= 0) continue;
    const int floor_q = rule == QRule::kLayer ? layer_q : FloorQ(stats.abs_max[c]);
    q[c] = std::min(q[c], floor_q + above_floor);
    largest = std::max(largest.value_or(q[c]), q[c]);
  }
  for (std::size_t c = 0; c < q.size(); ++c) {
    if (stats.abs_max[c] <= 0 && largest) q[c] = std::min(q[c], *largest);
  }
}

// Of the first of the tensors whose values ask for a Q below kMinQ.
void WarnOfSaturation(const Draft& draft, const Calibration& calibration,
                      const std::vector<std::size_t>& tensors) {
  if (tensors.empty()) return;
  const qnet::Tensor& first = draft.net.tensors[tensors[0]];
  const bool wide = first.type == qnet::ElemType::kInt16;
  LogWarning(
      "tensor \"{}\" has values up to {:.3g}, its {} bits hold no more than {:.3g} (exponent {}): "
      "what is larger saturates{}; scale the model's input or weights down",
      first.name, std::ranges::max(calibration.stats(draft.values[tensors[0]]).abs_max),
      wide ? 16 : 8, std::ldexp(wide ? 32767.0 : 127.0, -kMinQ), kMinQ,
      tensors.size() > 1 ? fmt::format(", in {} more tensors too", tensors.size() - 1) : "");
}

// Integral of (x - nearest)^2 over [lo, hi), a range with one nearest integer in 0..top.
double CellError(double lo, double hi, double top) {
  const double nearest = std::min(std::floor((lo + hi) / 2 + 0.5), top);
  const auto cube = [](double v) { return v * v * v; };
  return (cube(hi - nearest) - cube(lo - nearest)) / 3;
}

}  // namespace

int FloorQ(double fmax, double limit) {
  return static_cast<int>(std::floor(std::log2(limit / fmax)));
}
int RoundQ(double fmax, double limit) {
  return static_cast<int>(std::floor(std::log2(limit / fmax) + 0.5));
}

double SquaredErrorAt(const Histogram& histogram, double q, double top) {
  // Bins and cells in units of the step 2^-q.
  const double width = std::exp2(histogram.exponent + q) / Histogram::kBins;
  double error = 0;
  for (std::size_t i = 0; i < histogram.bins.size(); ++i) {
    if (histogram.bins[i] == 0) continue;
    const double lo = static_cast<double>(i) * width;
    error += histogram.bins[i] * CellError(lo, lo + width, top) / width;
  }
  return error * std::exp2(-2 * q);
}

int ErrorMinimalQ(const Histogram& histogram, double fmax) {
  const int floor_q = FloorQ(fmax);
  int best = floor_q;
  double least = SquaredErrorAt(histogram, floor_q);
  for (int q = floor_q + 1; q <= floor_q + 2; ++q) {
    const double error = SquaredErrorAt(histogram, q);
    if (error < least) {
      least = error;
      best = q;
    }
  }
  return best;
}

bool ChoosesQ(const qnet::QNet& net, TensorId tensor) {
  return !PassesQ(Producers(net)[qnet::Index(tensor)]);
}

Result<QPlan> QPlan::Make(const Draft& draft, const Calibration& calibration, QRule rule,
                          std::span<const QBound> bounds, bool warn) {
  std::vector<std::optional<int>> above_floor(draft.net.tensors.size());
  for (const QBound& bound : bounds) above_floor[qnet::Index(bound.tensor)] = bound.above_floor;
  const auto producers = Producers(draft.net);
  QPlan plan;
  plan.own_.resize(draft.net.tensors.size());
  plan.group_.assign(draft.net.tensors.size(), -1);
  std::vector<std::size_t> saturated;
  for (std::size_t i = 0; i < draft.net.tensors.size(); ++i) {
    if (PassesQ(producers[i])) continue;
    const qnet::Tensor& tensor = draft.net.tensors[i];
    const ValueStats& stats = calibration.stats(draft.values[i]);
    const auto channels = static_cast<std::size_t>(tensor.c());
    TF2_CHECK(stats.abs_max.size() == channels, "no statistics of {}", tensor.name);
    std::vector<int> q(channels);
    bool wants_less = false;  // than kMinQ
    switch (tensor.type) {
      case qnet::ElemType::kInt16:
        std::ranges::fill(q, OneQ(stats, kLimit16));
        wants_less = q[0] < kMinQ;
        break;
      case qnet::ElemType::kInt8:
        if (rule == QRule::kMse && producers[i] == nullptr && stats.histograms.size() != channels) {
          return WithHint(InvalidArgument("the calibration has no histogram of {}", tensor.name),
                          "calibrate with CalibrateOptions::histograms");
        }
        q = ChannelQ(stats, rule == QRule::kMse && OnlyAveraged(draft.net, TensorId(i))
                                ? QRule::kFloor
                                : rule);
        wants_less = std::ranges::min(q) < kMinQ;
        if (above_floor[i]) CapAboveFloor(stats, rule, *above_floor[i], q);
        if (stats.q) std::ranges::fill(q, *stats.q);
        // Of a vector, a channel is one element: too little to know its range from. Its elements
        // are of one kind.
        if (producers[i] == nullptr && PlaneOf(tensor) == 1)
          std::ranges::fill(q, OneQ(stats, kLimit8));
        break;
    }
    if (wants_less) saturated.push_back(i);
    for (const int own : q) plan.own_[i].push_back(ClampQ(own));
  }
  if (warn) WarnOfSaturation(draft, calibration, saturated);
  for (const OneQDemand& demand : OneQDemands(draft.net)) plan.RequireOneQ(draft, demand.tensor);
  return plan;
}

void QPlan::RequireOneQ(const Draft& draft, TensorId tensor) {
  // A number that no group has: groups are numbered by the tensor that asked for them.
  DemandOneQ(draft, tensor, static_cast<int>(tensor));
  Equalise(draft);
}

void QPlan::DemandOneQ(const Draft& draft, TensorId tensor, int group) {
  const qnet::Op* op = Producers(draft.net)[qnet::Index(tensor)];
  if (PassesQ(op)) {
    for (const TensorId input : op->inputs) DemandOneQ(draft, input, group);
    return;
  }
  int& own = group_[qnet::Index(tensor)];
  const int old = own;
  own = group;
  if (old < 0 || old == group) return;
  for (int& other : group_) {  // a tensor of two groups joins them
    if (other == old) other = group;
  }
}

void QPlan::Equalise(const Draft& draft) {
  std::map<int, std::int8_t> least;
  for (std::size_t i = 0; i < draft.net.tensors.size(); ++i) {
    if (group_[i] < 0) continue;
    const auto [it, first] = least.try_emplace(group_[i], std::int8_t{kMaxQ});
    it->second = std::min(it->second, *std::ranges::min_element(own_[i]));
  }
  for (std::size_t i = 0; i < draft.net.tensors.size(); ++i) {
    if (group_[i] >= 0) std::ranges::fill(own_[i], least.at(group_[i]));
  }
}

void QPlan::Cap(const Draft& draft, TensorId tensor, std::size_t channel, int limit) {
  const qnet::Op* op = Producers(draft.net)[qnet::Index(tensor)];
  if (!PassesQ(op)) {
    std::vector<std::int8_t>& own = own_[qnet::Index(tensor)];
    const bool wide = draft.net.tensor(tensor).type == qnet::ElemType::kInt16;
    for (std::size_t c = 0; c < own.size(); ++c) {
      if (wide || c == channel) own[c] = std::min(own[c], ClampQ(limit));
    }
    Equalise(draft);
    return;
  }
  if (const auto* move = std::get_if<qnet::Move>(&op->params)) {
    const qnet::Tensor& in = draft.net.tensor(op->inputs[0]);
    const auto source = qnet::SourceChannels(*move, in, draft.net.tensor(tensor))[channel];
    // Several: they have one Q.
    Cap(draft, op->inputs[0], static_cast<std::size_t>(std::max(source, 0)), limit);
    return;
  }
  if (std::holds_alternative<qnet::Reshape>(op->params)) {
    const qnet::Tensor& in = draft.net.tensor(op->inputs[0]);
    const std::int64_t element =
        static_cast<std::int64_t>(channel) * PlaneOf(draft.net.tensor(tensor));
    Cap(draft, op->inputs[0], static_cast<std::size_t>(element / PlaneOf(in)), limit);
    return;
  }
  for (const TensorId input :
       op->inputs) {  // max pool, dilation: the only one; concat: the one that holds the channel
    const auto channels = static_cast<std::size_t>(draft.net.tensor(input).c());
    if (channel < channels) return Cap(draft, input, channel, limit);
    channel -= channels;
  }
}

void QPlan::Apply(Draft& draft) const {
  for (std::size_t i = 0; i < own_.size(); ++i) draft.net.tensors[i].q = own_[i];
  for (const qnet::Op& op : draft.net.ops) {
    if (!PassesQ(&op)) continue;
    qnet::Tensor& out = draft.net.tensor(op.output);
    if (std::holds_alternative<qnet::Reshape>(op.params)) {
      const qnet::Tensor& in = draft.net.tensor(op.inputs[0]);
      out.q.resize(static_cast<std::size_t>(out.c()));
      for (std::size_t c = 0; c < out.q.size(); ++c) {
        out.q[c] = in.q[static_cast<std::size_t>(static_cast<std::int64_t>(c) * PlaneOf(out) /
                                                 PlaneOf(in))];
      }
      continue;
    }
    if (const auto* move = std::get_if<qnet::Move>(&op.params)) {
      const qnet::Tensor& in = draft.net.tensor(op.inputs[0]);
      for (const std::int32_t source : qnet::SourceChannels(*move, in, out))
        out.q.push_back(in.q[static_cast<std::size_t>(std::max(source, 0))]);
      continue;
    }
    for (const TensorId input : op.inputs) {
      const std::vector<std::int8_t>& q = draft.net.tensor(input).q;
      out.q.insert(out.q.end(), q.begin(), q.end());
    }
  }
}

}  // namespace tf2::quantize
