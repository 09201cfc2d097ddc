#include "numerics/quantize_row.h"

#include <cmath>

namespace tf2::numerics {

void QuantizeRow(std::span<const float> x, int q, std::int8_t* out) {
  // x * 2^q is exact in double. Clamped beyond the 8 bits it lies in [-129, 128], and 1024.5 makes
  // it positive, so that truncation is floor. The sum is exact where it matters: a float next to a
  // half integer differs from it by at least 2^-25.
  const double scale = std::ldexp(1.0, q);
  for (std::size_t i = 0; i < x.size(); ++i) {
    double v = double{x[i]} * scale;
    v = v < 128.0 ? v : 128.0;  // NaN too, which the last line takes back
    v = v > -129.0 ? v : -129.0;
    const int rounded = static_cast<int>(v + 1024.5) - 1024;
    const int saturated = rounded < -128 ? -128 : rounded > 127 ? 127 : rounded;
    out[i] = static_cast<std::int8_t>(x[i] == x[i] ? saturated : 0);
  }
}

}  // namespace tf2::numerics
