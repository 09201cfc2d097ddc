// reduce, arg_max, arg_min, top_k, cum_sum.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"
#include "ir/functions.h"
#include "ir/shape_math.h"

namespace tf2::interp {
namespace {

using ir::ReduceFn;

// Floats are accumulated in double, integers as they are (wrapping).
template <typename T>
using Accumulator = std::conditional_t<std::is_same_v<T, float>, double, std::int64_t>;

template <typename W>
W Plus(W a, W b) {
  if constexpr (std::is_same_v<W, double>) {
    return a + b;
  } else {
    return static_cast<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }
}

template <typename W>
W Times(W a, W b) {
  if constexpr (std::is_same_v<W, double>) {
    return a * b;
  } else {
    return static_cast<W>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  }
}

template <typename W>
W Start(ReduceFn fn) {
  using Limits = std::numeric_limits<W>;
  const bool is_float = std::is_same_v<W, double>;
  if (fn == ReduceFn::kMax) return is_float ? -Limits::infinity() : Limits::min();
  if (fn == ReduceFn::kMin) return is_float ? Limits::infinity() : Limits::max();
  return fn == ReduceFn::kProd ? W{1} : W{0};
}

template <typename W>
W Step(ReduceFn fn, W sum, W x) {
  switch (fn) {
    case ReduceFn::kSum:
    case ReduceFn::kMean:
    case ReduceFn::kLogSum:
      return Plus(sum, x);
    case ReduceFn::kMax:
      return x > sum ? x : sum;
    case ReduceFn::kMin:
      return x < sum ? x : sum;
    case ReduceFn::kProd:
      return Times(sum, x);
    case ReduceFn::kL1:
      return Plus(sum, x < 0 ? Times(W{-1}, x) : x);
    case ReduceFn::kL2:
    case ReduceFn::kSumSquare:
      return Plus(sum, Times(x, x));
    case ReduceFn::kLogSumExp:
      break;
  }
  TF2_CHECK(false, "log_sum_exp has its own loop");
}

template <typename W>
W Finish(ReduceFn fn, W sum, std::int64_t count) {
  if (fn == ReduceFn::kMean) return sum / static_cast<W>(count);
  if constexpr (std::is_same_v<W, double>) {
    if (fn == ReduceFn::kL2) return std::sqrt(sum);
    if (fn == ReduceFn::kLogSum) return std::log(sum);
  }
  return sum;
}

void LogSumExp(const ir::Tensor& x, const Strides& strides, ir::Tensor& y) {
  std::vector<double> top(y.f32.size(), -std::numeric_limits<double>::infinity());
  Walk(x.shape, strides, [&](std::size_t i, std::size_t o) {
    top[o] = std::max(top[o], static_cast<double>(x.f32[i]));
  });
  std::vector<double> sum(y.f32.size(), 0.0);
  Walk(x.shape, strides,
       [&](std::size_t i, std::size_t o) { sum[o] += std::exp(x.f32[i] - top[o]); });
  for (std::size_t o = 0; o < sum.size(); ++o)
    y.f32[o] = static_cast<float>(std::isinf(top[o]) ? top[o] : top[o] + std::log(sum[o]));
}

template <typename T>
void Reduce(const ir::Tensor& x, ReduceFn fn, const Strides& strides, ir::Tensor& y) {
  using W = Accumulator<T>;
  const std::vector<T>& from = DataOf<T>(x);
  std::vector<T>& to = DataOf<T>(y);
  std::vector<W> sums(to.size(), Start<W>(fn));
  Walk(x.shape, strides, [&](std::size_t i, std::size_t o) {
    sums[o] = Step<W>(fn, sums[o], static_cast<W>(from[i]));
  });
  const auto count = static_cast<std::int64_t>(from.size() / to.size());
  for (std::size_t o = 0; o < sums.size(); ++o)
    to[o] = static_cast<T>(Finish<W>(fn, sums[o], count));
}

// A tensor as [outer, size, inner] around one axis.
struct Lines {
  std::int64_t outer, size, inner;

  static Result<Lines> Of(const Call& call) {
    const ir::Shape& s = call.x().shape;
    TF2_ASSIGN_OR_RETURN(const std::size_t axis,
                         ir::NormalizeAxis(call.node.Int("axis"), s.size()));
    const auto at = s.begin() + static_cast<std::ptrdiff_t>(axis);
    return Lines{ir::ElementCount({s.begin(), at}), s[axis], ir::ElementCount({at + 1, s.end()})};
  }

  // f(first element of a line of `x`, line number)
  template <typename F>
  void ForEach(F&& f) const {
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) f(o * size * inner + i, o * inner + i);
    }
  }
};

}  // namespace

Status RunReduce(const Call& call, ir::Tensor& y) {
  const ReduceFn fn = ir::ReduceFnOf(call.node);
  const ir::Tensor& x = call.x();
  TF2_ASSIGN_OR_RETURN(const auto axes, ir::ReducedAxes(call.node.Ints("axes"), x.shape.size()));
  ir::Shape kept = x.shape;
  for (std::size_t axis : axes) kept[axis] = 1;
  const Strides strides = BroadcastStrides(kept, x.shape);
  if (fn == ReduceFn::kLogSumExp) {
    LogSumExp(x, strides, y);
    return {};
  }
  Dispatch(y.dtype, [&](auto zero) { Reduce<decltype(zero)>(x, fn, strides, y); });
  return {};
}

Status RunArg(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const Lines lines, Lines::Of(call));
  const bool largest = call.node.kind == ir::OpKind::kArgMax;
  const bool last = call.node.Int("last") != 0;
  Dispatch(call.x().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = DataOf<T>(call.x()).data();
    lines.ForEach([&](std::int64_t first, std::int64_t line) {
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < lines.size; ++k) {
        const T v = x[first + k * lines.inner];
        const T top = x[first + best * lines.inner];
        if (largest ? v > top : v < top) best = k;
        if (last && v == top) best = k;
      }
      y.i64[static_cast<std::size_t>(line)] = best;
    });
  });
  return {};
}

Status RunTopK(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const Lines lines, Lines::Of(call));
  const std::int64_t k = call.node.Int("k");
  const bool largest = call.node.Int("largest") != 0;
  const bool wants_indices = call.node.String("result") == "indices";
  std::vector<std::int64_t> order(static_cast<std::size_t>(lines.size));
  Dispatch(call.x().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = DataOf<T>(call.x()).data();
    lines.ForEach([&](std::int64_t first, std::int64_t line) {
      std::iota(order.begin(), order.end(), 0);
      // Equal elements in the order of their indices; NaN counts as larger than any number.
      const auto before = [&](std::int64_t a, std::int64_t b) {
        const T va = x[first + a * lines.inner];
        const T vb = x[first + b * lines.inner];
        const bool nan_a = va != va;
        const bool nan_b = vb != vb;
        if (nan_a || nan_b) return nan_a == nan_b ? a < b : largest == nan_a;
        if (va != vb) return largest ? va > vb : va < vb;
        return a < b;
      };
      std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
      for (std::int64_t j = 0; j < k; ++j) {
        const auto to = static_cast<std::size_t>((line / lines.inner * k + j) * lines.inner +
                                                 line % lines.inner);
        const std::int64_t index = order[static_cast<std::size_t>(j)];
        if (wants_indices) {
          y.i64[to] = index;
        } else {
          DataOf<T>(y)[to] = x[first + index * lines.inner];
        }
      }
    });
  });
  return {};
}

Status RunCumSum(const Call& call, ir::Tensor& y) {
  TF2_ASSIGN_OR_RETURN(const Lines lines, Lines::Of(call));
  const bool exclusive = call.node.Int("exclusive") != 0;
  const bool reverse = call.node.Int("reverse") != 0;
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = DataOf<T>(call.x()).data();
    T* out = DataOf<T>(y).data();
    lines.ForEach([&](std::int64_t first, std::int64_t) {
      Accumulator<T> sum = 0;
      for (std::int64_t step = 0; step < lines.size; ++step) {
        const std::int64_t at = first + (reverse ? lines.size - 1 - step : step) * lines.inner;
        const auto v = static_cast<Accumulator<T>>(x[at]);
        const Accumulator<T> next = Plus(sum, v);
        out[at] = static_cast<T>(exclusive ? sum : next);
        sum = next;
      }
    });
  });
  return {};
}

}  // namespace tf2::interp
