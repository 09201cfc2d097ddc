#include <algorithm>
#include <limits>

#include "interp/kernels.h"
#include "interp/pool_axis.h"

namespace tf2::interp {
namespace {

// Calls window(plane, row window, column window, output) for every output element; `plane` is one
// channel of the input.
template <typename F>
void ForEachWindow(const Call& call, const ir::PoolAttrs& a, ir::Tensor& y, F&& window) {
  const ir::Shape& in = call.x().shape;
  const auto rows = PoolWindows({in[2], y.shape[2], a.kh, a.sh, a.dh, a.pt, a.pb}, a.divisor);
  const auto columns = PoolWindows({in[3], y.shape[3], a.kw, a.sw, a.dw, a.pl, a.pr}, a.divisor);
  float* out = y.f32.data();
  for (std::int64_t plane = 0; plane < in[0] * in[1]; ++plane) {
    const float* x = call.x().f32.data() + plane * in[2] * in[3];
    for (const PoolWindow& row : rows) {
      for (const PoolWindow& column : columns) *out++ = window(x, row, column);
    }
  }
}

}  // namespace

Status RunMaxPool(const Call& call, ir::Tensor& y) {
  const ir::PoolAttrs a = ir::PoolAttrsOf(call.graph, call.node);
  const std::int64_t width = call.x().shape[3];
  ForEachWindow(call, a, y, [&](const float* x, const PoolWindow& row, const PoolWindow& column) {
    float best = -std::numeric_limits<float>::infinity();
    for (std::int64_t r = 0; r < row.taps; ++r) {
      const float* from = x + (row.first + r * a.dh) * width + column.first;
      for (std::int64_t c = 0; c < column.taps; ++c) best = std::max(best, from[c * a.dw]);
    }
    return best;
  });
  return {};
}

Status RunAvgPool(const Call& call, ir::Tensor& y) {
  const ir::PoolAttrs a = ir::PoolAttrsOf(call.graph, call.node);
  const std::int64_t width = call.x().shape[3];
  ForEachWindow(call, a, y, [&](const float* x, const PoolWindow& row, const PoolWindow& column) {
    float sum = 0;
    for (std::int64_t r = 0; r < row.taps; ++r) {
      const float* from = x + (row.first + r * a.dh) * width + column.first;
      for (std::int64_t c = 0; c < column.taps; ++c) sum += from[c * a.dw];
    }
    return sum / static_cast<float>(row.divisor * column.divisor);
  });
  return {};
}

}  // namespace tf2::interp
