#include "interp/wide.h"

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

}  // namespace tf2::interp
