#include <algorithm>
#include <vector>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"

namespace tf2::interp {
namespace {

using ir::OpKind;

float Apply(OpKind kind, float a, float b) {
  if (kind == OpKind::kAdd) return a + b;
  if (kind == OpKind::kSub) return a - b;
  if (kind == OpKind::kMul) return a * b;
  return a / b;
}

// Wraps on overflow; the caller has excluded division by zero.
std::int64_t Apply(OpKind kind, std::int64_t a, std::int64_t b) {
  const auto ua = static_cast<std::uint64_t>(a);
  const auto ub = static_cast<std::uint64_t>(b);
  if (kind == OpKind::kAdd) return static_cast<std::int64_t>(ua + ub);
  if (kind == OpKind::kSub) return static_cast<std::int64_t>(ua - ub);
  if (kind == OpKind::kMul) return static_cast<std::int64_t>(ua * ub);
  return b == -1 ? static_cast<std::int64_t>(0 - ua) : a / b;
}

}  // namespace

Status RunArithmetic(const Call& call, ir::Tensor& y) {
  const OpKind kind = call.node.kind;
  const std::vector<std::int64_t>& divisors = call.x(1).i64;
  if (kind == OpKind::kDiv && std::find(divisors.begin(), divisors.end(), 0) != divisors.end()) {
    return InvalidArgument("division of integers by zero");
  }
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    Zip<T, T>(call.x(0), call.x(1), call.pool, y, [kind](T a, T b) { return Apply(kind, a, b); });
  });
  if (kind == OpKind::kAdd && call.node.Int("relu") != 0) {
    for (float& v : y.f32) v = std::max(v, 0.0F);
    for (std::int64_t& v : y.i64) v = std::max<std::int64_t>(v, 0);
  }
  return {};
}

}  // namespace tf2::interp
