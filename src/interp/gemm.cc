#include <algorithm>
#include <array>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

constexpr std::int64_t kLanes = 8;

// Lane j sums the elements j, j + 8, ...: a fixed order that the compiler can vectorise.
float Dot(const float* x, const float* w, std::int64_t k) {
  std::array<float, kLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j] * w[i + j];
  }
  for (std::int64_t j = 0; i < k; ++i, ++j) lanes[j] += x[i] * w[i];
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace

Status RunGemm(const Call& call, ir::Tensor& y) {
  const std::int64_t k = call.x(1).shape[1];
  const std::int64_t oc = call.x(1).shape[0];
  const float* bias = call.Data(2);
  const bool relu = call.node.Int("relu") != 0;
  for (std::int64_t n = 0; n < y.shape[0]; ++n) {
    for (std::int64_t o = 0; o < oc; ++o) {
      float v = Dot(call.x().f32.data() + n * k, call.x(1).f32.data() + o * k, k);
      if (bias != nullptr) v += bias[o];
      y.f32[static_cast<std::size_t>(n * oc + o)] = relu ? std::max(v, 0.0F) : v;
    }
  }
  return {};
}

}  // namespace tf2::interp
