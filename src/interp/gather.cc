#include <algorithm>

#include "interp/dispatch.h"
#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {

Status RunGather(const Call& call, ir::Tensor& y) {
  const ir::Shape& in = call.x().shape;
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(call.node.Int("axis"), in.size()));
  const auto at = in.begin() + static_cast<std::ptrdiff_t>(axis);
  const std::int64_t size = in[axis];
  const std::int64_t outer = ir::ElementCount({in.begin(), at});
  const std::int64_t inner = ir::ElementCount({at + 1, in.end()});
  for (std::int64_t i : call.x(1).i64) {
    if (i < -size || i >= size)
      return InvalidArgument("index {} is outside an axis of {}", i, size);
  }
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto to = DataOf<T>(y).begin();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i : call.x(1).i64) {
        to = std::copy_n(DataOf<T>(call.x()).begin() + (o * size + (i < 0 ? i + size : i)) * inner,
                         inner, to);
      }
    }
  });
  return {};
}

}  // namespace tf2::interp
