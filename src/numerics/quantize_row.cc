#include "numerics/quantize_row.h"

#include <bit>
#include <cmath>

namespace tf2::numerics {

void QuantizeRow(std::span<const float> x, int q, std::int8_t* out) {
  // x * 2^q is exact in float where it is neither beyond the bounds nor so small that it gives 0.
  // The sum with `kRounder` is the integer next to it, of two the even one; the difference from
  // that is exact, and tells where a half was rounded down.
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23
  const float scale = std::ldexp(1.0F, q);
  for (std::size_t i = 0; i < x.size(); ++i) {
    float v = x[i] * scale;
    v = v < 127.0F ? v : 127.0F;  // NaN too, which the last line takes back
    v = v > -128.0F ? v : -128.0F;
    const float sum = v + kRounder;
    const int nearest = std::bit_cast<int>(sum) - std::bit_cast<int>(kRounder);
    const int rounded = nearest + (v - (sum - kRounder) == 0.5F ? 1 : 0);
    out[i] = static_cast<std::int8_t>(x[i] == x[i] ? rounded : 0);
  }
}

}  // namespace tf2::numerics
