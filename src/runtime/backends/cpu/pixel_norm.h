// Host operators that normalise the channels of each pixel (layer_norm), which ConvNeXt and
// transformers have between most layers: on features as they lie in the arena.
#ifndef TF2_RUNTIME_BACKENDS_CPU_PIXEL_NORM_H_
#define TF2_RUNTIME_BACKENDS_CPU_PIXEL_NORM_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "qnet/qnet.h"
#include "runtime/backends/cpu/kernels.h"
#include "runtime/backends/cpu/prepare.h"

namespace tf2::runtime::cpu {

struct PixelNorm {
  std::vector<std::int32_t> from, to;  // where pixel i of the input and of the output begins
  std::vector<float> units;            // 2^-Q of each channel of the input
  std::vector<float> scales;           // 2^Q of each channel of the output
  std::vector<float> gamma, beta;      // of each channel, or empty
  double epsilon = 0;
  bool wide = false;                       // the input is int16
  std::uint8_t zero_in = 0, zero_out = 0;  // what bytes have in the arena for 0
};

// Nothing where `op` is not a host operator of one layer_norm with parameters a channel and
// operators that move pixels whole, to int8; nor where that takes more than `most_bytes` for
// places, or more than kMostNormChannels.
std::optional<PixelNorm> PixelNormOf(const PrepareContext& context, const qnet::Op& op,
                                     std::int64_t most_bytes);
inline constexpr std::int64_t kMostNormChannels = 4096;

// The bytes that the interpreter gives these pixels.
void Normalize(const PixelNorm& norm, Range pixels, std::uint8_t* arena);

}  // namespace tf2::runtime::cpu

#endif  // TF2_RUNTIME_BACKENDS_CPU_PIXEL_NORM_H_
