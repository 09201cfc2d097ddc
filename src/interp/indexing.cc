// one_hot, gather_elements, gather_nd, scatter_elements, scatter_nd.
#include <algorithm>
#include <string>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {
namespace {

Status CheckIndex(std::int64_t i, std::int64_t size) {
  if (i >= -size && i < size) return {};
  return InvalidArgument("index {} is outside an axis of {}", i, size);
}

std::int64_t FromFront(std::int64_t i, std::int64_t size) { return i < 0 ? i + size : i; }

enum class Reduction : std::uint8_t { kNone, kAdd, kMul, kMax, kMin };

Reduction ReductionOf(const std::string& name) {
  if (name == "add") return Reduction::kAdd;
  if (name == "mul") return Reduction::kMul;
  if (name == "max") return Reduction::kMax;
  if (name == "min") return Reduction::kMin;
  return Reduction::kNone;
}

template <typename T>
T Merge(Reduction r, T old, T update) {
  switch (r) {
    case Reduction::kNone:
      return update;
    case Reduction::kAdd:
      if constexpr (std::is_same_v<T, float>) {
        return old + update;
      } else {
        return static_cast<T>(static_cast<std::uint64_t>(old) + static_cast<std::uint64_t>(update));
      }
    case Reduction::kMul:
      if constexpr (std::is_same_v<T, float>) {
        return old * update;
      } else {
        return static_cast<T>(static_cast<std::uint64_t>(old) * static_cast<std::uint64_t>(update));
      }
    case Reduction::kMax:
      return std::max(old, update);
    case Reduction::kMin:
      return std::min(old, update);
  }
  TF2_CHECK(false, "no such reduction");
}

// Calls f(position in `indices`, element of the data) where the coordinate along `axis` is the
// index and the others are those of the position.
template <typename F>
Status ForEachElement(const ir::Tensor& indices, const ir::Shape& data, std::size_t axis, F&& f) {
  Strides strides = DenseStrides(data);
  const std::int64_t step = strides[axis];
  strides[axis] = 0;
  for (std::int64_t i : indices.i64) TF2_RETURN_IF_ERROR(CheckIndex(i, data[axis]));
  const std::int64_t width = RowWidth(indices.shape);
  const std::int64_t along = RowStep(strides);
  ForEachRow<1>(indices.shape, {strides},
                [&](std::int64_t at, const std::array<std::int64_t, 1>& base) {
                  for (std::int64_t i = 0; i < width; ++i) {
                    const std::int64_t index =
                        FromFront(indices.i64[static_cast<std::size_t>(at + i)], data[axis]);
                    f(static_cast<std::size_t>(at + i),
                      static_cast<std::size_t>(base[0] + i * along + index * step));
                  }
                });
  return {};
}

// The tuples of an index tensor [..., depth] as offsets into `shape`'s first `depth` axes, in
// elements of what lies behind them.
Result<std::vector<std::int64_t>> TupleOffsets(const ir::Tensor& indices, const ir::Shape& shape) {
  const auto depth = static_cast<std::size_t>(indices.shape.back());
  std::vector<std::int64_t> offsets(indices.i64.size() / depth, 0);
  for (std::size_t t = 0; t < offsets.size(); ++t) {
    for (std::size_t d = 0; d < depth; ++d) {
      const std::int64_t i = indices.i64[t * depth + d];
      TF2_RETURN_IF_ERROR(CheckIndex(i, shape[d]));
      offsets[t] = offsets[t] * shape[d] + FromFront(i, shape[d]);
    }
  }
  return offsets;
}

}  // namespace

Status RunOneHot(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), y.shape.size()));
  const std::int64_t depth = y.shape[axis];
  const std::int64_t inner =
      ir::ElementCount({y.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, y.shape.end()});
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T off = DataOf<T>(call.x(1))[0];
    const T on = DataOf<T>(call.x(1))[1];
    std::vector<T>& out = DataOf<T>(y);
    std::fill(out.begin(), out.end(), off);
    for (std::size_t i = 0; i < call.x().i64.size(); ++i) {
      const std::int64_t index = call.x().i64[i];
      if (index < -depth || index >= depth) continue;  // all off, as ONNX has it
      const auto at = static_cast<std::int64_t>(i);
      out[static_cast<std::size_t>((at / inner * depth + FromFront(index, depth)) * inner +
                                   at % inner)] = on;
    }
  });
  return {};
}

Status RunGatherElements(const Call& call, ir::Tensor& y) {
  const ir::Shape& shape = call.x().shape;
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), shape.size()));
  return Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    return ForEachElement(call.x(1), shape, axis, [&](std::size_t i, std::size_t from) {
      DataOf<T>(y)[i] = DataOf<T>(call.x())[from];
    });
  });
}

Status RunScatterElements(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                       ir::NormalizeAxis(call.node.Int("axis"), y.shape.size()));
  const Reduction reduction = ReductionOf(call.node.String("reduction"));
  y.f32 = call.x().f32;
  y.i64 = call.x().i64;
  return Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    return ForEachElement(call.x(1), y.shape, axis, [&](std::size_t i, std::size_t to) {
      DataOf<T>(y)[to] = Merge(reduction, DataOf<T>(y)[to], DataOf<T>(call.x(2))[i]);
    });
  });
}

Status RunGatherNd(const Call& call, ir::Tensor& y) {
  const ir::Shape& shape = call.x().shape;
  const ir::Tensor& indices = call.x(1);
  const std::int64_t batch = call.node.Int("batch_dims");
  const ir::Shape inside(shape.begin() + batch, shape.end());
  TF2_ASSIGN_OR_RETURN(const auto offsets, TupleOffsets(indices, inside));
  const std::int64_t chunk =
      ir::ElementCount({inside.begin() + indices.shape.back(), inside.end()});
  const std::int64_t per_batch = ir::ElementCount(inside);
  const std::int64_t batches = ir::ElementCount({shape.begin(), shape.begin() + batch});
  const auto tuples =
      static_cast<std::int64_t>(offsets.size()) / std::max<std::int64_t>(batches, 1);
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    auto to = DataOf<T>(y).begin();
    for (std::size_t t = 0; t < offsets.size(); ++t) {
      const std::int64_t b = static_cast<std::int64_t>(t) / tuples;
      to = std::copy_n(DataOf<T>(call.x()).begin() + b * per_batch + offsets[t] * chunk, chunk, to);
    }
  });
  return {};
}

Status RunScatterNd(const Call& call, ir::Tensor& y) {
  const ir::Tensor& indices = call.x(1);
  const Reduction reduction = ReductionOf(call.node.String("reduction"));
  TF2_ASSIGN_OR_RETURN(const auto offsets, TupleOffsets(indices, y.shape));
  const std::int64_t chunk =
      ir::ElementCount({y.shape.begin() + indices.shape.back(), y.shape.end()});
  y.f32 = call.x().f32;
  y.i64 = call.x().i64;
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = DataOf<T>(call.x(2)).data();
    for (std::int64_t offset : offsets) {
      T* to = DataOf<T>(y).data() + offset * chunk;
      for (std::int64_t i = 0; i < chunk; ++i) to[i] = Merge(reduction, to[i], *from++);
    }
  });
  return {};
}

}  // namespace tf2::interp
