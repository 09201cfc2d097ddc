#include "interp/kernels.h"

namespace tf2::interp {

Status RunMatMul(const Call& call, ir::Tensor& y) {
  const std::int64_t k = call.x(1).shape[0];
  const std::int64_t oc = call.x(1).shape[1];
  const std::int64_t rows = ir::ElementCount(call.x().shape) / k;
  for (std::int64_t m = 0; m < rows; ++m) {
    float* out = y.f32.data() + m * oc;
    for (std::int64_t i = 0; i < k; ++i) {
      const float v = call.x().f32[static_cast<std::size_t>(m * k + i)];
      const float* w = call.x(1).f32.data() + i * oc;
      for (std::int64_t o = 0; o < oc; ++o) out[o] += v * w[o];
    }
  }
  return {};
}

}  // namespace tf2::interp
