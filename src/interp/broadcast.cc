#include "interp/broadcast.h"

namespace tf2::interp {

Strides DenseStrides(const ir::Shape& shape) {
  Strides strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

Strides BroadcastStrides(const ir::Shape& x, const ir::Shape& y) {
  Strides strides(y.size(), 0);
  std::int64_t step = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int64_t size = x[x.size() - 1 - i];
    if (size != 1) strides[y.size() - 1 - i] = step;
    step *= size;
  }
  return strides;
}

}  // namespace tf2::interp
