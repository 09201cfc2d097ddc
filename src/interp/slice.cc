#include "interp/dispatch.h"
#include "interp/index_copy.h"
#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {

Status RunSlice(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const auto ranges, ir::SliceRangesOf(call.node, call.x().shape));
  std::vector<std::vector<std::int64_t>> map;
  for (const ir::SliceRange& r : ranges) {
    auto& axis = map.emplace_back();
    for (std::int64_t i = 0; i < r.count; ++i) axis.push_back(r.start + i * r.step);
  }
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    CopyByIndex<T>(DataOf<T>(call.x()), call.x().shape, map, T{}, DataOf<T>(y));
  });
  return {};
}

}  // namespace tf2::interp
