// Data movement: each element of the output from an affine function of its position.
#include <algorithm>

#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunMove(const QNet& net, const Op& op, const Move& move, Inputs inputs) {
  const Tensor& out = net.tensor(op.output);
  const auto bytes = static_cast<std::int64_t>(BytesOf(out.type));
  Bytes y(static_cast<std::size_t>(out.bytes()));
  std::vector<std::int32_t> at(move.dims.size(), 0);
  std::int64_t from = move.offset;
  for (auto to = y.begin(); to != y.end(); to += bytes) {
    std::copy_n(inputs[0]->begin() + from * bytes, bytes, to);
    for (std::size_t d = at.size(); d-- > 0;) {
      from += move.strides[d];
      if (++at[d] < move.dims[d]) break;
      from -= move.strides[d] * move.dims[d];
      at[d] = 0;
    }
  }
  return y;
}

}  // namespace tf2::qnet
