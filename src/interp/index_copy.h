// Copying by one list of source positions per axis: what pad and slice are. Private to src/interp.
#ifndef TF2_INTERP_INDEX_COPY_H_
#define TF2_INTERP_INDEX_COPY_H_

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace tf2::interp {

// y[i0, i1, ...] = x[map[0][i0], map[1][i1], ...], or `fill` where any of them is -1. map[d] has
// y.shape[d] elements.
template <typename T>
void CopyByIndex(const std::vector<T>& x, const ir::Shape& x_shape,
                 const std::vector<std::vector<std::int64_t>>& map, T fill, std::vector<T>& y) {
  std::vector<std::int64_t> at(map.size(), 0);
  for (T& out : y) {
    std::int64_t from = 0;
    for (std::size_t d = 0; d < map.size() && from >= 0; ++d) {
      const std::int64_t i = map[d][static_cast<std::size_t>(at[d])];
      from = i < 0 ? -1 : from * x_shape[d] + i;
    }
    out = from < 0 ? fill : x[static_cast<std::size_t>(from)];
    for (std::size_t d = map.size(); d-- > 0;) {
      if (++at[d] < static_cast<std::int64_t>(map[d].size())) break;
      at[d] = 0;
    }
  }
}

}  // namespace tf2::interp

#endif  // TF2_INTERP_INDEX_COPY_H_
