#include <cmath>
#include <vector>

#include "interp/kernels.h"
#include "interp/per_channel.h"

namespace tf2::interp {

Status RunBatchNorm(const Call& call, ir::Tensor& y) {
  const float* mean = call.Data(1);
  const float* variance = call.Data(2);
  const float* gamma = call.Data(3);
  const float* beta = call.Data(4);
  const double epsilon = call.node.Float("epsilon");
  const auto channels = static_cast<std::size_t>(call.x().shape[1]);
  std::vector<float> factor(channels);
  std::vector<float> shift(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double spread = variance[c] + epsilon;
    if (!(spread > 0))
      return InvalidArgument("variance {} of channel {} is not positive", variance[c], c);
    const double f = (gamma != nullptr ? gamma[c] : 1.0) / std::sqrt(spread);
    factor[c] = static_cast<float>(f);
    shift[c] = static_cast<float>((beta != nullptr ? beta[c] : 0.0) - mean[c] * f);
  }
  ApplyPerChannel(call.x(), factor, shift, y);
  return {};
}

}  // namespace tf2::interp
