// Convolution: acc = beta + sum v * code; y = activation(sat((acc * alpha + (res << t) + 2^(s-1))
// >> s)). PReLU takes another alpha where acc is negative; clip bounds y per channel.
#include <algorithm>
#include <array>

#include "qnet/ops.h"

namespace tf2::qnet {
namespace {

// Output positions computed together: their taps fit a cache and the innermost loop runs over them.
constexpr std::int64_t kBlock = 128;

// What one group reads for `count` output positions from `first`: columns[tap * kBlock + p], taps
// in the order channel, ky, kx.
void GatherTaps(const Tensor& in, const Tensor& out, const Conv& conv, const Bytes& x,
                std::int32_t first_channel, std::int32_t channels, std::int64_t first,
                std::int64_t count, std::vector<std::int16_t>& columns) {
  const Window& w = conv.window;
  std::size_t tap = 0;
  for (std::int32_t c = first_channel; c < first_channel + channels; ++c) {
    for (std::int32_t ky = 0; ky < w.kh; ++ky) {
      for (std::int32_t kx = 0; kx < w.kw; ++kx, ++tap) {
        std::int16_t* column = columns.data() + tap * kBlock;
        std::int64_t oy = first / out.w();
        std::int64_t ox = first % out.w();
        for (std::int64_t p = 0; p < count; ++p) {
          const std::int64_t iy = oy * w.sh - w.ph + std::int64_t{ky} * w.dh;
          const std::int64_t ix = ox * w.sw - w.pw + std::int64_t{kx} * w.dw;
          const bool inside = iy >= 0 && iy < in.h() && ix >= 0 && ix < in.w();
          column[p] = inside ? Int8At(x, (c * std::int64_t{in.h()} + iy) * in.w() + ix)
                             : std::int16_t{conv.pad_value};
          if (++ox == out.w()) {
            ox = 0;
            ++oy;
          }
        }
      }
    }
  }
}

// acc[p] += sum over taps of columns[tap][p] * codes[tap]. A product has at most 15 bits.
void Accumulate(const std::int8_t* codes, std::int64_t taps, std::int64_t count,
                const std::vector<std::int16_t>& columns, std::array<std::int32_t, kBlock>& acc) {
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const std::int16_t code = codes[tap];
    if (code == 0) continue;
    const std::int16_t* column = columns.data() + tap * kBlock;
    for (std::int64_t p = 0; p < count; ++p)
      acc[static_cast<std::size_t>(p)] += static_cast<std::int16_t>(column[p] * code);
  }
}

std::int32_t AlphaOf(const Conv& conv, std::size_t channel, std::int32_t acc) {
  if (conv.activation == Activation::kPRelu && acc < 0) return conv.alpha_negative[channel];
  return conv.scale[channel].alpha;
}

}  // namespace

Bytes RunConv(const QNet& net, const Op& op, const Conv& conv, Inputs inputs) {
  const Tensor& in = net.tensor(op.inputs[0]);
  const Tensor& out = net.tensor(op.output);
  const Bytes* residual = inputs.size() > 1 ? inputs[1] : nullptr;
  const std::int32_t ic = in.c() / conv.groups;
  const std::int32_t oc = out.c() / conv.groups;
  const std::int64_t taps = std::int64_t{ic} * conv.window.kh * conv.window.kw;
  const std::int64_t positions = std::int64_t{out.h()} * out.w();

  Bytes y(static_cast<std::size_t>(out.bytes()));
  std::vector<std::int16_t> columns(static_cast<std::size_t>(taps * kBlock));
  std::array<std::int32_t, kBlock> acc;
  for (std::int32_t g = 0; g < conv.groups; ++g) {
    for (std::int64_t first = 0; first < positions; first += kBlock) {
      const std::int64_t count = std::min(kBlock, positions - first);
      GatherTaps(in, out, conv, *inputs[0], g * ic, ic, first, count, columns);
      for (std::int64_t o = std::int64_t{g} * oc; o < std::int64_t{g + 1} * oc; ++o) {
        const auto channel = static_cast<std::size_t>(o);
        acc.fill(conv.beta[channel]);
        for (const auto& term : conv.terms)
          Accumulate(term.data() + o * taps, taps, count, columns, acc);
        for (std::int64_t p = 0; p < count; ++p) {
          const std::int64_t i = o * positions + first + p;
          const std::int32_t sum = acc[static_cast<std::size_t>(p)];
          std::int64_t u =
              numerics::Requantize(sum, AlphaOf(conv, channel, sum), conv.scale[channel].s,
                                   residual != nullptr ? Int8At(*residual, i) : 0,
                                   residual != nullptr ? conv.t[channel] : 0);
          if (conv.activation == Activation::kClip) {
            u = std::clamp<std::int64_t>(u, conv.clip_low[channel], conv.clip_high[channel]);
          }
          StoreSaturated(y, out.type, conv.activation, i, u);
        }
      }
    }
  }
  return y;
}

}  // namespace tf2::qnet
