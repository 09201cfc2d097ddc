// Max pooling: the maximum over the part of the window inside the input.
#include <algorithm>

#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunMaxPool(const QNet& net, const Op& op, const MaxPool& pool, Inputs inputs) {
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  const Window& w = pool.window;
  Bytes y(static_cast<std::size_t>(out.bytes()));
  std::int64_t i = 0;
  for (std::int64_t c = 0; c < out.c(); ++c) {
    for (std::int64_t oy = 0; oy < out.h(); ++oy) {
      for (std::int64_t ox = 0; ox < out.w(); ++ox, ++i) {
        std::int8_t best = -128;
        for (std::int64_t ky = 0; ky < w.kh; ++ky) {
          const std::int64_t iy = oy * w.sh - w.ph + ky * w.dh;
          if (iy < 0 || iy >= in.h()) continue;
          for (std::int64_t kx = 0; kx < w.kw; ++kx) {
            const std::int64_t ix = ox * w.sw - w.pw + kx * w.dw;
            if (ix < 0 || ix >= in.w()) continue;
            best = std::max(best, Int8At(*inputs[0], (c * in.h() + iy) * in.w() + ix));
          }
        }
        y[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(best);
      }
    }
  }
  return y;
}

}  // namespace tf2::qnet
