// Walking tensors of different strides together, row by row. Private to src/interp.
#ifndef TF2_INTERP_BROADCAST_H_
#define TF2_INTERP_BROADCAST_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "interp/dispatch.h"
#include "ir/graph.h"

namespace tf2::interp {

using Strides = std::vector<std::int64_t>;

// Elements between neighbours along each axis of a dense tensor.
Strides DenseStrides(const ir::Shape& shape);

// Elements between neighbours along each axis of `y` in an operand of shape `x`; 0 where it is
// repeated.
Strides BroadcastStrides(const ir::Shape& x, const ir::Shape& y);

// Calls row(offset, {offsets of the N operands}) for each row of `shape` along its last axis;
// within a row operand k advances by strides[k].back(), or not at all for a scalar shape.
template <std::size_t N, typename F>
void ForEachRow(const ir::Shape& shape, const std::array<Strides, N>& strides, F&& row) {
  std::vector<std::int64_t> at(shape.size(), 0);
  const std::int64_t width = shape.empty() ? 1 : shape.back();
  const std::int64_t rows = width == 0 ? 0 : ir::ElementCount(shape) / width;
  std::array<std::int64_t, N> offsets{};
  for (std::int64_t r = 0; r < rows; ++r) {
    row(r * width, offsets);
    for (std::size_t d = shape.size() - std::min<std::size_t>(shape.size(), 1); d-- > 0;) {
      for (std::size_t k = 0; k < N; ++k) offsets[k] += strides[k][d];
      if (++at[d] < shape[d]) break;
      for (std::size_t k = 0; k < N; ++k) offsets[k] -= strides[k][d] * shape[d];
      at[d] = 0;
    }
  }
}

inline std::int64_t RowWidth(const ir::Shape& shape) { return shape.empty() ? 1 : shape.back(); }
inline std::int64_t RowStep(const Strides& s) { return s.empty() ? 0 : s.back(); }

// Calls f(element of x, element of y) for all of x, which is dense of `shape`; `strides` are those
// of y along x.
template <typename F>
void Walk(const ir::Shape& shape, const Strides& strides, F&& f) {
  const std::int64_t width = RowWidth(shape);
  const std::int64_t step = RowStep(strides);
  ForEachRow<1>(shape, {strides}, [&](std::int64_t from, const std::array<std::int64_t, 1>& to) {
    for (std::int64_t i = 0; i < width; ++i)
      f(static_cast<std::size_t>(from + i), static_cast<std::size_t>(to[0] + i * step));
  });
}

// y = f(a, b), element by element with broadcasting.
template <typename From, typename To, typename F>
void Zip(const ir::Tensor& a, const ir::Tensor& b, ir::Tensor& y, F&& f) {
  const From* from_a = DataOf<From>(a).data();
  const From* from_b = DataOf<From>(b).data();
  To* out = DataOf<To>(y).data();
  const Strides sa = BroadcastStrides(a.shape, y.shape);
  const Strides sb = BroadcastStrides(b.shape, y.shape);
  const std::int64_t width = RowWidth(y.shape);
  const std::int64_t step_a = RowStep(sa);
  const std::int64_t step_b = RowStep(sb);
  ForEachRow<2>(y.shape, {sa, sb}, [&](std::int64_t to, const std::array<std::int64_t, 2>& at) {
    for (std::int64_t i = 0; i < width; ++i)
      out[to + i] = static_cast<To>(f(from_a[at[0] + i * step_a], from_b[at[1] + i * step_b]));
  });
}

// y[i] = x[offset of i] where y is dense of `shape` and x has these strides.
template <typename T>
void CopyStrided(const T* x, const ir::Shape& shape, const Strides& strides, T* y) {
  const std::int64_t width = RowWidth(shape);
  const std::int64_t step = RowStep(strides);
  ForEachRow<1>(shape, {strides}, [&](std::int64_t to, const std::array<std::int64_t, 1>& from) {
    const T* source = x + from[0];
    for (std::int64_t i = 0; i < width; ++i) y[to + i] = source[i * step];
  });
}

}  // namespace tf2::interp

#endif  // TF2_INTERP_BROADCAST_H_
