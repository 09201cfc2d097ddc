#include <algorithm>

#include "interp/kernels.h"

namespace tf2::interp {

Status RunRelu(const Call& call, ir::Tensor& y) {
  const std::vector<float>& x = call.x().f32;
  std::transform(x.begin(), x.end(), y.f32.begin(), [](float v) { return std::max(v, 0.0F); });
  return {};
}

}  // namespace tf2::interp
