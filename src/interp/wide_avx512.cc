#include "interp/wide.h"

#if defined(__AVX512F__)

#include "interp/wide_impl.h"

namespace tf2::interp {
const Wide* Avx512Wide() { return &kWide; }
}  // namespace tf2::interp

#else

namespace tf2::interp {
const Wide* Avx512Wide() { return nullptr; }
}  // namespace tf2::interp

#endif
