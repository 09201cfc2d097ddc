// Copying by one list of source positions per axis: what pad and slice are. Private to src/interp.
#ifndef TF2_INTERP_INDEX_COPY_H_
#define TF2_INTERP_INDEX_COPY_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace tf2::interp {

// y[i0, i1, ...] = x[map[0][i0], map[1][i1], ...], or `fill` where any of them is -1. map[d] has
// y.shape[d] elements.
template <typename T>
void CopyByIndex(const std::vector<T>& x, const ir::Shape& x_shape,
                 const std::vector<std::vector<std::int64_t>>& map, T fill, std::vector<T>& y) {
  if (map.empty()) {
    y = x;
    return;
  }
  const std::vector<std::int64_t>& last = map.back();
  const auto width = static_cast<std::int64_t>(last.size());
  // Adjacent elements of a row are copied at once.
  const bool whole =
      std::adjacent_find(last.begin(), last.end(), [](std::int64_t a, std::int64_t b) {
        return a < 0 || b != a + 1;
      }) == last.end();
  std::vector<std::int64_t> at(map.size() - 1, 0);
  for (std::int64_t to = 0; to < std::ssize(y); to += width) {
    std::int64_t row = 0;
    for (std::size_t d = 0; d < at.size() && row >= 0; ++d) {
      const std::int64_t i = map[d][static_cast<std::size_t>(at[d])];
      row = i < 0 ? -1 : row * x_shape[d] + i;
    }
    T* const out = y.data() + to;
    if (row < 0) {
      std::fill_n(out, width, fill);
    } else {
      const T* const from = x.data() + row * x_shape.back();
      if (whole && last[0] >= 0) {
        std::copy_n(from + last[0], width, out);
      } else {
        std::transform(last.begin(), last.end(), out,
                       [&](std::int64_t i) { return i < 0 ? fill : from[i]; });
      }
    }
    for (std::size_t d = at.size(); d-- > 0;) {
      if (++at[d] < std::ssize(map[d])) break;
      at[d] = 0;
    }
  }
}

}  // namespace tf2::interp

#endif  // TF2_INTERP_INDEX_COPY_H_
