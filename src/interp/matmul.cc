#include <algorithm>
#include <vector>

#include "interp/broadcast.h"
#include "interp/dispatch.h"
#include "interp/kernels.h"
#include "interp/ranges.h"
#include "interp/wide.h"

namespace tf2::interp {
namespace {

// out [rows, oc] += a [rows, k] * b [k, oc], wrapping.
void Multiply(const std::int64_t* a, const std::int64_t* b, std::int64_t rows, std::int64_t k,
              std::int64_t oc, std::int64_t* out) {
  for (std::int64_t m = 0; m < rows; ++m, out += oc) {
    for (std::int64_t i = 0; i < k; ++i) {
      const auto v = static_cast<std::uint64_t>(a[m * k + i]);
      const std::int64_t* w = b + i * oc;
      for (std::int64_t o = 0; o < oc; ++o) {
        out[o] = static_cast<std::int64_t>(static_cast<std::uint64_t>(out[o]) +
                                           v * static_cast<std::uint64_t>(w[o]));
      }
    }
  }
}

void Multiply(const float* a, const float* b, std::int64_t rows, std::int64_t k, std::int64_t oc,
              float* out) {
  WideLoops().multiply(a, b, rows, k, oc, out);
}

// Where the operands of a product of matrices begin, in elements.
struct Product {
  std::int64_t a, b, out;
};

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
  std::vector<Product> products;
  ForEachRow<2>(batch, {sa, sb}, [&](std::int64_t to, const std::array<std::int64_t, 2>& at) {
    for (std::int64_t i = 0; i < width; ++i) {
      products.push_back({(at[0] + i * RowStep(sa)) * rows * k, (at[1] + i * RowStep(sb)) * k * oc,
                          (to + i) * rows * oc});
    }
  });
  if (rows * oc == 0) return {};
  // Some rows of one product at a time.
  const std::int64_t strip = std::min<std::int64_t>(rows, 64);
  const std::int64_t strips = (rows + strip - 1) / strip;
  Dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Product& product = products[static_cast<std::size_t>(i / strips)];
        const std::int64_t row = i % strips * strip;
        Multiply(DataOf<T>(call.x(0)).data() + product.a + row * k,
                 DataOf<T>(call.x(1)).data() + product.b, std::min(strip, rows - row), k, oc,
                 DataOf<T>(y).data() + product.out + row * oc);
      }
    };
    ForRanges(call.pool, std::ssize(products) * strips, strip * oc * k / 8, run);
  });
  return {};
}

}  // namespace tf2::interp
