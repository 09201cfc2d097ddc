// Local response normalisation: x times a factor of the sum of squares around it.
#include <algorithm>

#include "qnet/ops.h"

namespace tf2::qnet {
namespace {

// First and last index around `at` that lie inside 0..n-1.
struct Around {
  std::int64_t first, last;
  Around(std::int64_t at, std::int64_t size, std::int64_t n)
      : first(std::max<std::int64_t>(at - (size - 1) / 2, 0)),
        last(std::min(at + size / 2, n - 1)) {}
};

}  // namespace

Bytes RunLrn(const QNet& net, const Op& op, const Lrn& lrn, Inputs inputs) {
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  const auto x = [&](std::int64_t c, std::int64_t h, std::int64_t w) -> std::int32_t {
    return Int8At(*inputs[0], (c * in.h() + h) * in.w() + w);
  };
  Bytes y(static_cast<std::size_t>(out.bytes()));
  std::int64_t i = 0;
  for (std::int64_t c = 0; c < out.c(); ++c) {
    for (std::int64_t h = 0; h < out.h(); ++h) {
      for (std::int64_t w = 0; w < out.w(); ++w, ++i) {
        std::uint32_t sum = 0;
        const auto add = [&](std::int32_t v) { sum += static_cast<std::uint32_t>(v * v); };
        switch (lrn.region) {
          case LrnRegion::kAcross: {
            const Around channels(c, lrn.size, in.c());
            for (std::int64_t k = channels.first; k <= channels.last; ++k) add(x(k, h, w));
            break;
          }
          case LrnRegion::kWithin: {
            const Around rows(h, lrn.size, in.h());
            const Around columns(w, lrn.size, in.w());
            for (std::int64_t r = rows.first; r <= rows.last; ++r) {
              for (std::int64_t k = columns.first; k <= columns.last; ++k) add(x(c, r, k));
            }
            break;
          }
        }
        StoreSaturated(y, out.type, Activation::kNone, i,
                       numerics::LrnScaled(x(c, h, w), sum, lrn.factor, lrn.shift));
      }
    }
  }
  return y;
}

}  // namespace tf2::qnet
