#include <algorithm>

#include "interp/dispatch.h"
#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {

Status RunConcat(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), y.shape.size()));
  const std::int64_t outer =
      ir::ElementCount({y.shape.begin(), y.shape.begin() + static_cast<std::ptrdiff_t>(axis)});
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto to = DataOf<T>(y).begin();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const ir::Tensor* x : call.inputs) {
        const std::int64_t chunk = ir::ElementCount(x->shape) / outer;
        to = std::copy_n(DataOf<T>(*x).begin() + o * chunk, chunk, to);
      }
    }
  });
  return {};
}

}  // namespace tf2::interp
