// Functions of two or three tensors that broadcast: binary, prelu, where.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"
#include "ir/functions.h"

namespace tf2::interp {
namespace {

using ir::BinaryFn;
using ir::FloorMod;  // of integers

double FloorMod(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double Pow(double a, double b) { return std::pow(a, b); }

// Wraps on overflow; a negative exponent gives 0 but for 1 and -1.
std::int64_t Pow(std::int64_t a, std::int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  std::uint64_t result = 1;
  auto base = static_cast<std::uint64_t>(a);
  for (auto e = static_cast<std::uint64_t>(b); e != 0; e >>= 1U, base *= base) {
    if ((e & 1U) != 0) result *= base;
  }
  return static_cast<std::int64_t>(result);
}

std::int64_t Shift(std::int64_t a, std::int64_t b, bool left) {
  if (b < 0 || b > 63) return 0;
  const auto bits = static_cast<std::uint64_t>(a);
  return static_cast<std::int64_t>(left ? bits << b : bits >> b);
}

// Functions that both types have.
template <typename T>
void Common(const Call& call, BinaryFn fn, ir::Tensor& y) {
  using Wide = std::conditional_t<std::is_same_v<T, float>, double, std::int64_t>;
  const auto same = [&](auto f) { Zip<T, T>(call.x(0), call.x(1), call.pool, y, f); };
  const auto truth = [&](auto f) { Zip<T, std::int64_t>(call.x(0), call.x(1), call.pool, y, f); };
  switch (fn) {
    case BinaryFn::kPow:
      return same([](T a, T b) { return Pow(Wide(a), Wide(b)); });
    case BinaryFn::kMod:
      return same([](T a, T b) { return FloorMod(Wide(a), Wide(b)); });
    case BinaryFn::kFmod:
      if constexpr (std::is_same_v<T, float>) {
        return same([](T a, T b) { return std::fmod(a, b); });
      } else {
        return same([](T a, T b) { return ir::Fmod(a, b); });
      }
    case BinaryFn::kMax:
      return same([](T a, T b) { return a < b ? b : a; });
    case BinaryFn::kMin:
      return same([](T a, T b) { return b < a ? b : a; });
    case BinaryFn::kEqual:
      return truth([](T a, T b) { return a == b ? 1 : 0; });
    case BinaryFn::kLess:
      return truth([](T a, T b) { return a < b ? 1 : 0; });
    case BinaryFn::kLessOrEqual:
      return truth([](T a, T b) { return a <= b ? 1 : 0; });
    case BinaryFn::kGreater:
      return truth([](T a, T b) { return a > b ? 1 : 0; });
    case BinaryFn::kGreaterOrEqual:
      return truth([](T a, T b) { return a >= b ? 1 : 0; });
    case BinaryFn::kAnd:
    case BinaryFn::kOr:
    case BinaryFn::kXor:
    case BinaryFn::kBitAnd:
    case BinaryFn::kBitOr:
    case BinaryFn::kBitXor:
    case BinaryFn::kShiftLeft:
    case BinaryFn::kShiftRight:
      break;
  }
  TF2_CHECK(false, "a function of integers only");
}

void OfIntegers(const Call& call, BinaryFn fn, ir::Tensor& y) {
  using I = std::int64_t;
  const auto apply = [&](auto f) { Zip<I, I>(call.x(0), call.x(1), call.pool, y, f); };
  switch (fn) {
    case BinaryFn::kAnd:
      return apply([](I a, I b) { return a != 0 && b != 0 ? 1 : 0; });
    case BinaryFn::kOr:
      return apply([](I a, I b) { return a != 0 || b != 0 ? 1 : 0; });
    case BinaryFn::kXor:
      return apply([](I a, I b) { return (a != 0) != (b != 0) ? 1 : 0; });
    case BinaryFn::kBitAnd:
      return apply([](I a, I b) { return a & b; });
    case BinaryFn::kBitOr:
      return apply([](I a, I b) { return a | b; });
    case BinaryFn::kBitXor:
      return apply([](I a, I b) { return a ^ b; });
    case BinaryFn::kShiftLeft:
      return apply([](I a, I b) { return Shift(a, b, true); });
    case BinaryFn::kShiftRight:
      return apply([](I a, I b) { return Shift(a, b, false); });
    case BinaryFn::kPow:
    case BinaryFn::kMod:
    case BinaryFn::kFmod:
    case BinaryFn::kMax:
    case BinaryFn::kMin:
    case BinaryFn::kEqual:
    case BinaryFn::kLess:
    case BinaryFn::kLessOrEqual:
    case BinaryFn::kGreater:
    case BinaryFn::kGreaterOrEqual:
      return Common<I>(call, fn, y);
  }
  TF2_CHECK(false, "no such function");
}

}  // namespace

Status RunBinary(const Call& call, ir::Tensor& y) {
  const BinaryFn fn = ir::BinaryFnOf(call.node);
  if (call.x().dtype == ir::DType::kFloat32) {
    Common<float>(call, fn, y);
    return {};
  }
  const std::vector<std::int64_t>& divisors = call.x(1).i64;
  if ((fn == BinaryFn::kMod || fn == BinaryFn::kFmod) &&
      std::find(divisors.begin(), divisors.end(), 0) != divisors.end()) {
    return InvalidArgument("division of integers by zero");
  }
  OfIntegers(call, fn, y);
  return {};
}

Status RunPrelu(const Call& call, ir::Tensor& y) {
  Zip<float, float>(call.x(0), call.x(1), call.pool, y,
                    [](float x, float slope) { return x < 0 ? slope * x : x; });
  return {};
}

Status RunWhere(const Call& call, ir::Tensor& y) {
  const std::array<Strides, 3> strides = {BroadcastStrides(call.x(0).shape, y.shape),
                                          BroadcastStrides(call.x(1).shape, y.shape),
                                          BroadcastStrides(call.x(2).shape, y.shape)};
  const std::int64_t width = RowWidth(y.shape);
  const std::int64_t* condition = call.x().i64.data();
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* a = DataOf<T>(call.x(1)).data();
    const T* b = DataOf<T>(call.x(2)).data();
    T* out = DataOf<T>(y).data();
    ForEachRow<3>(y.shape, strides, [&](std::int64_t to, const std::array<std::int64_t, 3>& at) {
      for (std::int64_t i = 0; i < width; ++i) {
        out[to + i] = condition[at[0] + i * RowStep(strides[0])] != 0
                          ? a[at[1] + i * RowStep(strides[1])]
                          : b[at[2] + i * RowStep(strides[2])];
      }
    });
  });
  return {};
}

}  // namespace tf2::interp
