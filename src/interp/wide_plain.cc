#include "interp/wide_impl.h"

namespace tf2::interp {
const Wide* PlainWide() { return &kWide; }
}  // namespace tf2::interp
