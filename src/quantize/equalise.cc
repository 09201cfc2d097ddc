#include "quantize/equalise.h"

#include <cmath>
#include <map>
#include <utility>

#include "ir/shape_math.h"
#include "quantize/choose_q.h"

namespace tf2::quantize {
namespace {

using ir::OpKind;
using ir::ValueId;
using Factors = std::vector<float>;  // by channel; empty: not scaled

constexpr int kStepsPerOctave = 16;

bool IsWeighted(const ir::Graph& graph, const ir::Node& node) {
  return (node.kind == OpKind::kConv || node.kind == OpKind::kGemm) &&
         graph.IsConstant(node.inputs[1]) && graph.constant(node.inputs[1]).f32.size() > 0 &&
         !(node.HasInput(2) && !graph.IsConstant(node.inputs[2]));
}

bool JoinsChannels(const ir::Graph& graph, const ir::Node& node) {
  const auto axis = ir::NormalizeAxis(node.Int("axis"), graph.value(node.outputs[0]).shape.size());
  return axis.ok() && *axis == 1;
}

// Operators that keep the factors of their input's channels.
bool PassesFactors(const ir::Graph& graph, const ir::Node& node) {
  switch (node.kind) {
    case OpKind::kMaxPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kRelu:
    case OpKind::kIdentity:
      return true;
    case OpKind::kConcat:
    case OpKind::kFlatten:
      return JoinsChannels(graph, node);
    default:  // scaling would change what they compute, or is not worth it
      return false;
  }
}

// Whether all that comes of `id` ends in the data inputs of weighted layers.
bool MayScale(const ir::Graph& graph, ValueId id) {
  if (graph.IsOutput(id) || graph.value(id).shape.size() < 2) return false;
  const std::vector<std::size_t> readers = graph.Readers(id);
  for (const std::size_t n : readers) {
    const ir::Node& node = graph.nodes[n];
    if (IsWeighted(graph, node)) {
      for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == id) return false;
      }
    } else if (!PassesFactors(graph, node) || !MayScale(graph, node.outputs[0])) {
      return false;
    }
  }
  return !readers.empty();
}

// log2 of the scale of 8 bits with the least squared error, to 1 / kStepsPerOctave.
double BestQ(const Histogram& histogram, double fmax) {
  const double floor_q = std::log2(127.5 / fmax);
  double best = floor_q;
  double least = SquaredErrorAt(histogram, best);
  for (int step = 1; step <= 2 * kStepsPerOctave; ++step) {
    const double q = floor_q + static_cast<double>(step) / kStepsPerOctave;
    const double error = SquaredErrorAt(histogram, q);
    if (error < least) {
      least = error;
      best = q;
    }
  }
  return best;
}

Factors FactorsOf(const ValueStats& stats) {
  Factors factors;
  for (std::size_t c = 0; c < stats.abs_max.size(); ++c) {
    const double fmax = stats.abs_max[c];
    const double q = fmax > 0 && c < stats.histograms.size() ? BestQ(stats.histograms[c], fmax) : 0;
    factors.push_back(static_cast<float>(std::exp2(q - std::floor(q))));
  }
  return factors;
}

class Equaliser {
 public:
  Equaliser(const ir::Graph& graph, const Calibration& calibration)
      : before_(graph), calibration_(calibration), graph_(graph), factors_(graph.values.size()) {}

  ir::Graph Run() {
    for (std::size_t n = 0; n < before_.nodes.size(); ++n) {
      const ir::Node& node = before_.nodes[n];
      const std::size_t out = Index(node.outputs[0]);
      if (IsWeighted(before_, node)) {
        if (MayScale(before_, node.outputs[0]) && !node.HasInput(3))
          factors_[out] = FactorsOf(calibration_.stats(node.outputs[0]));
        Rescale(n, factors_[Index(node.inputs[0])], factors_[out]);
      } else if (PassesFactors(before_, node)) {
        Pass(node);
      }
      if (!factors_[out].empty()) graph_.values[out].name += "*scaled";
    }
    return std::move(graph_);
  }

 private:
  void Pass(const ir::Node& node) {
    bool any = false;
    for (const ValueId id : node.inputs) any |= !factors_[Index(id)].empty();
    if (!any) return;
    Factors& out = factors_[Index(node.outputs[0])];
    for (const ValueId id : node.inputs) {
      Factors in = factors_[Index(id)];
      if (in.empty()) in.assign(static_cast<std::size_t>(before_.value(id).shape[1]), 1.0F);
      out.insert(out.end(), in.begin(), in.end());
    }
    const auto channels = static_cast<std::size_t>(before_.value(node.outputs[0]).shape[1]);
    if (out.size() == channels) return;  // else a flatten: each channel becomes a plane of them
    Factors flat;
    for (const float f : out) flat.insert(flat.end(), channels / out.size(), f);
    out = std::move(flat);
  }

  // Weights divided by the factors of the input, and multiplied, like the bias, by those of the
  // output.
  void Rescale(std::size_t n, const Factors& in, const Factors& out) {
    if (in.empty() && out.empty()) return;
    ir::Node& node = graph_.nodes[n];
    ir::Tensor w = before_.constant(node.inputs[1]);
    const auto oc = static_cast<std::size_t>(w.shape[0]);
    const std::size_t row = w.f32.size() / oc;
    const auto ic = static_cast<std::size_t>(w.shape[1]);
    const std::size_t groups =
        node.kind == OpKind::kConv ? static_cast<std::size_t>(node.Int("groups")) : 1;
    for (std::size_t o = 0; o < oc; ++o) {
      const std::size_t first = o / (oc / groups) * ic;
      for (std::size_t i = 0; i < row; ++i) {
        float& v = w.f32[o * row + i];
        if (!in.empty()) v /= in[first + i / (row / ic)];
        if (!out.empty()) v *= out[o];
      }
    }
    node.inputs[1] = graph_.AddConstant(node.name + "*weights", std::move(w));
    if (out.empty() || !node.HasInput(2)) return;
    ir::Tensor bias = before_.constant(node.inputs[2]);
    for (std::size_t o = 0; o < oc; ++o) bias.f32[o] *= out[o];
    node.inputs[2] = graph_.AddConstant(node.name + "*bias", std::move(bias));
  }

  const ir::Graph& before_;
  const Calibration& calibration_;
  ir::Graph graph_;
  std::vector<Factors> factors_;  // by value of `before_`
};

}  // namespace

ir::Graph Equalise(const ir::Graph& graph, const Calibration& calibration) {
  return Equaliser(graph, calibration).Run();
}

}  // namespace tf2::quantize
