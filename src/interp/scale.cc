#include "interp/kernels.h"
#include "interp/per_channel.h"

namespace tf2::interp {

void ApplyPerChannel(const ir::Tensor& x, const std::vector<float>& factor,
                     const std::vector<float>& shift, ir::Tensor& y) {
  const std::int64_t channels = x.shape[1];
  const std::int64_t inner = ir::ElementCount(x.shape) / (x.shape[0] * channels);
  for (std::int64_t n = 0; n < x.shape[0]; ++n) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* from = x.f32.data() + (n * channels + c) * inner;
      float* to = y.f32.data() + (n * channels + c) * inner;
      const float f = factor[static_cast<std::size_t>(c)];
      const float s = shift[static_cast<std::size_t>(c)];
      for (std::int64_t i = 0; i < inner; ++i) to[i] = from[i] * f + s;
    }
  }
}

Status RunScale(const Call& call, ir::Tensor& y) {
  const auto channels = static_cast<std::size_t>(call.x().shape[1]);
  const float* factor = call.Data(1);
  const float* bias = call.Data(2);
  ApplyPerChannel(call.x(), factor != nullptr ? call.x(1).f32 : std::vector<float>(channels, 1.0F),
                  bias != nullptr ? call.x(2).f32 : std::vector<float>(channels, 0.0F), y);
  return {};
}

}  // namespace tf2::interp
