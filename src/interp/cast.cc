#include <algorithm>
#include <cmath>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

std::int64_t Truncate(float v) {
  if (std::isnan(v)) return 0;
  if (v >= 0x1p63F) return INT64_MAX;
  if (v < -0x1p63F) return INT64_MIN;
  return static_cast<std::int64_t>(v);
}

}  // namespace

Status RunCast(const Call& call, ir::Tensor& y) {
  const ir::Tensor& x = call.x();
  if (x.dtype == y.dtype) {
    y.f32 = x.f32;
    y.i64 = x.i64;
  } else if (y.dtype == ir::DType::kInt64) {
    std::transform(x.f32.begin(), x.f32.end(), y.i64.begin(), Truncate);
  } else {
    std::transform(x.i64.begin(), x.i64.end(), y.f32.begin(),
                   [](std::int64_t v) { return static_cast<float>(v); });
  }
  return {};
}

}  // namespace tf2::interp
