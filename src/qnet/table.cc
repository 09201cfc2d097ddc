// A function of one variable as 256 entries.
#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunTable(const QNet& net, const Op& op, const Table& table, Inputs inputs) {
  const Tensor& out = net.tensor(op.output);
  Bytes y(static_cast<std::size_t>(out.bytes()));
  for (std::int64_t i = 0; i < out.elements(); ++i) {
    const int x = Int8At(*inputs[0], i);
    StoreSaturated(y, out.type, Activation::kNone, i,
                   table.values[static_cast<std::size_t>(x + 128)]);
  }
  return y;
}

}  // namespace tf2::qnet
