// roi_pool: the maxima of a grid of bins over each region (Girshick, "Fast R-CNN", 2015, section
// 2.1).
#include <algorithm>
#include <cmath>

#include "interp/kernels.h"

namespace tf2::interp {
namespace {

// First and last + 1 element of bin i of `bins` over an axis of `size`, for the region that begins
// and ends at the elements `first` and `last`.
struct Range {
  std::int64_t begin, end;
};
Range BinOf(std::int64_t first, std::int64_t last, std::int64_t i, std::int64_t bins,
            std::int64_t size) {
  const auto length = static_cast<float>(std::max<std::int64_t>(last - first + 1, 1));
  const float step = length / static_cast<float>(bins);
  const auto begin = static_cast<std::int64_t>(std::floor(static_cast<float>(i) * step)) + first;
  const auto end = static_cast<std::int64_t>(std::ceil(static_cast<float>(i + 1) * step)) + first;
  return {std::clamp<std::int64_t>(begin, 0, size), std::clamp<std::int64_t>(end, 0, size)};
}

}  // namespace

Status RunRoiPool(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = call.x().shape;
  const float scale = call.node.Float("scale");
  float* out = y.f32.data();
  for (std::int64_t r = 0; r < y.shape[0]; ++r) {
    const float* region = call.x(1).f32.data() + 5 * r;
    std::int64_t corner[4];
    for (std::size_t i = 0; i < 4; ++i) {
      const float v = std::round(region[i + 1] * scale);
      if (!(std::fabs(v) < 1e7F))
        return InvalidArgument("region {} has the side {}", r, region[i + 1]);
      corner[i] = static_cast<std::int64_t>(v);
    }
    if (!(region[0] < static_cast<float>(s[0])))
      return InvalidArgument("region {} lies in sample {} of {}", r, region[0], s[0]);
    const std::int64_t planes = y.shape[2] * y.shape[3] * s[1];
    if (region[0] < 0) {  // no region: zeros
      out += planes;
      continue;
    }
    const float* x =
        call.x().f32.data() + static_cast<std::int64_t>(region[0]) * s[1] * s[2] * s[3];
    for (std::int64_t c = 0; c < s[1]; ++c, x += s[2] * s[3]) {
      for (std::int64_t i = 0; i < y.shape[2]; ++i) {
        const Range rows = BinOf(corner[1], corner[3], i, y.shape[2], s[2]);
        for (std::int64_t j = 0; j < y.shape[3]; ++j) {
          const Range columns = BinOf(corner[0], corner[2], j, y.shape[3], s[3]);
          const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
          float top = empty ? 0 : x[rows.begin * s[3] + columns.begin];
          for (std::int64_t h = rows.begin; h < rows.end; ++h) {
            for (std::int64_t w = columns.begin; w < columns.end; ++w)
              top = std::max(top, x[h * s[3] + w]);
          }
          *out++ = top;
        }
      }
    }
  }
  return {};
}

}  // namespace tf2::interp
