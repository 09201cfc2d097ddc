#include "quantize/fast_conv.h"

#include <algorithm>
#include <cstdlib>

#include "numerics/numerics.h"
#include "quantize/blas.h"

namespace tf2::quantize {
namespace {

// Output positions of one product; its columns fit the second-level cache.
constexpr std::size_t kColumnFloats = std::size_t{1} << 18;
constexpr std::int64_t kExact = std::int64_t{1} << 24;
constexpr std::int64_t kLargestInput = 128;

}  // namespace

bool FastConv::Has(const qnet::Op& op) {
  const auto* conv = std::get_if<qnet::Conv>(&op.params);
  return conv != nullptr && conv->activation != qnet::Activation::kPRelu;
}

FastConv::FastConv(const qnet::QNet& net, const qnet::Op& op)
    : net_(net),
      op_(op),
      conv_(std::get<qnet::Conv>(op.params)),
      shape_(ColumnShapeOf(net, op)),
      oc_(static_cast<std::size_t>(net.tensor(op.output).c() / conv_.groups)) {
  const std::size_t taps = shape_.taps();
  std::vector<int> code(oc_ * taps);
  std::vector<std::int64_t> bound(oc_);
  for (std::int32_t g = 0; g < conv_.groups; ++g) {
    std::ranges::fill(code, 0);
    for (const auto& term : conv_.terms) {
      const auto* codes = term.data() + static_cast<std::size_t>(g) * oc_ * taps;
      for (std::size_t i = 0; i < code.size(); ++i) code[i] += codes[i];
    }
    std::vector<Part> parts(1);
    std::ranges::fill(bound, 0);
    for (std::size_t tap = 0; tap < taps; ++tap) {
      bool fits = true;
      for (std::size_t o = 0; o < oc_; ++o) {
        bound[o] += std::abs(code[o * taps + tap]) * kLargestInput;
        fits &= bound[o] < kExact;
      }
      if (fits) continue;
      parts.back().last = tap;
      parts.push_back({tap, 0, {}});
      for (std::size_t o = 0; o < oc_; ++o)
        bound[o] = std::abs(code[o * taps + tap]) * kLargestInput;
    }
    parts.back().last = taps;
    for (Part& part : parts) {
      for (std::size_t o = 0; o < oc_; ++o) {
        for (std::size_t tap = part.first; tap < part.last; ++tap)
          part.codes.push_back(static_cast<float>(code[o * taps + tap]));
      }
    }
    parts_.push_back(std::move(parts));
  }
}

void FastConv::Accumulate(std::size_t group, const float* columns, std::size_t count,
                          std::vector<float>& product, std::vector<std::int32_t>& acc) const {
  for (std::size_t o = 0; o < oc_; ++o)
    std::fill_n(acc.begin() + static_cast<std::ptrdiff_t>(o * count), count,
                conv_.beta[group * oc_ + o]);
  for (const Part& part : parts_[group]) {
    MatMul(oc_, count, part.last - part.first, part.codes.data(), columns + part.first * count,
           product.data());
    for (std::size_t i = 0; i < oc_ * count; ++i) acc[i] += static_cast<std::int32_t>(product[i]);
  }
}

qnet::Bytes FastConv::Run(const std::int8_t* x, const std::int8_t* residual) const {
  const qnet::Tensor& out = net_.tensor(op_.output);
  const bool wide = out.type == qnet::ElemType::kInt16;
  const bool relu = conv_.activation == qnet::Activation::kRelu;
  const bool clip = conv_.activation == qnet::Activation::kClip;
  const std::size_t taps = shape_.taps();
  const std::size_t positions = shape_.positions();
  const std::size_t block = std::clamp<std::size_t>(kColumnFloats / taps, 64, positions + 64);
  qnet::Bytes y(static_cast<std::size_t>(out.bytes()));
  std::vector<float> columns(taps * block);
  std::vector<float> product(oc_ * block);
  std::vector<std::int32_t> acc(oc_ * block);
  for (std::size_t g = 0; g < static_cast<std::size_t>(conv_.groups); ++g) {
    for (std::size_t first = 0; first < positions; first += block) {
      const std::size_t count = std::min(block, positions - first);
      GatherRange(shape_, x, static_cast<std::int32_t>(g), first, count, columns.data());
      Accumulate(g, columns.data(), count, product, acc);
      for (std::size_t o = 0; o < oc_; ++o) {
        const std::size_t channel = g * oc_ + o;
        const numerics::Scale scale = conv_.scale[channel];
        const int t = residual != nullptr ? conv_.t[channel] : 0;
        for (std::size_t p = 0; p < count; ++p) {
          const std::size_t i = channel * positions + first + p;
          std::int64_t u = numerics::Requantize(acc[o * count + p], scale.alpha, scale.s,
                                                residual != nullptr ? residual[i] : 0, t);
          if (relu && u < 0) u = 0;
          if (clip)
            u = std::clamp<std::int64_t>(u, conv_.clip_low[channel], conv_.clip_high[channel]);
          if (wide) {
            const auto v = static_cast<std::uint16_t>(numerics::Sat16(u));
            y[2 * i] = static_cast<std::uint8_t>(v & 0xff);
            y[2 * i + 1] = static_cast<std::uint8_t>(v >> 8);
          } else {
            y[i] = static_cast<std::uint8_t>(numerics::Sat8(u));
          }
        }
      }
    }
  }
  return y;
}

}  // namespace tf2::quantize
