// Addition of two feature maps: the exact real sum, rounded once.
#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunAdd(const QNet& net, const Op& op, const Add& add, Inputs inputs) {
  const Tensor& a = net.tensor(op.inputs[0]);
  const Tensor& b = net.tensor(op.inputs[1]);
  const Tensor& out = net.tensor(op.output);
  const std::int64_t plane = std::int64_t{out.h()} * out.w();
  Bytes y(static_cast<std::size_t>(out.bytes()));
  for (std::int64_t i = 0; i < out.elements(); ++i) {
    const auto c = static_cast<std::size_t>(i / plane);
    const std::int64_t u =
        numerics::AddExact(Int8At(*inputs[0], i), a.q[c], Int8At(*inputs[1], i), b.q[c], out.q[c]);
    StoreSaturated(y, out.type, add.activation, i, u);
  }
  return y;
}

}  // namespace tf2::qnet
