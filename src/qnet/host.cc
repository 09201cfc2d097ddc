// A float graph between integer tensors: dequantise, run, quantise.
#include "numerics/quantize_row.h"
#include "qnet/head.h"
#include "qnet/ops.h"

namespace tf2::qnet {

Result<Bytes> RunHost(const QNet& net, const Op& op, const Host& host, Inputs inputs,
                      ThreadPool* pool) {
  const Tensor& out = net.tensor(op.output);
  std::vector<std::vector<float>> values;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    values.push_back(Dequantize(net.tensor(op.inputs[i]), *inputs[i]));
  auto results = host.graph.Run(std::move(values), pool);
  if (!results.ok()) return std::move(results.error()).At(op.name);
  const std::vector<float>& real = results->front().f32;
  const std::size_t plane = real.size() / out.q.size();
  Bytes y(static_cast<std::size_t>(out.bytes()));
  if (out.type == ElemType::kInt8) {
    auto* const to = reinterpret_cast<std::int8_t*>(y.data());
    for (std::size_t c = 0; c < out.q.size(); ++c)
      numerics::QuantizeRow({real.data() + c * plane, plane}, out.q[c], to + c * plane);
    return y;
  }
  for (std::size_t i = 0; i < real.size(); ++i) {
    StoreSaturated(y, out.type, Activation::kNone, static_cast<std::int64_t>(i),
                   numerics::QuantizeToInt16(real[i], out.q[i / plane]));
  }
  return y;
}

}  // namespace tf2::qnet
