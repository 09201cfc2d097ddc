// quantize_linear, dequantize_linear, multi_threshold.
#include <algorithm>
#include <cmath>

#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {
namespace {

// Calls f(element, index into the scales) for every element of x.
template <typename F>
Status ForEachWithScale(const Call& call, F&& f) {
  const ir::Shape& shape = call.x().shape;
  const std::int64_t count = ir::ElementCount(shape);
  if (ir::ElementCount(call.x(1).shape) == 1) {
    for (std::int64_t i = 0; i < count; ++i) f(i, 0);
    return {};
  }
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), shape.size()));
  const std::int64_t inner =
      ir::ElementCount({shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end()});
  for (std::int64_t i = 0; i < count; ++i) f(i, i / inner % shape[axis]);
  return {};
}

const std::int64_t* ZeroPoints(const Call& call) {
  return call.node.HasInput(2) ? call.x(2).i64.data() : nullptr;
}

}  // namespace

Status RunQuantizeLinear(const Call& call, ir::Tensor& y) {
  const auto low = static_cast<double>(call.node.Int("min"));
  const auto high = static_cast<double>(call.node.Int("max"));
  const float* x = call.x().f32.data();
  const float* scale = call.x(1).f32.data();
  const std::int64_t* zero = ZeroPoints(call);
  return ForEachWithScale(call, [&](std::int64_t i, std::int64_t s) {
    // The quotient is a float, as ONNX's own evaluation rounds it.
    const double q =
        std::nearbyint(x[i] / scale[s]) + (zero != nullptr ? static_cast<double>(zero[s]) : 0.0);
    y.i64[static_cast<std::size_t>(i)] =
        std::isnan(q) ? 0 : static_cast<std::int64_t>(std::clamp(q, low, high));
  });
}

Status RunDequantizeLinear(const Call& call, ir::Tensor& y) {
  const std::int64_t* x = call.x().i64.data();
  const float* scale = call.x(1).f32.data();
  const std::int64_t* zero = ZeroPoints(call);
  return ForEachWithScale(call, [&](std::int64_t i, std::int64_t s) {
    const auto shifted =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(x[i]) -
                                  static_cast<std::uint64_t>(zero != nullptr ? zero[s] : 0));
    y.f32[static_cast<std::size_t>(i)] = static_cast<float>(shifted) * scale[s];
  });
}

Status RunMultiThreshold(const Call& call, ir::Tensor& y) {
  const ir::Shape& shape = call.x().shape;
  const std::int64_t rows = call.x(1).shape[0];
  const std::int64_t steps = call.x(1).shape[1];
  const std::int64_t channels = shape.size() < 2 ? 1 : shape[1];
  const std::int64_t inner =
      shape.size() < 2 ? 1 : ir::ElementCount({shape.begin() + 2, shape.end()});
  const float* thresholds = call.x(1).f32.data();
  const float out_scale = call.node.Float("out_scale");
  const float out_bias = call.node.Float("out_bias");
  for (std::size_t i = 0; i < y.f32.size(); ++i) {
    const std::int64_t c = rows == 1 ? 0 : static_cast<std::int64_t>(i) / inner % channels;
    const float* t = thresholds + c * steps;
    const float x = call.x().f32[i];
    const auto passed = std::count_if(t, t + steps, [x](float v) { return x >= v; });
    y.f32[i] = out_scale * static_cast<float>(passed) + out_bias;
  }
  return {};
}

}  // namespace tf2::interp
