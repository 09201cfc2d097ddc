// Quantisation of many values of one exponent: numerics::QuantizeToInt8, in SSE2 where it
// is there.
#ifndef TF2_NUMERICS_QUANTIZE_ROW_H_
#define TF2_NUMERICS_QUANTIZE_ROW_H_

#include <cstdint>
#include <span>

namespace tf2::numerics {

// out[i] = QuantizeToInt8(x[i], q) for every float, infinities and NaN included. q: kMinQ..kMaxQ;
// out has the size of x.
void QuantizeRow(std::span<const float> x, int q, std::int8_t* out);

}  // namespace tf2::numerics

#endif  // TF2_NUMERICS_QUANTIZE_ROW_H_
