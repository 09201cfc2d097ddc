// Walking tensors of different strides together, row by row. Private to src/interp.
#ifndef TF2_INTERP_BROADCAST_H_
#define TF2_INTERP_BROADCAST_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "interp/dispatch.h"
#include "interp/ranges.h"
#include "ir/graph.h"

namespace tf2::interp {

using Strides = std::vector<std::int64_t>;

// Elements between neighbours along each axis of a dense tensor.
Strides DenseStrides(const ir::Shape& shape);

// Elements between neighbours along each axis of `y` in an operand of shape `x`; 0 where it is
// repeated.
Strides BroadcastStrides(const ir::Shape& x, const ir::Shape& y);

inline std::int64_t RowWidth(const ir::Shape& shape) { return shape.empty() ? 1 : shape.back(); }
inline std::int64_t RowStep(const Strides& s) { return s.empty() ? 0 : s.back(); }
inline std::int64_t RowsOf(const ir::Shape& shape) {
  const std::int64_t width = RowWidth(shape);
  return width == 0 ? 0 : ir::ElementCount(shape) / width;
}

// Calls row(offset, {offsets of the N operands}) for rows [begin, end) of `shape` along its last
// axis; within a row operand k advances by strides[k].back(), or not at all for a scalar shape.
template <std::size_t N, typename F>
void ForRows(const ir::Shape& shape, const std::array<Strides, N>& strides, std::int64_t begin,
             std::int64_t end, F&& row) {
  if (begin >= end) return;  // an axis may have no elements
  std::vector<std::int64_t> at(shape.size(), 0);
  const std::int64_t width = RowWidth(shape);
  const std::size_t axes = shape.size() - std::min<std::size_t>(shape.size(), 1);
  std::array<std::int64_t, N> offsets{};
  std::int64_t left = begin;
  for (std::size_t d = axes; d-- > 0; left /= shape[d]) {
    at[d] = left % shape[d];
    for (std::size_t k = 0; k < N; ++k) offsets[k] += strides[k][d] * at[d];
  }
  for (std::int64_t r = begin; r < end; ++r) {
    row(r * width, offsets);
    for (std::size_t d = axes; d-- > 0;) {
      for (std::size_t k = 0; k < N; ++k) offsets[k] += strides[k][d];
      if (++at[d] < shape[d]) break;
      for (std::size_t k = 0; k < N; ++k) offsets[k] -= strides[k][d] * shape[d];
      at[d] = 0;
    }
  }
}

// All rows.
template <std::size_t N, typename F>
void ForEachRow(const ir::Shape& shape, const std::array<Strides, N>& strides, F&& row) {
  ForRows<N>(shape, strides, 0, RowsOf(shape), row);
}

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

// y = f(a, b), element by element with broadcasting, on the threads of `pool`.
template <typename From, typename To, typename F>
void Zip(const ir::Tensor& a, const ir::Tensor& b, ThreadPool* pool, ir::Tensor& y, F&& f) {
  const From* from_a = DataOf<From>(a).data();
  const From* from_b = DataOf<From>(b).data();
  To* out = DataOf<To>(y).data();
  const Strides sa = BroadcastStrides(a.shape, y.shape);
  const Strides sb = BroadcastStrides(b.shape, y.shape);
  const std::int64_t width = RowWidth(y.shape);
  const std::int64_t step_a = RowStep(sa);
  const std::int64_t step_b = RowStep(sb);
  const auto row = [&](std::int64_t to, const std::array<std::int64_t, 2>& at) {
    const From* const x = from_a + at[0];
    const From* const z = from_b + at[1];
    if (step_a == 1 && step_b == 1) {
      for (std::int64_t i = 0; i < width; ++i) out[to + i] = static_cast<To>(f(x[i], z[i]));
    } else if (step_a == 1 && step_b == 0) {
      for (std::int64_t i = 0; i < width; ++i) out[to + i] = static_cast<To>(f(x[i], *z));
    } else {
      for (std::int64_t i = 0; i < width; ++i)
        out[to + i] = static_cast<To>(f(x[i * step_a], z[i * step_b]));
    }
  };
  ForRanges(pool, RowsOf(y.shape), width, [&](std::int64_t begin, std::int64_t end) {
    ForRows<2>(y.shape, {sa, sb}, begin, end, row);
  });
}

// y[i] = x[offset of i] where y is dense of `shape` and x has these strides, none negative, on the
// threads of `pool`.
void CopyStrided(const float* x, const ir::Shape& shape, const Strides& strides, float* y,
                 ThreadPool* pool = nullptr);
void CopyStrided(const std::int64_t* x, const ir::Shape& shape, const Strides& strides,
                 std::int64_t* y, ThreadPool* pool = nullptr);

}  // namespace tf2::interp

#endif  // TF2_INTERP_BROADCAST_H_
