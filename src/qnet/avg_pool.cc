// Average pooling: the sum over the part of the window inside the input, scaled by the position's
// divisor.
#include <algorithm>

#include "qnet/ops.h"

namespace tf2::qnet {

Bytes RunAvgPool(const QNet& net, const Op& op, const AvgPool& pool, Inputs inputs) {
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  const Window& w = pool.window;
  Bytes y(static_cast<std::size_t>(out.bytes()));
  std::int64_t i = 0;
  for (std::int64_t c = 0; c < out.c(); ++c) {
    for (std::int64_t oy = 0; oy < out.h(); ++oy) {
      for (std::int64_t ox = 0; ox < out.w(); ++ox, ++i) {
        std::int32_t sum = 0;
        for (std::int64_t ky = 0; ky < w.kh; ++ky) {
          const std::int64_t iy = oy * w.sh - w.ph + ky * w.dh;
          if (iy < 0 || iy >= in.h()) continue;
          for (std::int64_t kx = 0; kx < w.kw; ++kx) {
            const std::int64_t ix = ox * w.sw - w.pw + kx * w.dw;
            if (ix < 0 || ix >= in.w()) continue;
            sum += Int8At(*inputs[0], (c * in.h() + iy) * in.w() + ix);
          }
        }
        const std::int32_t divisor = pool.divisor_h[static_cast<std::size_t>(oy)] *
                                     pool.divisor_w[static_cast<std::size_t>(ox)];
        const auto row = std::ranges::lower_bound(pool.divisors, divisor) - pool.divisors.begin();
        const numerics::Scale& scale =
            pool.scale[static_cast<std::size_t>(row)][static_cast<std::size_t>(c)];
        StoreSaturated(y, out.type, pool.activation, i,
                       numerics::Requantize(sum, scale.alpha, scale.s, 0, 0));
      }
    }
  }
  return y;
}

}  // namespace tf2::qnet
