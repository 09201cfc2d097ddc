// Zeros between the rows and columns of a feature map.
#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunDilate(const QNet& net, const Op& op, const Dilate& dilate, Inputs inputs) {
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  Bytes y(static_cast<std::size_t>(out.bytes()), 0);
  std::size_t from = 0;
  for (std::int64_t c = 0; c < in.c(); ++c) {
    for (std::int64_t h = 0; h < in.h(); ++h) {
      for (std::int64_t w = 0; w < in.w(); ++w, ++from) {
        y[static_cast<std::size_t>((c * out.h() + h * dilate.sh) * out.w() + w * dilate.sw)] =
            (*inputs[0])[from];
      }
    }
  }
  return y;
}

}  // namespace tf2::qnet
