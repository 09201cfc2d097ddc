#include "interp/wide.h"

#include <cmath>

namespace tf2::interp {
namespace {

const Wide& Widest() {
#if defined(__x86_64__)
  if (Avx512Wide() != nullptr && __builtin_cpu_supports("avx512f")) return *Avx512Wide();
  if (Avx2Wide() != nullptr && __builtin_cpu_supports("avx2")) return *Avx2Wide();
#endif
  return *PlainWide();
}

}  // namespace

const Wide& WideLoops() {
  static const Wide& wide = Widest();
  return wide;
}

void LayerNormRow(const float* x, std::int64_t n, double epsilon, const float* gamma,
                  const float* beta, float* y) {
  const Wide& wide = WideLoops();
  const Moments m = wide.moments(x, n);
  wide.normalize(x, n, m, 1 / std::sqrt(m.variance + epsilon), gamma, beta, 1, y);
}

}  // namespace tf2::interp
