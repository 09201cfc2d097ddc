#include "interp/wide.h"

#if defined(__AVX2__)

#include "interp/wide_impl.h"

namespace tf2::interp {
const Wide* Avx2Wide() { return &kWide; }
}  // namespace tf2::interp

#else

namespace tf2::interp {
const Wide* Avx2Wide() { return nullptr; }
}  // namespace tf2::interp

#endif
