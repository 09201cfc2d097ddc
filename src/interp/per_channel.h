// y = x * factor[c] + shift[c] along axis 1. Private to src/interp.
#ifndef TF2_INTERP_PER_CHANNEL_H_
#define TF2_INTERP_PER_CHANNEL_H_

#include <vector>

#include "ir/graph.h"

namespace tf2::interp {

// In float, product rounded before the sum.
void ApplyPerChannel(const ir::Tensor& x, const std::vector<float>& factor,
                     const std::vector<float>& shift, ir::Tensor& y);

}  // namespace tf2::interp

#endif  // TF2_INTERP_PER_CHANNEL_H_
