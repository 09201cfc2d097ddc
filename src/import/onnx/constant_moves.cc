#include "import/onnx/constant_moves.h"

#include <cstdint>
#include <utility>

namespace tf2::import::onnx {
namespace {

// How the elements of a result lie in a source.
struct View {
  std::int64_t start = 0;             // element of the source that comes first
  ir::Shape shape;                    // of the result
  std::vector<std::int64_t> strides;  // in the source, per axis of the result
};

std::vector<std::int64_t> StridesOf(const ir::Shape& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

template <typename T>
std::vector<T> Copy(const std::vector<T>& source, const View& view) {
  std::vector<T> out(source.empty() ? 0 : static_cast<std::size_t>(ir::ElementCount(view.shape)));
  std::vector<std::int64_t> index(view.shape.size(), 0);
  std::int64_t from = view.start;
  for (T& value : out) {
    value = source[static_cast<std::size_t>(from)];
    for (std::size_t d = index.size(); d-- > 0;) {
      from += view.strides[d];
      if (++index[d] < view.shape[d]) break;
      from -= view.strides[d] * view.shape[d];
      index[d] = 0;
    }
  }
  return out;
}

ir::Tensor Take(const ir::Tensor& t, View view) {
  ir::Tensor out;
  out.dtype = t.dtype;
  out.f32 = Copy(t.f32, view);
  out.i64 = Copy(t.i64, view);
  out.shape = std::move(view.shape);
  return out;
}

}  // namespace

ir::Tensor Transposed(const ir::Tensor& t, const std::vector<std::size_t>& order) {
  const std::vector<std::int64_t> strides = StridesOf(t.shape);
  View view;
  for (std::size_t axis : order) {
    view.shape.push_back(t.shape[axis]);
    view.strides.push_back(strides[axis]);
  }
  return Take(t, std::move(view));
}

ir::Tensor Sliced(const ir::Tensor& t, const std::vector<ir::SliceRange>& ranges) {
  const std::vector<std::int64_t> strides = StridesOf(t.shape);
  View view;
  for (std::size_t d = 0; d < ranges.size(); ++d) {
    view.start += ranges[d].start * strides[d];
    view.shape.push_back(ranges[d].count);
    view.strides.push_back(ranges[d].step * strides[d]);
  }
  return Take(t, std::move(view));
}

}  // namespace tf2::import::onnx
