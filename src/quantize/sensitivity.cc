#include "quantize/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>
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
    values[qnet::Index(net_.input)].assign(input.begin(), input.end());
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

// Sets of layers, each the last layer and the rest of the set.
struct Set {
  std::size_t last = 0;
  std::ptrdiff_t rest = -1;  // index of a set; -1: empty
};

// The best known set of about one size.
struct Best {
  std::int64_t macs = 0;
  double gain = -1;  // none
  std::ptrdiff_t set = -1;
};

constexpr std::int64_t kSizes = 1 << 14;

}  // namespace

Result<std::vector<double>> MeasureAlternatives(const qnet::QNet& net,
                                                const std::vector<Alternative>& alternatives,
                                                const SampleSource& source, std::size_t count,
                                                int threads) {
  const Meter meter(net, alternatives);
  std::vector<std::vector<std::int8_t>> inputs;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(const std::vector<float> sample, source(i));
    TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), qnet::QuantizeInput(net, sample));
  }
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

Result<double> MeasureNet(const ir::Graph& graph, const qnet::QNet& net, const SampleSource& source,
                          std::size_t count, int threads) {
  const std::vector<Alternative> none;
  const Meter meter(net, none);
  const floatexec::Executor executor(graph);
  std::vector<std::vector<float>> samples;
  for (std::size_t i = 0; i < count; ++i) {
    TF2_ASSIGN_OR_RETURN(samples.emplace_back(), source(i));
  }
  std::vector<double> errors(count);
  TF2_RETURN_IF_ERROR(
      ParallelForStatus(static_cast<std::int64_t>(count), threads, [&](std::int64_t i) -> Status {
        std::vector<float>& sample = samples[static_cast<std::size_t>(i)];
        TF2_ASSIGN_OR_RETURN(const auto input, qnet::QuantizeInput(net, sample));
        TF2_ASSIGN_OR_RETURN(const std::vector<float> made, meter.Run(input));
        const ir::Tensor real =
            ir::Tensor::Float(graph.value(graph.inputs[0]).shape, std::move(sample));
        TF2_ASSIGN_OR_RETURN(const std::vector<ir::Tensor> expected, executor.Run({&real, 1}));
        errors[static_cast<std::size_t>(i)] = ErrorOf(expected[0].f32, made);
        return {};
      }));
  return std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(count);
}

std::vector<std::string> ChooseTwoTermLayers(std::vector<Candidate> candidates,
                                             std::int64_t total_macs, double max_passes) {
  std::erase_if(candidates, [](const Candidate& c) { return c.gain <= 0; });
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.gain * static_cast<double>(b.macs) > b.gain * static_cast<double>(a.macs);
  });
  const auto budget =
      static_cast<std::int64_t>((max_passes - 1) * static_cast<double>(total_macs) * (1 + 1e-9));
  const std::int64_t unit = total_macs / kSizes + 1;
  std::vector<Set> sets;
  std::vector<Best> best(static_cast<std::size_t>(budget / unit + 1));
  best[0].gain = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (std::size_t size = best.size(); size-- > 0;) {
      if (best[size].gain < 0) continue;
      Best with = best[size];
      with.macs += candidates[i].macs;
      with.gain += candidates[i].gain;
      if (with.macs > budget) continue;
      Best& there = best[static_cast<std::size_t>(with.macs / unit)];
      if (with.gain <= there.gain) continue;
      with.set = std::ssize(sets);
      sets.push_back({i, best[size].set});
      there = with;
    }
  }
  const auto chosen = std::ranges::max_element(best, {}, &Best::gain);
  std::vector<std::string> names;
  for (std::ptrdiff_t s = chosen->set; s >= 0; s = sets[static_cast<std::size_t>(s)].rest)
    names.push_back(candidates[sets[static_cast<std::size_t>(s)].last].name);
  std::ranges::reverse(names);
  return names;
}

std::vector<std::vector<std::string>> CandidateSets(const std::vector<Candidate>& candidates,
                                                    std::int64_t total_macs, double max_passes) {
  std::vector<std::vector<std::string>> sets;
  std::set<std::set<std::string>> known;
  for (const double left : {1.0, 0.5, 0.25, 0.125}) {
    std::vector<Candidate> discounted = candidates;
    for (Candidate& c : discounted) {
      if (c.followed) c.gain *= left;
    }
    auto set = ChooseTwoTermLayers(std::move(discounted), total_macs, max_passes);
    if (known.insert({set.begin(), set.end()}).second) sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace tf2::quantize
