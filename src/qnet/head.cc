#include "qnet/head.h"

#include <algorithm>
#include <cmath>

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

}  // namespace

Result<std::vector<std::int8_t>> QuantizeInput(const QNet& net, std::span<const float> input) {
  const Tensor& tensor = net.tensor(net.input);
  if (std::ssize(input) != tensor.elements()) {
    return InvalidArgument("the input has {} values, the network's has {}", input.size(),
                           tensor.elements());
  }
  const std::size_t plane = input.size() / tensor.q.size();
  std::vector<std::int8_t> out(input.size());
  for (std::size_t i = 0; i < input.size(); ++i)
    out[i] = numerics::QuantizeToInt8(input[i], tensor.q[i / plane]);
  return out;
}

std::vector<float> Dequantize(const Tensor& tensor, std::span<const std::uint8_t> bytes) {
  TF2_CHECK(std::ssize(bytes) == tensor.bytes(), "tensor {}", tensor.name);
  const auto elements = static_cast<std::size_t>(tensor.elements());
  const std::size_t plane = elements / tensor.q.size();
  std::vector<float> out(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    int v = 0;
    switch (tensor.type) {
      case ElemType::kInt8:
        v = static_cast<std::int8_t>(bytes[i]);
        break;
      case ElemType::kInt16:
        v = static_cast<std::int16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
        break;
    }
    out[i] = std::ldexp(static_cast<float>(v), -tensor.q[i / plane]);
  }
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

}  // namespace tf2::qnet
