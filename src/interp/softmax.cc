#include <algorithm>
#include <cmath>
#include <vector>

#include "interp/kernels.h"
#include "interp/ranges.h"
#include "interp/wide.h"
#include "ir/shape_math.h"

namespace tf2::interp {

namespace {

// Calls line(first input, first output, size, step) for each line along the node's axis.
template <typename F>
Status ForEachLine(const Call& call, ir::Tensor& y, F&& line) {
  const ir::Shape& shape = y.shape;
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), shape.size()));
  const std::int64_t size = shape[axis];
  const std::int64_t inner =
      ir::ElementCount({shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end()});
  const std::int64_t outer = ir::ElementCount(shape) / (size * inner);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = i / inner * size * inner + i % inner;
      line(call.x().f32.data() + at, y.f32.data() + at, size, inner);
    }
  };
  ForRanges(call.pool, outer * inner, size * 4, run);
  return {};
}

float Top(const float* x, std::int64_t size, std::int64_t step) {
  float top = x[0];
  for (std::int64_t k = 1; k < size; ++k) top = std::max(top, x[k * step]);
  return top;
}

}  // namespace

Status RunSoftmax(const Call& call, ir::Tensor& y) {
  return ForEachLine(call, y, [](const float* x, float* out, std::int64_t size, std::int64_t step) {
    if (step == 1) {
      WideLoops().softmax(x, size, out);
      return;
    }
    std::vector<float> line(static_cast<std::size_t>(size));
    for (std::int64_t k = 0; k < size; ++k) line[static_cast<std::size_t>(k)] = x[k * step];
    WideLoops().softmax(line.data(), size, line.data());
    for (std::int64_t k = 0; k < size; ++k) out[k * step] = line[static_cast<std::size_t>(k)];
  });
}

Status RunLogSoftmax(const Call& call, ir::Tensor& y) {
  return ForEachLine(call, y, [](const float* x, float* out, std::int64_t size, std::int64_t step) {
    const double top = Top(x, size, step);
    double sum = 0;
    for (std::int64_t k = 0; k < size; ++k) sum += std::exp(x[k * step] - top);
    const double shift = top + std::log(sum);
    for (std::int64_t k = 0; k < size; ++k) out[k * step] = static_cast<float>(x[k * step] - shift);
  });
}

Status RunHardmax(const Call& call, ir::Tensor& y) {
  return ForEachLine(call, y, [](const float* x, float* out, std::int64_t size, std::int64_t step) {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < size; ++k) {
      if (x[k * step] > x[best * step]) best = k;
    }
    out[best * step] = 1;
  });
}

}  // namespace tf2::interp
