#include <algorithm>
#include <string>

#include "interp/dispatch.h"
#include "interp/index_copy.h"
#include "interp/kernels.h"

namespace tf2::interp {
namespace {

// The source of position `i` (0 is the first element of the axis); -1 for the constant.
std::int64_t Source(const std::string& mode, std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return i;
  if (mode == "edge") return std::clamp<std::int64_t>(i, 0, size - 1);
  if (mode == "reflect") return i < 0 ? -i : 2 * (size - 1) - i;
  if (mode == "wrap") return (i % size + size) % size;
  return -1;
}

}  // namespace

Status RunPad(const Call& call, ir::Tensor& y) {
  const std::vector<std::int64_t> pads = call.node.Ints("pads");
  const std::string mode = call.node.String("mode");
  const ir::Shape& in = call.x().shape;
  std::vector<std::vector<std::int64_t>> map(in.size());
  for (std::size_t d = 0; d < in.size(); ++d) {
    for (std::int64_t i = 0; i < y.shape[d]; ++i)
      map[d].push_back(Source(mode, i - pads[d], in[d]));
  }
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    CopyByIndex<T>(DataOf<T>(call.x()), in, map, static_cast<T>(call.node.Float("value")),
                   DataOf<T>(y));
  });
  return {};
}

}  // namespace tf2::interp
