#include <algorithm>
#include <cmath>

#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {

Status RunSoftmax(const Call& call, ir::Tensor& y) {
  const ir::Shape& shape = y.shape;
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), shape.size()));
  const std::int64_t size = shape[axis];
  const std::int64_t inner =
      ir::ElementCount({shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end()});
  const std::int64_t outer = ir::ElementCount(shape) / (size * inner);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      const float* x = call.x().f32.data() + o * size * inner + i;
      float* out = y.f32.data() + o * size * inner + i;
      float top = x[0];
      for (std::int64_t k = 1; k < size; ++k) top = std::max(top, x[k * inner]);
      double sum = 0;
      for (std::int64_t k = 0; k < size; ++k) sum += out[k * inner] = std::exp(x[k * inner] - top);
      for (std::int64_t k = 0; k < size; ++k)
        out[k * inner] = static_cast<float>(out[k * inner] / sum);
    }
  }
  return {};
}

}  // namespace tf2::interp
