#include "quantize/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "dataset/metrics.h"
#include "floatexec/executor.h"
#include "qnet/head.h"
#include "qnet/interpreter.h"
#include "quantize/fast_conv.h"

namespace tf2::quantize {
namespace {

double RelativeError(const std::vector<float>& a, const std::vector<float>& b) {
  TF2_CHECK(a.size() == b.size());
  double error = 0;
  double signal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += std::pow(double{a[i]} - b[i], 2);
    signal += std::pow(double{a[i]}, 2);
  }
  return signal > 0 ? error / signal : error;
}

double ErrorOf(const std::vector<float>& expected, const std::vector<float>& made) {
  dataset::Divergence divergence;
  divergence.Add(expected, made);
  return divergence.Mean() ? *divergence.Mean() : RelativeError(expected, made);
}

std::vector<float> AsFloats(const ir::Tensor& tensor) {
  if (tensor.dtype == ir::DType::kFloat32) return tensor.f32;
  return {tensor.i64.begin(), tensor.i64.end()};
}

using Inputs = std::vector<std::vector<std::int8_t>>;

Result<Inputs> QuantizeInputs(const qnet::QNet& net, const SampleSource& source,
                              std::size_t count) {
  Inputs inputs;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(const std::vector<float> sample, source(i));
    TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), qnet::QuantizeInput(net, sample));
  }
  return inputs;
}

class Meter {
 public:
  Meter(const qnet::QNet& net, const std::vector<Alternative>& alternatives)
      : net_(net), alternatives_(alternatives), own_(net.ops.size()), other_(alternatives.size()) {
    for (std::size_t i = 0; i < net.ops.size(); ++i) {
      if (FastConv::Has(net.ops[i])) own_[i].emplace(net, net.ops[i]);
    }
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
      if (FastConv::Has(alternatives[i].op)) other_[i].emplace(net, alternatives[i].op);
    }
  }

  // The network's own first output.
  Result<std::vector<float>> Run(const std::vector<std::int8_t>& input) const {
    TF2_ASSIGN_OR_RETURN(const Values values, RunAll(input));
    return FirstOutput(values, {});
  }

  // The error that each alternative makes on one sample.
  Result<std::vector<double>> Measure(const std::vector<std::int8_t>& input) const {
    TF2_ASSIGN_OR_RETURN(const Values values, RunAll(input));
    TF2_ASSIGN_OR_RETURN(const std::vector<float> expected, FirstOutput(values, {}));
    std::vector<double> errors;
    for (std::size_t a = 0; a < alternatives_.size(); ++a) {
      Changed changed;
      TF2_RETURN_IF_ERROR(RunFrom(a, values, changed));
      TF2_ASSIGN_OR_RETURN(const std::vector<float> made, FirstOutput(values, changed));
      errors.push_back(ErrorOf(expected, made));
    }
    return errors;
  }

 private:
  using Values = std::vector<qnet::Bytes>;
  using Changed = std::map<qnet::TensorId, qnet::Bytes>;  // instead of some values

  Result<Values> RunAll(const std::vector<std::int8_t>& input) const {
    Values values(net_.tensors.size());
    auto from = input.begin();
    for (const qnet::TensorId id : net_.inputs) {
      const auto to = from + net_.tensor(id).elements();
      values[qnet::Index(id)].assign(from, to);
      from = to;
    }
    for (std::size_t i = 0; i < net_.ops.size(); ++i) {
      const qnet::Op& op = net_.ops[i];
      TF2_ASSIGN_OR_RETURN(values[qnet::Index(op.output)], RunOne(op, own_[i], values, {}));
    }
    return values;
  }

  static const qnet::Bytes& ValueOf(qnet::TensorId id, const Values& values,
                                    const Changed& changed) {
    const auto it = changed.find(id);
    return it != changed.end() ? it->second : values[qnet::Index(id)];
  }

  Result<qnet::Bytes> RunOne(const qnet::Op& op, const std::optional<FastConv>& fast,
                             const Values& values, const Changed& changed) const {
    std::vector<const qnet::Bytes*> inputs;
    for (const qnet::TensorId id : op.inputs) inputs.push_back(&ValueOf(id, values, changed));
    if (!fast) return qnet::RunOp(net_, op, inputs);
    const auto int8 = [&](std::size_t i) {
      return i < inputs.size() ? reinterpret_cast<const std::int8_t*>(inputs[i]->data()) : nullptr;
    };
    return fast->Run(int8(0), int8(1));
  }

  // The alternative, and whatever depends on it.
  Status RunFrom(std::size_t a, const Values& values, Changed& changed) const {
    const Alternative& other = alternatives_[a];
    TF2_ASSIGN_OR_RETURN(qnet::Bytes first, RunOne(other.op, other_[a], values, changed));
    changed.emplace(other.op.output, std::move(first));
    for (std::size_t i = other.place + 1; i < net_.ops.size(); ++i) {
      const qnet::Op& op = net_.ops[i];
      if (std::ranges::none_of(op.inputs, [&](qnet::TensorId id) { return changed.contains(id); }))
        continue;
      TF2_ASSIGN_OR_RETURN(qnet::Bytes y, RunOne(op, own_[i], values, changed));
      changed.emplace(op.output, std::move(y));
    }
    return {};
  }

  Result<std::vector<float>> FirstOutput(const Values& values, const Changed& changed) const {
    std::vector<qnet::Bytes> outputs;
    for (const qnet::Output& output : net_.outputs)
      outputs.push_back(ValueOf(output.tensor, values, changed));
    TF2_ASSIGN_OR_RETURN(auto all, qnet::ApplyHeads(net_, outputs));
    return std::move(all[0]);
  }

  const qnet::QNet& net_;
  const std::vector<Alternative>& alternatives_;
  std::vector<std::optional<FastConv>> own_;    // by operator
  std::vector<std::optional<FastConv>> other_;  // by alternative
};

}  // namespace

Result<std::vector<double>> MeasureAlternatives(const qnet::QNet& net,
                                                const std::vector<Alternative>& alternatives,
                                                const SampleSource& source, std::size_t count,
                                                int threads) {
  const Meter meter(net, alternatives);
  TF2_ASSIGN_OR_RETURN(const auto inputs, QuantizeInputs(net, source, count));
  std::vector<std::vector<double>> errors(count);
  TF2_RETURN_IF_ERROR(
      ParallelForStatus(static_cast<std::int64_t>(count), threads, [&](std::int64_t i) -> Status {
        const auto sample = static_cast<std::size_t>(i);
        TF2_ASSIGN_OR_RETURN(errors[sample], meter.Measure(inputs[sample]));
        return {};
      }));
  std::vector<double> mean(alternatives.size(), 0);
  for (const std::vector<double>& sample : errors) {
    for (std::size_t a = 0; a < sample.size(); ++a)
      mean[a] += sample[a] / static_cast<double>(count);
  }
  return mean;
}

Result<std::vector<std::vector<float>>> FirstOutputs(const ir::Graph& graph,
                                                     const SampleSource& source, std::size_t count,
                                                     int threads) {
  const floatexec::Executor executor(graph);
  std::vector<std::vector<float>> samples;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(samples.emplace_back(), source(i));
  }
  std::vector<std::vector<float>> outputs(count);
  TF2_RETURN_IF_ERROR(
      ParallelForStatus(static_cast<std::int64_t>(count), threads, [&](std::int64_t i) -> Status {
        const auto at = static_cast<std::size_t>(i);
        TF2_ASSIGN_OR_RETURN(const auto inputs, ir::InputsOf(graph, samples[at]));
        TF2_ASSIGN_OR_RETURN(const std::vector<ir::Tensor> all, executor.Run(inputs));
        outputs[at] = AsFloats(all[0]);
        return {};
      }));
  return outputs;
}

Result<double> MeasureNet(const qnet::QNet& net, const std::vector<std::vector<float>>& expected,
                          const SampleSource& source, int threads) {
  const std::vector<Alternative> none;
  const Meter meter(net, none);
  const std::size_t count = expected.size();
  TF2_ASSIGN_OR_RETURN(const auto inputs, QuantizeInputs(net, source, count));
  std::vector<double> errors(count);
  TF2_RETURN_IF_ERROR(
      ParallelForStatus(static_cast<std::int64_t>(count), threads, [&](std::int64_t i) -> Status {
        const auto at = static_cast<std::size_t>(i);
        TF2_ASSIGN_OR_RETURN(const std::vector<float> made, meter.Run(inputs[at]));
        errors[at] = ErrorOf(expected[at], made);
        return {};
      }));
  return std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(count);
}

}  // namespace tf2::quantize
