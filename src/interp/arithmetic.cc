#include <algorithm>
#include <vector>

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

// Elements between neighbours along each axis of `y` in an operand of shape `x`; 0 where it is
// repeated.
std::vector<std::int64_t> BroadcastStrides(const ir::Shape& x, const ir::Shape& y) {
  std::vector<std::int64_t> strides(y.size(), 0);
  std::int64_t step = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int64_t size = x[x.size() - 1 - i];
    if (size != 1) strides[y.size() - 1 - i] = step;
    step *= size;
  }
  return strides;
}

// Calls row(offset_y, offset_a, offset_b) for each row along the last axis.
template <typename F>
void ForEachRow(const ir::Shape& shape, const std::vector<std::int64_t>& sa,
                const std::vector<std::int64_t>& sb, F&& row) {
  std::vector<std::int64_t> at(shape.size(), 0);
  const std::int64_t width = shape.empty() ? 1 : shape.back();
  const std::int64_t rows = width == 0 ? 0 : ir::ElementCount(shape) / width;
  std::int64_t a = 0;
  std::int64_t b = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    row(r * width, a, b);
    for (std::size_t d = shape.size() - std::min<std::size_t>(shape.size(), 1); d-- > 0;) {
      a += sa[d];
      b += sb[d];
      if (++at[d] < shape[d]) break;
      a -= sa[d] * shape[d];
      b -= sb[d] * shape[d];
      at[d] = 0;
    }
  }
}

template <typename T>
void Compute(const Call& call, OpKind kind, ir::Tensor& y) {
  const std::vector<T>& a = DataOf<T>(call.x(0));
  const std::vector<T>& b = DataOf<T>(call.x(1));
  std::vector<T>& out = DataOf<T>(y);
  const auto sa = BroadcastStrides(call.x(0).shape, y.shape);
  const auto sb = BroadcastStrides(call.x(1).shape, y.shape);
  const std::int64_t width = y.shape.empty() ? 1 : y.shape.back();
  const std::int64_t step_a = sa.empty() ? 0 : sa.back();
  const std::int64_t step_b = sb.empty() ? 0 : sb.back();
  ForEachRow(y.shape, sa, sb, [&](std::int64_t at_y, std::int64_t at_a, std::int64_t at_b) {
    for (std::int64_t i = 0; i < width; ++i) {
      out[static_cast<std::size_t>(at_y + i)] =
          Apply(kind, a[static_cast<std::size_t>(at_a + i * step_a)],
                b[static_cast<std::size_t>(at_b + i * step_b)]);
    }
  });
}

}  // namespace

Status RunArithmetic(const Call& call, ir::Tensor& y) {
  const OpKind kind = call.node.kind;
  const std::vector<std::int64_t>& divisors = call.x(1).i64;
  if (kind == OpKind::kDiv && std::find(divisors.begin(), divisors.end(), 0) != divisors.end()) {
    return InvalidArgument("division of integers by zero");
  }
  Dispatch(y.dtype, [&](auto zero) { Compute<decltype(zero)>(call, kind, y); });
  if (kind == OpKind::kAdd && call.node.Int("relu") != 0) {
    for (float& v : y.f32) v = std::max(v, 0.0F);
    for (std::int64_t& v : y.i64) v = std::max<std::int64_t>(v, 0);
  }
  return {};
}

}  // namespace tf2::interp
