#include "verify/compare.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/interrupt.h"
#include "dataset/metrics.h"
#include "interp/interpreter.h"
#include "program/execute.h"
#include "program/pack.h"
#include "qnet/head.h"

namespace tf2::verify {
namespace {

// Value `i` of a tensor's bytes.
std::int32_t ElementAt(qnet::ElemType type, std::span<const std::uint8_t> bytes, std::size_t i) {
  if (type == qnet::ElemType::kInt8) return static_cast<std::int8_t>(bytes[i]);
  return static_cast<std::int16_t>(
      static_cast<std::uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8));
}

std::vector<std::int32_t> PositionOf(const std::vector<std::int32_t>& dims, std::int64_t index) {
  std::vector<std::int32_t> position(dims.size());
  for (std::size_t d = dims.size(); d-- > 0;) {
    position[d] = static_cast<std::int32_t>(index % dims[d]);
    index /= dims[d];
  }
  return position;
}

// Name of the operator that computes each tensor ("input" for the network's input).
std::vector<std::string> ProducerNames(const qnet::QNet& net) {
  std::vector<std::string> names(net.tensors.size(), "input");
  for (const qnet::Op& op : net.ops) names[qnet::Index(op.output)] = op.name;
  return names;
}

// Running sums of one layer.
struct LayerSums {
  dataset::SignalToNoise snr;
  std::int64_t elements = 0, saturated = 0, nonzero = 0;
  bool has_float = false;
};

void CountRange(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes, LayerSums& sums) {
  const bool narrow = tensor.type == qnet::ElemType::kInt8;
  const std::int32_t low = narrow ? -128 : -32768, high = narrow ? 127 : 32767;
  const std::int64_t n = tensor.elements();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t v = ElementAt(tensor.type, bytes, static_cast<std::size_t>(i));
    sums.saturated += v == low || v == high;
    sums.nonzero += v != 0;
  }
  sums.elements += n;
}

void CountNoise(const qnet::Tensor& tensor, std::span<const std::uint8_t> bytes,
                std::span<const float> real, LayerSums& sums) {
  const std::vector<float> approximation = qnet::Dequantize(tensor, bytes);
  if (approximation.size() != real.size()) return;
  for (std::size_t i = 0; i < real.size(); ++i) {
    sums.snr.Add(real[i], approximation[i]);
  }
  sums.has_float = true;
}

// Float values of one sample by the names of the QNet's tensors.
Status AddFloatNoise(const qnet::QNet& net, const ir::Graph& graph, const std::vector<float>& x,
                     const std::vector<qnet::Bytes>& golden, std::vector<LayerSums>& sums) {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < net.ops.size(); ++i) by_name[net.tensor(net.ops[i].output).name] = i;
  TF2_ASSIGN_OR_RETURN(const auto inputs, ir::InputsOf(graph, x));
  auto on_value = [&](ir::ValueId id, const ir::Tensor& value) -> Status {
    const auto found = by_name.find(graph.value(id).name);
    if (found == by_name.end() || value.dtype != ir::DType::kFloat32) return {};
    const qnet::TensorId tensor = net.ops[found->second].output;
    CountNoise(net.tensor(tensor), golden[qnet::Index(tensor)], value.f32, sums[found->second]);
    return {};
  };
  TF2_ASSIGN_OR_RETURN(auto outputs, interp::RunAll(graph, inputs, on_value));
  return {};
}

LayerReport ReportOf(const qnet::Op& op, const LayerSums& sums) {
  LayerReport report;
  report.layer = op.name;
  report.kind = qnet::KindName(op);
  report.has_snr = sums.has_float && sums.snr.signal > 0;
  if (report.has_snr) report.snr_db = sums.snr.Decibels();
  if (sums.elements > 0) {
    report.saturated = static_cast<double>(sums.saturated) / static_cast<double>(sums.elements);
    report.nonzero = static_cast<double>(sums.nonzero) / static_cast<double>(sums.elements);
  }
  return report;
}

// Runs one link on one sample and counts what it shows against the interpreter's tensors.
Status CompareLink(const qnet::QNet& net, const Link& link, std::span<const std::int8_t> input,
                   const std::vector<qnet::Bytes>& golden, std::int64_t sample, LinkReport& report,
                   std::optional<Divergence>& first) {
  static_assert(sizeof(qnet::TensorId) == 4);
  const std::vector<std::string> producers = ProducerNames(net);
  auto sink = [&](qnet::TensorId tensor, std::span<const std::uint8_t> bytes) {
    ++report.compared;
    report.elements += net.tensor(tensor).elements();
    auto difference = FirstDifference(net, tensor, golden[qnet::Index(tensor)], bytes);
    if (!difference) return;
    ++report.mismatches;
    if (first) return;
    difference->link = link.name;
    difference->sample = sample;
    difference->layer = producers[qnet::Index(tensor)];
    first = std::move(difference);
  };
  Status status = link.run(input, sink);
  if (!status.ok()) return std::move(status.error()).At(link.name);
  return {};
}

}  // namespace

std::string ToString(const Divergence& d) {
  return fmt::format("{}: sample {}, layer {}, tensor {}, element [{}]: {}, expected {}", d.link,
                     d.sample, d.layer, d.tensor, fmt::join(d.position, ", "), d.actual,
                     d.expected);
}

std::optional<Divergence> FirstDifference(const qnet::QNet& net, qnet::TensorId id,
                                          std::span<const std::uint8_t> expected,
                                          std::span<const std::uint8_t> actual) {
  const qnet::Tensor& tensor = net.tensor(id);
  if (expected.size() == actual.size() &&
      std::equal(expected.begin(), expected.end(), actual.begin()))
    return {};
  Divergence d;
  d.tensor = tensor.name;
  const auto bytes = static_cast<std::size_t>(qnet::BytesOf(tensor.type));
  const std::size_t n = expected.size() / bytes;
  for (std::size_t i = 0; i < n; ++i) {
    const bool missing = (i + 1) * bytes > actual.size();
    const std::int32_t want = ElementAt(tensor.type, expected, i);
    const std::int32_t have = missing ? 0 : ElementAt(tensor.type, actual, i);
    if (missing || want != have) {
      d.position = PositionOf(tensor.dims, static_cast<std::int64_t>(i));
      d.expected = want;
      d.actual = have;
      return d;
    }
  }
  d.position = PositionOf(tensor.dims, 0);  // longer than expected
  return d;
}

Link DeviceLink(runtime::Device& device, std::string name) {
  return {std::move(name),
          [&device](std::span<const std::int8_t> input, const runtime::TraceSink& sink) -> Status {
            TF2_ASSIGN_OR_RETURN(auto report, device.RunTraced(input, sink));
            return {};
          }};
}

Link ProgramLink(const program::Program& program, const arch::Arch& arch) {
  auto run = [&program, &arch](std::span<const std::int8_t> input,
                               const runtime::TraceSink& sink) -> Status {
    std::vector<std::uint8_t> memory(static_cast<std::size_t>(arch.feature_words * arch.c));
    const std::vector<std::uint8_t> words = program::PackInput(program, input);
    const program::WordRange range = program::InputRange(program);
    std::copy(words.begin(), words.end(), memory.begin() + range.begin * arch.c);
    auto after_layer = [&](std::size_t layer, std::span<const std::uint8_t> now) -> Status {
      for (const program::Place& place : program.places) {
        if (place.ready_after != static_cast<std::int32_t>(layer)) continue;
        sink(qnet::TensorId{place.tensor}, program::UnpackTensor(place, arch.c, now));
      }
      return {};
    };
    return program::Execute(program, arch, memory, after_layer);
  };
  return {"program", run};
}

Result<CompareReport> Compare(const qnet::QNet& net, std::span<const Link> links,
                              std::int64_t samples,
                              const std::function<Result<std::vector<float>>(std::int64_t)>& sample,
                              const CompareOptions& options) {
  CompareReport report;
  report.layers = static_cast<std::int64_t>(net.ops.size());
  for (const Link& link : links) report.links.push_back({link.name});
  std::vector<LayerSums> sums(net.ops.size());
  for (std::int64_t i = 0; i < samples; ++i) {
    TF2_RETURN_IF_ERROR(CheckInterrupted());
    TF2_ASSIGN_OR_RETURN(const std::vector<float> x, sample(i));
    TF2_ASSIGN_OR_RETURN(const std::vector<std::int8_t> input, qnet::QuantizeInput(net, x));
    TF2_ASSIGN_OR_RETURN(const std::vector<qnet::Bytes> golden, qnet::InterpretAll(net, input));
    for (std::size_t o = 0; o < net.ops.size(); ++o) {
      CountRange(net.tensor(net.ops[o].output), golden[qnet::Index(net.ops[o].output)], sums[o]);
    }
    if (options.float_graph != nullptr) {
      TF2_RETURN_IF_ERROR(AddFloatNoise(net, *options.float_graph, x, golden, sums));
    }
    for (std::size_t l = 0; l < links.size(); ++l) {
      TF2_RETURN_IF_ERROR(
          CompareLink(net, links[l], input, golden, i, report.links[l], report.first));
    }
    ++report.samples;
    if (options.progress) options.progress();
  }
  for (std::size_t o = 0; o < net.ops.size(); ++o)
    report.layer_reports.push_back(ReportOf(net.ops[o], sums[o]));
  for (const LinkReport& link : report.links) {
    report.compared += link.compared;
    report.mismatches += link.mismatches;
  }
  return report;
}

}  // namespace tf2::verify
