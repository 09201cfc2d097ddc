#include "quantize/equalise.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "ir/shape_math.h"
#include "quantize/choose_q.h"

namespace tf2::quantize {
namespace {

using ir::OpKind;
using ir::ValueId;

// What became of the channels of a value: y' = factor * y + offset.
struct Channels {
  std::vector<float> factor, offset;

  bool empty() const { return factor.empty(); }
  void Add(std::size_t count, float f, float o) {
    factor.insert(factor.end(), count, f);
    offset.insert(offset.end(), count, o);
  }
};

constexpr int kStepsPerOctave = 16;
constexpr double kSignedTop = 127;    // integers of a channel with both signs, and
constexpr double kUnsignedTop = 255;  // of one without negative values that is shifted by
constexpr float kShift = -128;
constexpr double kBeyond = 1.25;  // how much larger values of other pictures may be

bool IsWeighted(const ir::Graph& graph, const ir::Node& node) {
  return (node.kind == OpKind::kConv || node.kind == OpKind::kGemm) &&
         graph.IsConstant(node.inputs[1]) && !graph.constant(node.inputs[1]).f32.empty() &&
         !(node.HasInput(2) && !graph.IsConstant(node.inputs[2]));
}

bool Pads(const ir::Graph& graph, const ir::Node& node) {
  if (node.kind != OpKind::kConv) return false;
  const ir::ConvAttrs a = ir::ConvAttrsOf(graph, node);
  return a.pt != 0 || a.pl != 0 || a.pb != 0 || a.pr != 0;
}

bool JoinsChannels(const ir::Graph& graph, const ir::Node& node) {
  const auto axis = ir::NormalizeAxis(node.Int("axis"), graph.value(node.outputs[0]).shape.size());
  return axis.ok() && *axis == 1;
}

// Operators that keep what became of their input's channels.
bool PassesChannels(const ir::Graph& graph, const ir::Node& node) {
  switch (node.kind) {
    case OpKind::kMaxPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kRelu:
    case OpKind::kIdentity:
      return true;
    case OpKind::kConcat:
    case OpKind::kFlatten:
      return JoinsChannels(graph, node);
    default:  // it would change what they compute, or is not worth it
      return false;
  }
}

enum class Change : std::uint8_t { kScale, kScaleAndShift };

// Whether all that comes of `id` ends in the data inputs of weighted layers.
bool May(Change change, const ir::Graph& graph, ValueId id) {
  if (graph.IsOutput(id) || graph.value(id).shape.size() < 2) return false;
  const bool shift = change == Change::kScaleAndShift;
  const std::vector<std::size_t> readers = graph.Readers(id);
  for (const std::size_t n : readers) {
    const ir::Node& node = graph.nodes[n];
    if (IsWeighted(graph, node)) {
      for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == id) return false;
      }
    } else if (!PassesChannels(graph, node) || (shift && node.kind == OpKind::kRelu) ||
               !May(change, graph, node.outputs[0])) {
      return false;
    }
  }
  return !readers.empty();
}

// Which nodes' outputs are changed how. A layer that pads has one value in its padding: all
// channels of its input are shifted, or none.
class Choices {
 public:
  explicit Choices(const ir::Graph& graph) : graph_(graph), changes_(graph.nodes.size()) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const ir::Node& node = graph.nodes[n];
      const ValueId out = node.outputs[0];
      if (!IsWeighted(graph, node) || node.HasInput(3) || !May(Change::kScale, graph, out))
        continue;
      changes_[n] = node.Int("relu") != 0 && May(Change::kScaleAndShift, graph, out)
                        ? Change::kScaleAndShift
                        : Change::kScale;
    }
    for (bool again = true; again;) {
      again = false;
      for (const ir::Node& node : graph.nodes) {
        if (!Pads(graph, node) || Shifted(node.inputs[0])) continue;
        again |= DoNotShift(node.inputs[0]);
      }
    }
  }

  std::optional<Change> Of(std::size_t node) const { return changes_[node]; }

  // Whether every channel of the value is shifted.
  bool Shifted(ValueId id) const {
    const auto n = graph_.Producer(id);
    if (!n) return false;
    const ir::Node& node = graph_.nodes[*n];
    if (!PassesChannels(graph_, node)) return changes_[*n] == Change::kScaleAndShift;
    return std::ranges::all_of(node.inputs, [&](ValueId input) { return Shifted(input); });
  }

 private:
  // Whether that changed anything.
  bool DoNotShift(ValueId id) {
    const auto n = graph_.Producer(id);
    if (!n) return false;
    const ir::Node& node = graph_.nodes[*n];
    bool changed = false;
    if (PassesChannels(graph_, node)) {
      for (const ValueId input : node.inputs) changed |= DoNotShift(input);
    } else if (changes_[*n] == Change::kScaleAndShift) {
      changes_[*n] = Change::kScale;
      changed = true;
    }
    return changed;
  }

  const ir::Graph& graph_;
  std::vector<std::optional<Change>> changes_;  // by node
};

// log2 of the scale with the least squared error, to 1 / kStepsPerOctave. Of a shifted channel,
// whose steps are half as large, what other pictures lose by the values that none of these had
// weighs more: the errors of the values as they are and of larger ones are added up.
double BestQ(const Histogram& histogram, double fmax, Change change) {
  const bool shift = change == Change::kScaleAndShift;
  const double top = shift ? kUnsignedTop : kSignedTop;
  const auto error_at = [&](double q) {
    double error = SquaredErrorAt(histogram, q, top);
    if (shift) {
      error += kBeyond * kBeyond * SquaredErrorAt(histogram, q + std::log2(kBeyond), top);
    }
    return error;
  };
  const double floor_q = std::log2((top + 0.5) / fmax);
  double best = floor_q;
  double least = error_at(best);
  for (int step = shift ? -kStepsPerOctave : 1; step <= 2 * kStepsPerOctave; ++step) {
    const double q = floor_q + static_cast<double>(step) / kStepsPerOctave;
    const double error = error_at(q);
    if (error < least) {
      least = error;
      best = q;
    }
  }
  return best;
}

Channels ChannelsOf(const ValueStats& stats, Change change) {
  const bool shift = change == Change::kScaleAndShift;
  Channels channels;
  for (std::size_t c = 0; c < stats.abs_max.size(); ++c) {
    const double fmax = stats.abs_max[c];
    double q = 0;
    if (fmax > 0 && c < stats.histograms.size()) q = BestQ(stats.histograms[c], fmax, change);
    channels.Add(1, static_cast<float>(std::exp2(shift ? q : q - std::floor(q))),
                 shift ? kShift : 0.0F);
  }
  return channels;
}

class Equaliser {
 public:
  Equaliser(const ir::Graph& graph, const Calibration& calibration)
      : before_(graph), calibration_(calibration), choices_(graph), channels_(graph.values.size()) {
    result_.graph = graph;
  }

  Equalised Run() {
    for (std::size_t n = 0; n < before_.nodes.size(); ++n) {
      const ir::Node& node = before_.nodes[n];
      const std::size_t out = Index(node.outputs[0]);
      if (IsWeighted(before_, node)) {
        const std::optional<Change> change = choices_.Of(n);
        if (change) channels_[out] = ChannelsOf(calibration_.stats(node.outputs[0]), *change);
        Rewrite(n, channels_[Index(node.inputs[0])], channels_[out]);
        if (Pads(before_, node) && choices_.Shifted(node.inputs[0]))
          result_.graph.nodes[n].attrs["pad_value"] = kShift;
        if (change == Change::kScaleAndShift) ClipInstead(n);
      } else if (PassesChannels(before_, node)) {
        Pass(node);
      }
      if (!channels_[out].empty()) result_.graph.values[out].name += "*scaled";
    }
    const Status sorted = ir::SortTopologically(result_.graph);
    TF2_CHECK(sorted.ok(), "{}", sorted.error().ToString());
    const Status shapes = ir::InferShapes(result_.graph);
    TF2_CHECK(shapes.ok(), "{}", shapes.error().ToString());
    return std::move(result_);
  }

 private:
  void Pass(const ir::Node& node) {
    bool any = false;
    for (const ValueId id : node.inputs) any |= !channels_[Index(id)].empty();
    if (!any) return;
    Channels joined;
    for (const ValueId id : node.inputs) {
      const Channels& in = channels_[Index(id)];
      if (in.empty()) joined.Add(static_cast<std::size_t>(before_.value(id).shape[1]), 1, 0);
      for (std::size_t c = 0; c < in.factor.size(); ++c) joined.Add(1, in.factor[c], in.offset[c]);
    }
    // A flatten makes a plane of channels of each.
    const auto count = static_cast<std::size_t>(before_.value(node.outputs[0]).shape[1]);
    Channels& out = channels_[Index(node.outputs[0])];
    for (std::size_t c = 0; c < joined.factor.size(); ++c)
      out.Add(count / joined.factor.size(), joined.factor[c], joined.offset[c]);
  }

  // Weights that read the changed input, and yield the changed output.
  void Rewrite(std::size_t n, const Channels& in, const Channels& out) {
    if (in.empty() && out.empty()) return;
    ir::Graph& graph = result_.graph;
    ir::Node& node = graph.nodes[n];
    ir::Tensor w = before_.constant(before_.nodes[n].inputs[1]);
    const auto oc = static_cast<std::size_t>(w.shape[0]);
    const std::size_t row = w.f32.size() / oc;
    const auto ic = static_cast<std::size_t>(w.shape[1]);
    const std::size_t groups =
        node.kind == OpKind::kConv ? static_cast<std::size_t>(node.Int("groups")) : 1;
    std::vector<double> bias(oc, 0);
    if (node.HasInput(2)) {
      const std::vector<float>& old = before_.constant(node.inputs[2]).f32;
      bias.assign(old.begin(), old.end());
    }
    for (std::size_t o = 0; o < oc; ++o) {
      const std::size_t first = o / (oc / groups) * ic;
      const float f = out.empty() ? 1.0F : out.factor[o];
      for (std::size_t i = 0; i < row; ++i) {
        float& v = w.f32[o * row + i];
        if (!in.empty()) {
          const std::size_t c = first + i / (row / ic);
          v /= in.factor[c];
          bias[o] -= double{v} * in.offset[c];
        }
        v *= f;
      }
      bias[o] = bias[o] * f + (out.empty() ? 0.0F : out.offset[o]);
    }
    node.inputs[1] = graph.AddConstant(node.name + "*weights", std::move(w));
    const bool any = std::ranges::any_of(bias, [](double b) { return b != 0; });
    if (!any && !node.HasInput(2)) return;
    node.inputs.resize(std::max<std::size_t>(node.inputs.size(), 3), ir::kNoValue);
    node.inputs[2] = graph.AddConstant(
        node.name + "*bias",
        ir::Tensor::Float({static_cast<std::int64_t>(oc)}, {bias.begin(), bias.end()}));
  }

  // The end of the range takes the place of the ReLU.
  void ClipInstead(std::size_t n) {
    ir::Graph& graph = result_.graph;
    graph.nodes[n].attrs["relu"] = std::int64_t{0};
    const ValueId sum = graph.nodes[n].outputs[0];
    const ValueId clipped =
        graph.AddNode(OpKind::kClip, graph.nodes[n].name + "*clip", {sum}, {{"min", kShift}});
    graph.ReplaceUses(sum, clipped);
    graph.nodes.back().inputs[0] = sum;
    graph.value(clipped).name = graph.value(sum).name + "*scaled";
    graph.value(sum).name += "*sum";
    result_.shifted.push_back(clipped);
  }

  const ir::Graph& before_;
  const Calibration& calibration_;
  const Choices choices_;
  Equalised result_;
  std::vector<Channels> channels_;  // by value of `before_`
};

}  // namespace

Equalised Equalise(const ir::Graph& graph, const Calibration& calibration) {
  return Equaliser(graph, calibration).Run();
}

void FixExponents(const Equalised& equalised, Calibration& calibration) {
  for (const ir::ValueId id : equalised.shifted) calibration.values[ir::Index(id)].q = 0;
}

}  // namespace tf2::quantize
