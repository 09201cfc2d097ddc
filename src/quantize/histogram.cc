#include <cmath>

#include "quantize/calibrate.h"

namespace tf2::quantize {

void Histogram::Add(float magnitude) {
  if (magnitude == 0) {
    ++zeros;
    return;
  }
  if (bins.empty()) bins.assign(kBins, 0);
  if (magnitude >= std::ldexp(1.0F, exponent)) {
    int needed = 0;  // magnitude < 2^needed
    std::frexp(magnitude, &needed);
    WidenTo(needed);
  }
  ++bins[static_cast<std::size_t>(std::ldexp(magnitude, 11 - exponent))];
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
