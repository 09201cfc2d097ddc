#include <algorithm>
#include <cmath>

#include "quantize/calibrate.h"

namespace tf2::quantize {
void Histogram::AddMagnitudes(std::span<const float> values) {
  float largest = 0;
  for (const float v : values) largest = std::max(largest, std::fabs(v));
  const auto equal_zero = static_cast<std::uint64_t>(std::ranges::count(values, 0.0F));
  zeros += equal_zero;
  if (largest == 0) return;
  if (bins.empty()) bins.assign(kBins, 0);
  int needed = 0;  // largest < 2^needed
  std::frexp(largest, &needed);
  WidenTo(needed);
  // Zeros go to the first bin with the others, which spares a jump that goes either way, and are
  // taken out again.
  const double unit = std::ldexp(1.0, 11 - exponent);
  for (const float v : values) ++bins[static_cast<std::size_t>(std::fabs(v) * unit)];
  bins[0] -= static_cast<std::uint32_t>(equal_zero);
}

void Histogram::WidenTo(std::int32_t new_exponent) {
  static_assert(kBins == 1 << 11);
  if (new_exponent <= exponent) return;
  const std::int32_t shift = new_exponent - exponent;
  exponent = new_exponent;
  if (bins.empty()) return;
  std::vector<std::uint32_t> wider(kBins, 0);
  for (std::size_t i = 0; i < bins.size(); ++i) wider[shift < 32 ? i >> shift : 0] += bins[i];
  bins = std::move(wider);
}

void Histogram::Merge(const Histogram& other) {
  zeros += other.zeros;
  if (other.bins.empty()) return;
  if (bins.empty()) bins.assign(kBins, 0);
  Histogram aligned = other;
  aligned.WidenTo(exponent);
  WidenTo(aligned.exponent);
  for (std::size_t i = 0; i < bins.size(); ++i) bins[i] += aligned.bins[i];
}

}  // namespace tf2::quantize
