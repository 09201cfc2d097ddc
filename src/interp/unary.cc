#include "interp/unary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

using ir::UnaryFn;

double Sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

double GeluTanh(double x) {
  const double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
  return 0.5 * x * (1 + std::tanh(inner));
}

double Sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

double Shrink(double x, double lambda, double bias) {
  if (x < -lambda) return x + bias;
  return x > lambda ? x - bias : 0;
}

std::int64_t OfInteger(UnaryFn fn, std::int64_t x) {
  if (fn == UnaryFn::kNot) return x == 0 ? 1 : 0;
  if (fn == UnaryFn::kBitNot) return ~x;
  if (fn == UnaryFn::kSign) return x > 0 ? 1 : x < 0 ? -1 : 0;
  const auto negated = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(x));
  return fn == UnaryFn::kNeg || x < 0 ? negated : x;
}

bool IsInfOf(float x, float positive, float negative) {
  return std::isinf(x) && (x > 0 ? positive != 0 : negative != 0);
}

}  // namespace

// One row a function; x, a, b are the arguments.
#define TF2_FN(name, expression)                                                          \
  case UnaryFn::name:                                                                     \
    return [](double x, [[maybe_unused]] double a, [[maybe_unused]] double b) -> double { \
      return expression;                                                                  \
    };
UnaryFunction FunctionOf(ir::UnaryFn fn) {
  switch (fn) {
    TF2_FN(kAbs, std::fabs(x))
    TF2_FN(kNeg, -x)
    TF2_FN(kSign, Sign(x))
    TF2_FN(kFloor, std::floor(x))
    TF2_FN(kCeil, std::ceil(x))
    TF2_FN(kRound, std::nearbyint(x))
    TF2_FN(kReciprocal, 1 / x)
    TF2_FN(kSqrt, std::sqrt(x))
    TF2_FN(kExp, std::exp(x))
    TF2_FN(kLog, std::log(x))
    TF2_FN(kErf, std::erf(x))
    TF2_FN(kSin, std::sin(x))
    TF2_FN(kCos, std::cos(x))
    TF2_FN(kTan, std::tan(x))
    TF2_FN(kAsin, std::asin(x))
    TF2_FN(kAcos, std::acos(x))
    TF2_FN(kAtan, std::atan(x))
    TF2_FN(kSinh, std::sinh(x))
    TF2_FN(kCosh, std::cosh(x))
    TF2_FN(kTanh, std::tanh(x))
    TF2_FN(kAsinh, std::asinh(x))
    TF2_FN(kAcosh, std::acosh(x))
    TF2_FN(kAtanh, std::atanh(x))
    TF2_FN(kSigmoid, Sigmoid(x))
    TF2_FN(kHardSigmoid, std::clamp(a * x + b, 0.0, 1.0))
    TF2_FN(kHardSwish, x * std::clamp(x / 6 + 0.5, 0.0, 1.0))
    TF2_FN(kSilu, x * Sigmoid(x))
    TF2_FN(kGelu, 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)))
    TF2_FN(kGeluTanh, GeluTanh(x))
    TF2_FN(kMish, x * std::tanh(Softplus(x)))
    TF2_FN(kElu, x < 0 ? a * std::expm1(x) : x)
    TF2_FN(kCelu, std::max(0.0, x) + std::min(0.0, a * std::expm1(x / a)))
    TF2_FN(kSelu, b * (x < 0 ? a * std::expm1(x) : x))
    TF2_FN(kSoftplus, Softplus(x))
    TF2_FN(kSoftsign, x / (1 + std::fabs(x)))
    TF2_FN(kLeakyRelu, x < 0 ? a * x : x)
    TF2_FN(kThresholdedRelu, x > a ? x : 0)
    TF2_FN(kShrink, Shrink(x, a, b))
    case UnaryFn::kNot:
    case UnaryFn::kBitNot:
    case UnaryFn::kIsNan:
    case UnaryFn::kIsInf:
      break;
  }
  TF2_CHECK(false, "{} is no function of a float that gives a float", NameOf(fn));
}
#undef TF2_FN

Status RunUnary(const Call& call, ir::Tensor& y) {
  const UnaryFn fn = ir::UnaryFnOf(call.node);
  const ir::Tensor& x = call.x();
  const float alpha = call.node.Float("alpha");
  const float beta = call.node.Float("beta");
  if (x.dtype == ir::DType::kInt64) {
    std::transform(x.i64.begin(), x.i64.end(), y.i64.begin(),
                   [fn](std::int64_t v) { return OfInteger(fn, v); });
  } else if (fn == UnaryFn::kIsNan) {
    std::transform(x.f32.begin(), x.f32.end(), y.i64.begin(),
                   [](float v) { return std::isnan(v) ? 1 : 0; });
  } else if (fn == UnaryFn::kIsInf) {
    std::transform(x.f32.begin(), x.f32.end(), y.i64.begin(),
                   [&](float v) { return IsInfOf(v, alpha, beta) ? 1 : 0; });
  } else {
    const UnaryFunction f = FunctionOf(fn);
    std::transform(x.f32.begin(), x.f32.end(), y.f32.begin(),
                   [&](float v) { return static_cast<float>(f(v, alpha, beta)); });
  }
  return {};
}

Status RunClip(const Call& call, ir::Tensor& y) {
  const float low = call.node.Float("min");
  const float high = call.node.Float("max");
  const std::vector<float>& x = call.x().f32;
  std::transform(x.begin(), x.end(), y.f32.begin(),
                 [&](float v) { return std::min(std::max(v, low), high); });
  return {};
}

}  // namespace tf2::interp
