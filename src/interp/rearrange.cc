// transpose, expand, tile, depth_to_space, space_to_depth, trilu, reverse_sequence.
#include <algorithm>
#include <utility>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/index_copy.h"
#include "interp/kernels.h"

namespace tf2::interp {
namespace {

// y has the elements of x, seen as `dims`, with the axes in the order `perm`.
void Permute(const ir::Tensor& x, const ir::Shape& dims, const std::vector<std::int64_t>& perm,
             ThreadPool* pool, ir::Tensor& y) {
  const Strides dense = DenseStrides(dims);
  ir::Shape shape;
  Strides strides;
  for (std::int64_t d : perm) {
    shape.push_back(dims[static_cast<std::size_t>(d)]);
    strides.push_back(dense[static_cast<std::size_t>(d)]);
  }
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    CopyStrided(DataOf<T>(x).data(), shape, strides, DataOf<T>(y).data(), pool);
  });
}

}  // namespace

Status RunTranspose(const Call& call, ir::Tensor& y) {
  Permute(call.x(), call.x().shape, call.node.Ints("perm"), call.pool, y);
  return {};
}

Status RunExpand(const Call& call, ir::Tensor& y) {
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    CopyStrided(DataOf<T>(call.x()).data(), y.shape, BroadcastStrides(call.x().shape, y.shape),
                DataOf<T>(y).data(), call.pool);
  });
  return {};
}

Status RunTile(const Call& call, ir::Tensor& y) {
  std::vector<std::vector<std::int64_t>> map(y.shape.size());
  for (std::size_t d = 0; d < map.size(); ++d) {
    for (std::int64_t i = 0; i < y.shape[d]; ++i) map[d].push_back(i % call.x().shape[d]);
  }
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    CopyByIndex<T>(DataOf<T>(call.x()), call.x().shape, map, T{}, DataOf<T>(y));
  });
  return {};
}

Status RunDepthToSpace(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = call.x().shape;
  const std::int64_t b = call.node.Int("block");
  const std::int64_t c = s[1] / (b * b);
  if (call.node.String("mode") == "dcr") {
    Permute(call.x(), {s[0], b, b, c, s[2], s[3]}, {0, 3, 4, 1, 5, 2}, call.pool, y);
  } else {
    Permute(call.x(), {s[0], c, b, b, s[2], s[3]}, {0, 1, 4, 2, 5, 3}, call.pool, y);
  }
  return {};
}

Status RunSpaceToDepth(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = call.x().shape;
  const std::int64_t b = call.node.Int("block");
  Permute(call.x(), {s[0], s[1], s[2] / b, b, s[3] / b, b}, {0, 3, 5, 1, 2, 4}, call.pool, y);
  return {};
}

Status RunTrilu(const Call& call, ir::Tensor& y) {
  const std::int64_t width = y.shape.back();
  const std::int64_t height = y.shape[y.shape.size() - 2];
  const std::int64_t k = call.node.Int("k");
  const bool upper = call.node.Int("upper") != 0;
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::vector<T>& x = DataOf<T>(call.x());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int64_t column = at % width;
      const std::int64_t row = at / width % height;
      const bool kept = upper ? column - row >= k : column - row <= k;
      if (kept) DataOf<T>(y)[i] = x[i];
    }
  });
  return {};
}

Status RunReverseSequence(const Call& call, ir::Tensor& y) {
  const ir::Shape& s = y.shape;
  const bool batch_first = call.node.Int("batch_axis") % 2 == 0;
  const std::int64_t batches = batch_first ? s[0] : s[1];
  const std::int64_t times = batch_first ? s[1] : s[0];
  const std::int64_t inner = ir::ElementCount({s.begin() + 2, s.end()});
  for (std::int64_t length : call.x(1).i64) {
    if (length < 0 || length > times)
      return InvalidArgument("a sequence of {} elements in {}", length, times);
  }
  const auto offset = [&](std::int64_t b, std::int64_t t) {
    return (batch_first ? b * times + t : t * batches + b) * inner;
  };
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = DataOf<T>(call.x()).data();
    T* out = DataOf<T>(y).data();
    for (std::int64_t b = 0; b < batches; ++b) {
      const std::int64_t length = call.x(1).i64[static_cast<std::size_t>(b)];
      for (std::int64_t t = 0; t < times; ++t) {
        const std::int64_t from = t < length ? length - 1 - t : t;
        std::copy_n(x + offset(b, from), inner, out + offset(b, t));
      }
    }
  });
  return {};
}

}  // namespace tf2::interp
