#include "qnet/head.h"

#include <algorithm>
#include <cmath>

#include "numerics/quantize_row.h"

namespace tf2::qnet {
namespace {

// exp(x - max) / sum over the channel, at each position, in double.
void SoftmaxOverChannel(std::vector<float>& values, std::int64_t channels) {
  const std::int64_t plane = std::ssize(values) / channels;
  std::vector<double> exps(static_cast<std::size_t>(channels));
  for (std::int64_t p = 0; p < plane; ++p) {
    const auto at = [&](std::int64_t c) -> float& {
      return values[static_cast<std::size_t>(c * plane + p)];
    };
    double largest = at(0);
    for (std::int64_t c = 1; c < channels; ++c) largest = std::max<double>(largest, at(c));
    double sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) {
      exps[static_cast<std::size_t>(c)] = std::exp(at(c) - largest);
      sum += exps[static_cast<std::size_t>(c)];
    }
    for (std::int64_t c = 0; c < channels; ++c)
      at(c) = static_cast<float>(exps[static_cast<std::size_t>(c)] / sum);
  }
}

// Calls run(begin, count, q) for the elements of the tensor, those of adjacent channels with the
// same exponent at once.
template <typename Run>
void ForEachRun(const Tensor& tensor, const Run& run) {
  const std::size_t plane = static_cast<std::size_t>(tensor.elements()) / tensor.q.size();
  for (std::size_t c = 0; c < tensor.q.size();) {
    const std::size_t first = c;
    while (c < tensor.q.size() && tensor.q[c] == tensor.q[first]) ++c;
    run(first * plane, (c - first) * plane, tensor.q[first]);
  }
}

}  // namespace

Status QuantizeInput(const QNet& net, std::span<const float> input, std::span<std::int8_t> out) {
  if (std::ssize(input) != InputElements(net)) {
    return InvalidArgument("the input has {} values, the network's has {}", input.size(),
                           InputElements(net));
  }
  TF2_CHECK(out.size() == input.size());
  std::size_t first = 0;
  for (const TensorId id : net.inputs) {
    const Tensor& tensor = net.tensor(id);
    ForEachRun(tensor, [&](std::size_t begin, std::size_t count, int q) {
      numerics::QuantizeRow(input.subspan(first + begin, count), q, out.data() + first + begin);
    });
    first += static_cast<std::size_t>(tensor.elements());
  }
  return {};
}

Result<std::vector<std::int8_t>> QuantizeInput(const QNet& net, std::span<const float> input) {
  std::vector<std::int8_t> out(static_cast<std::size_t>(InputElements(net)));
  TF2_RETURN_IF_ERROR(QuantizeInput(net, input, out));
  return out;
}

std::vector<float> Dequantize(const Tensor& tensor, std::span<const std::uint8_t> bytes) {
  TF2_CHECK(std::ssize(bytes) == tensor.bytes(), "tensor {}", tensor.name);
  std::vector<float> out(static_cast<std::size_t>(tensor.elements()));
  ForEachRun(tensor, [&](std::size_t begin, std::size_t count, int q) {
    const float unit = std::ldexp(1.0F, -q);
    const std::size_t end = begin + count;
    switch (tensor.type) {
      case ElemType::kInt8:
        for (std::size_t i = begin; i < end; ++i) {
          out[i] = static_cast<float>(static_cast<std::int8_t>(bytes[i])) * unit;
        }
        break;
      case ElemType::kInt16:
        for (std::size_t i = begin; i < end; ++i) {
          const auto v = static_cast<std::int16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
          out[i] = static_cast<float>(v) * unit;
        }
        break;
    }
  });
  return out;
}

std::vector<float> ApplyHead(const QNet& net, const Output& output, const Bytes& bytes) {
  const Tensor& tensor = net.tensor(output.tensor);
  std::vector<float> values = Dequantize(tensor, bytes);
  switch (output.head) {
    case Head::kNone:
      break;
    case Head::kSoftmax:
      SoftmaxOverChannel(values, tensor.c());
      break;
  }
  return values;
}

std::vector<ModelOutput> ModelOutputs(const QNet& net) {
  std::vector<ModelOutput> outputs;
  if (!net.head) {
    for (const Output& output : net.outputs) outputs.push_back({output.name, output.shape});
    return outputs;
  }
  const ir::Graph& graph = net.head->graph();
  for (const ir::ValueId id : graph.outputs) {
    const ir::Value& value = graph.value(id);
    const bool batch = !value.shape.empty() && value.shape[0] == 1;
    outputs.push_back({value.name, {value.shape.begin() + (batch ? 1 : 0), value.shape.end()}});
  }
  return outputs;
}

Result<std::vector<std::vector<float>>> ApplyHeads(const QNet& net,
                                                   std::span<const Bytes> outputs) {
  TF2_CHECK(outputs.size() == net.outputs.size());
  std::vector<std::vector<float>> values;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    values.push_back(ApplyHead(net, net.outputs[i], outputs[i]));
  if (!net.head) return values;
  auto results = net.head->Run(std::move(values));
  if (!results.ok()) return std::move(results.error()).At("the head");
  std::vector<std::vector<float>> real;
  for (ir::Tensor& tensor : *results) {
    if (tensor.dtype == ir::DType::kFloat32) {
      real.push_back(std::move(tensor.f32));
    } else {
      real.emplace_back(tensor.i64.begin(), tensor.i64.end());
    }
  }
  return real;
}

}  // namespace tf2::qnet
