#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

std::int64_t Truncate(float v) {
  if (std::isnan(v)) return 0;
  if (v >= 0x1p63F) return INT64_MAX;
  if (v < -0x1p63F) return INT64_MIN;
  return static_cast<std::int64_t>(v);
}

// Round to nearest even on the upper 16 bits; NaN stays NaN.
float RoundToBfloat(float v) {
  if (!std::isfinite(v)) return v;
  const auto bits = std::bit_cast<std::uint32_t>(v);
  return std::bit_cast<float>((bits + 0x7fffU + ((bits >> 16U) & 1U)) & 0xffff0000U);
}

// `v` as an integer of the type that `to` names, wrapped.
std::int64_t Narrow(const std::string& to, std::int64_t v) {
  if (to == "bool") return v != 0 ? 1 : 0;
  if (to == "i8") return static_cast<std::int8_t>(v);
  if (to == "u8") return static_cast<std::uint8_t>(v);
  if (to == "i16") return static_cast<std::int16_t>(v);
  if (to == "u16") return static_cast<std::uint16_t>(v);
  if (to == "i32") return static_cast<std::int32_t>(v);
  if (to == "u32") return static_cast<std::uint32_t>(v);
  return v;
}

}  // namespace

Status RunCast(const Call& call, ir::Tensor& y) {
  const ir::Tensor& x = call.x();
  const std::string to = call.node.String("to");
  if (x.dtype == y.dtype) {
    y.f32 = x.f32;
    y.i64 = x.i64;
  } else if (to == "bool") {
    std::transform(x.f32.begin(), x.f32.end(), y.i64.begin(),
                   [](float v) { return v != 0 ? 1 : 0; });
  } else if (y.dtype == ir::DType::kInt64) {
    std::transform(x.f32.begin(), x.f32.end(), y.i64.begin(), Truncate);
  } else {
    std::transform(x.i64.begin(), x.i64.end(), y.f32.begin(),
                   [](std::int64_t v) { return static_cast<float>(v); });
  }
  if (to == "bf16") std::transform(y.f32.begin(), y.f32.end(), y.f32.begin(), RoundToBfloat);
  if (to != "i64") {
    for (std::int64_t& v : y.i64) v = Narrow(to, v);
  }
  return {};
}

}  // namespace tf2::interp
