#include "quantize/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "base/parallel.h"
#include "floatexec/executor.h"
#include "quantize/finish.h"
#include "quantize/weights.h"

namespace tf2::quantize {
namespace {

// One layer with rounded weights, as a graph of its own.
struct RoundedNode {
  std::size_t node = 0;  // in the whole graph
  std::size_t op = 0;    // in the draft
  ir::Graph graph;
  std::vector<std::size_t> inputs;  // of the node, that are the graph's inputs
  std::unique_ptr<floatexec::Executor> executor;
};

// The float weights that nearest codes stand for, and the corrected bias.
Status RoundWeights(const Draft& draft, const Calibration& calibration, std::size_t op,
                    std::vector<float>& w, std::vector<float>& bias) {
  const LayerProblem problem = ProblemOf(draft, calibration, op, qnet::WeightKind::kSac);
  TF2_ASSIGN_OR_RETURN(const RoundedLayer layer, NearestRounder({.weight = ErrorWeight::kVariance,
                                                                 .correct_bias = true})(problem));
  const std::vector<float>& real = draft.weights[op].w;
  w.resize(real.size());
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double folded = problem.folded[i];
    const double made = layer.scale[i / problem.row] * layer.terms[0][i];
    // The folding is a power of two: the quotient is exact.
    w[i] = folded == 0 ? 0.0F : static_cast<float>(made * (real[i] / folded));
  }
  bias.assign(layer.bias.begin(), layer.bias.end());
  return {};
}

Result<std::optional<RoundedNode>> MakeRounded(const ir::Graph& graph, const Draft& draft,
                                               const Calibration& calibration, std::size_t op) {
  const ir::ValueId out = draft.values[qnet::Index(draft.net.ops[op].output)];
  const auto producer = graph.Producer(out);
  if (!producer) return std::optional<RoundedNode>();
  const ir::Node& node = graph.nodes[*producer];
  if (node.kind != ir::OpKind::kConv && node.kind != ir::OpKind::kGemm)
    return std::optional<RoundedNode>();
  std::vector<float> w;
  std::vector<float> bias;
  TF2_RETURN_IF_ERROR(RoundWeights(draft, calibration, op, w, bias));
  RoundedNode rounded;
  rounded.node = *producer;
  rounded.op = op;
  std::vector<ir::ValueId> inputs;
  for (std::size_t i = 0; i < std::max<std::size_t>(node.inputs.size(), 3); ++i) {
    if (i == 1) {
      inputs.push_back(
          rounded.graph.AddConstant("w", ir::Tensor::Float(graph.value(node.inputs[1]).shape, w)));
    } else if (i == 2) {
      const auto oc = static_cast<std::int64_t>(bias.size());
      inputs.push_back(rounded.graph.AddConstant("b", ir::Tensor::Float({oc}, bias)));
    } else if (!node.HasInput(i)) {
      inputs.push_back(ir::kNoValue);
    } else {
      inputs.push_back(
          rounded.graph.AddValue("x", ir::DType::kFloat32, graph.value(node.inputs[i]).shape));
      rounded.graph.inputs.push_back(inputs.back());
      rounded.inputs.push_back(i);
    }
  }
  rounded.graph.outputs = {rounded.graph.AddNode(node.kind, node.name, inputs, node.attrs)};
  TF2_RETURN_IF_ERROR(ir::InferShapes(rounded.graph));
  return std::optional<RoundedNode>(std::move(rounded));
}

double Divergence(const std::vector<float>& p, const std::vector<float>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) sum += p[i] * std::log(p[i] / std::max(q[i], 1e-20F));
  }
  return std::max(sum, 0.0);
}

double RelativeError(const std::vector<float>& a, const std::vector<float>& b) {
  double error = 0;
  double signal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += std::pow(double{a[i]} - b[i], 2);
    signal += std::pow(double{a[i]}, 2);
  }
  return signal > 0 ? error / signal : error;
}

class Meter {
 public:
  Meter(const ir::Graph& graph, std::vector<RoundedNode> layers)
      : graph_(graph), executor_(graph), layers_(std::move(layers)) {
    for (RoundedNode& layer : layers_)
      layer.executor = std::make_unique<floatexec::Executor>(layer.graph);
    const auto last = graph.Producer(graph.outputs[0]);
    probabilities_ = last && graph.nodes[*last].kind == ir::OpKind::kSoftmax;
  }

  // The error that each layer makes on one sample.
  Result<std::vector<double>> Measure(const std::vector<float>& sample) const {
    std::vector<ir::Tensor> values(graph_.values.size());
    const ir::Tensor input = ir::Tensor::Float(graph_.value(graph_.inputs[0]).shape, sample);
    auto run = executor_.RunAll({&input, 1}, [&](ir::ValueId id, const ir::Tensor& t) -> Status {
      values[Index(id)] = t;
      return {};
    });
    if (!run.ok()) return std::move(run.error());
    std::vector<double> errors;
    for (const RoundedNode& layer : layers_) {
      TF2_ASSIGN_OR_RETURN(const double error, MeasureOne(layer, values));
      errors.push_back(error);
    }
    return errors;
  }

  std::size_t OpOf(std::size_t layer) const { return layers_[layer].op; }

 private:
  // Runs the rounded layer and whatever reads it.
  Result<double> MeasureOne(const RoundedNode& layer, const std::vector<ir::Tensor>& values) const {
    const ir::Node& node = graph_.nodes[layer.node];
    std::vector<ir::Tensor> inputs;
    for (const std::size_t i : layer.inputs) inputs.push_back(values[Index(node.inputs[i])]);
    TF2_ASSIGN_OR_RETURN(std::vector<ir::Tensor> changed, layer.executor->Run(inputs));
    std::vector<ir::Tensor> instead(graph_.values.size());
    std::vector<bool> differs(graph_.values.size(), false);
    const auto put = [&](ir::ValueId id, ir::Tensor tensor) {
      instead[Index(id)] = std::move(tensor);
      differs[Index(id)] = true;
    };
    put(node.outputs[0], std::move(changed[0]));
    for (std::size_t n = layer.node + 1; n < graph_.nodes.size(); ++n) {
      const ir::Node& next = graph_.nodes[n];
      std::vector<const ir::Tensor*> args;
      bool touched = false;
      for (const ir::ValueId id : next.inputs) {
        if (id == ir::kNoValue) {
          args.push_back(nullptr);
          continue;
        }
        touched |= differs[Index(id)];
        args.push_back(differs[Index(id)] ? &instead[Index(id)] : &values[Index(id)]);
      }
      if (!touched) continue;
      TF2_ASSIGN_OR_RETURN(ir::Tensor y, executor_.RunNode(n, args));
      put(next.outputs[0], std::move(y));
    }
    const std::size_t out = Index(graph_.outputs[0]);
    if (!differs[out]) return 0.0;
    return probabilities_ ? Divergence(values[out].f32, instead[out].f32)
                          : RelativeError(values[out].f32, instead[out].f32);
  }

  const ir::Graph& graph_;
  floatexec::Executor executor_;
  std::vector<RoundedNode> layers_;
  bool probabilities_ = false;
};

}  // namespace

Result<std::vector<double>> MeasureSensitivity(const ir::Graph& graph, const Draft& draft,
                                               const Calibration& calibration,
                                               const SampleSource& source, std::size_t count,
                                               int threads) {
  std::vector<RoundedNode> layers;
  for (std::size_t op = 0; op < draft.net.ops.size(); ++op) {
    if (!std::holds_alternative<qnet::Conv>(draft.net.ops[op].params)) continue;
    TF2_ASSIGN_OR_RETURN(auto layer, MakeRounded(graph, draft, calibration, op));
    if (layer) layers.push_back(*std::move(layer));
  }
  const Meter meter(graph, std::move(layers));
  std::vector<std::vector<float>> samples;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(samples.emplace_back(), source(i));
  }
  std::vector<std::vector<double>> errors(count);
  TF2_RETURN_IF_ERROR(
      ParallelForStatus(static_cast<std::int64_t>(count), threads, [&](std::int64_t i) -> Status {
        const auto sample = static_cast<std::size_t>(i);
        TF2_ASSIGN_OR_RETURN(errors[sample], meter.Measure(samples[sample]));
        return {};
      }));
  std::vector<double> mean(draft.net.ops.size(), 0);
  for (const std::vector<double>& sample : errors) {
    for (std::size_t l = 0; l < sample.size(); ++l)
      mean[meter.OpOf(l)] += sample[l] / static_cast<double>(count);
  }
  return mean;
}

std::vector<std::string> ChooseTwoTermLayers(std::vector<Candidate> candidates,
                                             std::int64_t total_macs, double max_passes) {
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.gain * static_cast<double>(b.macs) > b.gain * static_cast<double>(a.macs);
  });
  double left = (max_passes - 1) * static_cast<double>(total_macs) * (1 + 1e-9);
  std::vector<std::string> chosen;
  for (const Candidate& c : candidates) {
    if (c.gain <= 0 || static_cast<double>(c.macs) > left) continue;
    left -= static_cast<double>(c.macs);
    chosen.push_back(c.name);
  }
  return chosen;
}

}  // namespace tf2::quantize
