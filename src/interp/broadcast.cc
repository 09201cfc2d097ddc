#include "interp/broadcast.h"

#include "base/transpose.h"

namespace tf2::interp {
namespace {

// A strided view of as few axes as do: those of one element are left out, those that continue each
// other made one. At least one axis.
struct Compact {
  ir::Shape shape;
  Strides strides;
};

Compact CompactOf(const ir::Shape& shape, const Strides& strides) {
  Compact compact;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    if (!compact.shape.empty() && compact.strides.back() == strides[d] * shape[d]) {
      compact.shape.back() *= shape[d];
      compact.strides.back() = strides[d];
    } else {
      compact.shape.push_back(shape[d]);
      compact.strides.push_back(strides[d]);
    }
  }
  if (compact.shape.empty()) return {{1}, {1}};
  return compact;
}

template <typename T>
void CopyRows(const T* x, const Compact& from, T* y, ThreadPool* pool) {
  const std::int64_t width = from.shape.back();
  const std::int64_t step = from.strides.back();
  const auto row = [&](std::int64_t to, const std::array<std::int64_t, 1>& at) {
    const T* const source = x + at[0];
    if (step == 1) {
      std::copy_n(source, width, y + to);
      return;
    }
    for (std::int64_t i = 0; i < width; ++i) y[to + i] = source[i * step];
  };
  ForRanges(pool, RowsOf(from.shape), width, [&](std::int64_t begin, std::int64_t end) {
    ForRows<1>(from.shape, {from.strides}, begin, end, row);
  });
}

// A copy of which axis `across` of y, not the last, is dense in x: of every plane that it makes
// with the last axis, the transpose, in squares.
void TransposePlanes(const float* x, const Compact& from, std::size_t across, float* y,
                     ThreadPool* pool) {
  constexpr std::int64_t kSide = 64;
  constexpr auto kBytes = static_cast<std::int64_t>(sizeof(float));
  const Strides to = DenseStrides(from.shape);
  const std::int64_t height = from.shape[across];
  const std::int64_t width = from.shape.back();
  const std::int64_t from_step = from.strides.back();
  const std::int64_t down = (height + kSide - 1) / kSide;
  const std::int64_t along = (width + kSide - 1) / kSide;
  // A walk over the squares: a row of one element each.
  ir::Shape squares;
  Strides of_x, of_y;
  const auto add = [&](std::int64_t size, std::int64_t step_x, std::int64_t step_y) {
    squares.push_back(size);
    of_x.push_back(step_x);
    of_y.push_back(step_y);
  };
  for (std::size_t d = 0; d + 1 < from.shape.size(); ++d) {
    if (d != across) add(from.shape[d], from.strides[d], to[d]);
  }
  add(down, kSide, kSide * to[across]);
  add(along, kSide * from_step, kSide);
  add(1, 0, 0);
  const auto transpose = [&](std::int64_t index, const std::array<std::int64_t, 2>& at) {
    const std::int64_t columns = std::min(kSide, width - index % along * kSide);
    const std::int64_t rows = std::min(kSide, height - index / along % down * kSide);
    Transpose<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(x + at[0]), from_step * kBytes,
                             columns, rows, 0, reinterpret_cast<std::uint8_t*>(y + at[1]),
                             to[across] * kBytes);
  };
  ForRanges(pool, RowsOf(squares), std::min(kSide, height) * std::min(kSide, width),
            [&](std::int64_t begin, std::int64_t end) {
              ForRows<2>(squares, {of_x, of_y}, begin, end, transpose);
            });
}

}  // namespace

Strides DenseStrides(const ir::Shape& shape) {
  Strides strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

Strides BroadcastStrides(const ir::Shape& x, const ir::Shape& y) {
  Strides strides(y.size(), 0);
  std::int64_t step = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int64_t size = x[x.size() - 1 - i];
    if (size != 1) strides[y.size() - 1 - i] = step;
    step *= size;
  }
  return strides;
}

void CopyStrided(const float* x, const ir::Shape& shape, const Strides& strides, float* y,
                 ThreadPool* pool) {
  if (ir::ElementCount(shape) == 0) return;
  const Compact from = CompactOf(shape, strides);
  const auto dense = std::find(from.strides.begin(), from.strides.end(), 1);
  if (dense < from.strides.end() - 1) {
    const auto across = static_cast<std::size_t>(dense - from.strides.begin());
    TransposePlanes(x, from, across, y, pool);
  } else {
    CopyRows(x, from, y, pool);
  }
}

void CopyStrided(const std::int64_t* x, const ir::Shape& shape, const Strides& strides,
                 std::int64_t* y, ThreadPool* pool) {
  if (ir::ElementCount(shape) > 0) CopyRows(x, CompactOf(shape, strides), y, pool);
}

}  // namespace tf2::interp
