#include <algorithm>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"

namespace tf2::interp {
namespace {

// out [rows, oc] += a [rows, k] * b [k, oc], k in order.
template <typename T>
void Multiply(const T* a, const T* b, std::int64_t rows, std::int64_t k, std::int64_t oc, T* out) {
  for (std::int64_t m = 0; m < rows; ++m, out += oc) {
    for (std::int64_t i = 0; i < k; ++i) {
      const T v = a[m * k + i];
      const T* w = b + i * oc;
      for (std::int64_t o = 0; o < oc; ++o) {
        if constexpr (std::is_same_v<T, float>) {
          out[o] += v * w[o];
        } else {
          out[o] = static_cast<T>(static_cast<std::uint64_t>(out[o]) +
                                  static_cast<std::uint64_t>(v) * static_cast<std::uint64_t>(w[o]));
        }
      }
    }
  }
}

}  // namespace

Status RunMatMul(const Call& call, ir::Tensor& y) {
  ir::Shape a = call.x(0).shape;
  ir::Shape b = call.x(1).shape;
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  const std::int64_t rows = a[a.size() - 2];
  const std::int64_t k = a.back();
  const std::int64_t oc = b.back();
  const ir::Shape batch_a(a.begin(), a.end() - 2);
  const ir::Shape batch_b(b.begin(), b.end() - 2);
  // The batch axes of y; a row of them is walked as any other.
  ir::Shape batch(std::max(batch_a.size(), batch_b.size()), 1);
  std::copy_n(y.shape.begin(), batch.size(), batch.begin());
  const Strides sa = BroadcastStrides(batch_a, batch);
  const Strides sb = BroadcastStrides(batch_b, batch);
  const std::int64_t width = RowWidth(batch);
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    ForEachRow<2>(batch, {sa, sb}, [&](std::int64_t to, const std::array<std::int64_t, 2>& at) {
      for (std::int64_t i = 0; i < width; ++i) {
        Multiply(DataOf<T>(call.x(0)).data() + (at[0] + i * RowStep(sa)) * rows * k,
                 DataOf<T>(call.x(1)).data() + (at[1] + i * RowStep(sb)) * k * oc, rows, k, oc,
                 DataOf<T>(y).data() + (to + i) * rows * oc);
      }
    });
  });
  return {};
}

}  // namespace tf2::interp
