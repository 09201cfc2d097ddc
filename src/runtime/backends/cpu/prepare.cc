#include "runtime/backends/cpu/prepare.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace tf2::runtime::cpu {
namespace {

bool Inside(std::int64_t at, std::int32_t size) { return 0 <= at && at < size; }

// 0..count-1, then -1 up to whole tiles.
std::vector<std::int32_t> PaddedChannels(std::int32_t count) {
  const std::int32_t slots = (count + kTile - 1) / kTile * kTile;
  std::vector<std::int32_t> channels(static_cast<std::size_t>(slots), -1);
  std::iota(channels.begin(), channels.begin() + count, 0);
  return channels;
}

bool IsWide(const qnet::Tensor& tensor) { return tensor.type == qnet::ElemType::kInt16; }

}  // namespace

std::vector<std::int32_t> WindowOffsets(const qnet::Tensor& input, const View& view,
                                        const qnet::Window& window, const qnet::Tensor& output,
                                        int pixels_per_tile, std::int64_t padding) {
  const std::int64_t pixels = std::int64_t{output.h()} * output.w();
  const std::int64_t tiles = (pixels + pixels_per_tile - 1) / pixels_per_tile;
  std::vector<std::int32_t> offsets;
  offsets.reserve(static_cast<std::size_t>(tiles * window.kh * window.kw * pixels_per_tile));
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    for (std::int32_t tap = 0; tap < window.kh * window.kw; ++tap) {
      for (int i = 0; i < pixels_per_tile; ++i) {
        const std::int64_t p = std::min(tile * pixels_per_tile + i, pixels - 1);
        const std::int64_t y =
            p / output.w() * window.sh - window.ph + std::int64_t{tap / window.kw} * window.dh;
        const std::int64_t x =
            p % output.w() * window.sw - window.pw + std::int64_t{tap % window.kw} * window.dw;
        const bool inside = Inside(y, input.h()) && Inside(x, input.w());
        offsets.push_back(static_cast<std::int32_t>(
            inside ? view.offset + (y * input.w() + x) * view.stride : padding));
      }
    }
  }
  return offsets;
}

RequantizationTable::RequantizationTable(std::span<const numerics::Scale> scale,
                                         std::span<const std::uint8_t> shifts,
                                         std::span<const std::int32_t> channels) {
  for (const std::int32_t c : channels) {
    const auto at = static_cast<std::size_t>(c);
    const numerics::Scale value = c < 0 ? numerics::Scale{} : scale[at];
    alpha.push_back(value.alpha);
    s.push_back(value.s);
    half.push_back(std::int64_t{1} << (value.s - 1));
    if (!shifts.empty()) t.push_back(c < 0 ? 0 : shifts[at]);
  }
}

Requantization RequantizationTable::view(bool relu, bool wide) const {
  return {alpha.data(), half.data(), s.data(), t.empty() ? nullptr : t.data(), relu, wide};
}

bool IsDepthwise(const qnet::Conv& conv, const qnet::Tensor& input, const qnet::Tensor& output) {
  return conv.groups > 1 && conv.groups == input.c() && conv.groups == output.c();
}

PreparedDepthwise PrepareDepthwise(const PrepareContext& context, const qnet::Op& op) {
  const auto& conv = std::get<qnet::Conv>(op.params);
  const qnet::Tensor& input = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  const auto channels = PaddedChannels(output.c());
  const std::int32_t taps = conv.window.kh * conv.window.kw;
  PreparedDepthwise prepared;
  prepared.offsets =
      WindowOffsets(input, context.view(op.inputs[0]), conv.window, output, 1, context.plan.zeros);
  prepared.weights.resize(static_cast<std::size_t>(taps) * channels.size());
  prepared.bias.resize(channels.size());
  for (std::size_t c = 0; c < conv.beta.size(); ++c) {
    prepared.bias[c] = conv.beta[c];
    for (std::size_t tap = 0; tap < static_cast<std::size_t>(taps); ++tap) {
      int sum = 0;
      for (const auto& term : conv.terms) sum += term[c * static_cast<std::size_t>(taps) + tap];
      prepared.weights[tap * channels.size() + c] = static_cast<std::int16_t>(sum);
    }
  }
  prepared.table.emplace_back(conv.scale, conv.t, channels);

  DepthwiseStep& step = prepared.step;
  step.offsets = prepared.offsets.data();
  step.taps = taps;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.weights = prepared.weights.data();
  step.bias = prepared.bias.data();
  step.requantization =
      prepared.table[0].view(conv.activation == qnet::Activation::kRelu, IsWide(output));
  step.output = context.view(op.output);
  if (op.inputs.size() > 1) step.residual = context.view(op.inputs[1]);
  return prepared;
}

PreparedMaxPool PrepareMaxPool(const PrepareContext& context, const qnet::Op& op) {
  const auto& pool = std::get<qnet::MaxPool>(op.params);
  const qnet::Tensor& output = context.net.tensor(op.output);
  PreparedMaxPool prepared;
  prepared.offsets = WindowOffsets(context.net.tensor(op.inputs[0]), context.view(op.inputs[0]),
                                   pool.window, output, 1, context.plan.floors);
  MaxPoolStep& step = prepared.step;
  step.offsets = prepared.offsets.data();
  step.taps = pool.window.kh * pool.window.kw;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.output = context.view(op.output);
  return prepared;
}

PreparedAvgPool PrepareAvgPool(const PrepareContext& context, const qnet::Op& op) {
  const auto& pool = std::get<qnet::AvgPool>(op.params);
  const qnet::Tensor& output = context.net.tensor(op.output);
  PreparedAvgPool prepared;
  prepared.offsets = WindowOffsets(context.net.tensor(op.inputs[0]), context.view(op.inputs[0]),
                                   pool.window, output, 1, context.plan.zeros);
  for (const std::int32_t h : pool.divisor_h) {
    for (const std::int32_t w : pool.divisor_w) {
      const auto at = std::ranges::lower_bound(pool.divisors, h * w);
      prepared.divisor.push_back(static_cast<std::int32_t>(at - pool.divisors.begin()));
    }
  }
  const auto channels = PaddedChannels(output.c());
  for (const auto& scale : pool.scale) {
    prepared.tables.emplace_back(scale, std::span<const std::uint8_t>(), channels);
  }
  for (const auto& table : prepared.tables) {
    prepared.requantization.push_back(
        table.view(pool.activation == qnet::Activation::kRelu, IsWide(output)));
  }
  AvgPoolStep& step = prepared.step;
  step.offsets = prepared.offsets.data();
  step.taps = pool.window.kh * pool.window.kw;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.divisor = prepared.divisor.data();
  step.requantization = prepared.requantization.data();
  step.output = context.view(op.output);
  return prepared;
}

// (a * 2^-qa + b * 2^-qb) * 2^qo in units of 2^-D, D = max(qa, qb): the sum is an integer below
// 2^48, and one shift by qo - D remains. To the left, anything beyond 17 bits saturates before and
// after a shift by min(qo - D, 17) alike.
PreparedAdd PrepareAdd(const PrepareContext& context, const qnet::Op& op) {
  constexpr int kEnough = 17;
  const qnet::Tensor& a = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& b = context.net.tensor(op.inputs[1]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  PreparedAdd prepared;
  for (std::size_t c = 0; c < output.q.size(); ++c) {
    const int d = std::max<int>(a.q[c], b.q[c]);
    const int left = output.q[c] - d;
    prepared.shift_a.push_back(d - a.q[c]);
    prepared.shift_b.push_back(d - b.q[c]);
    prepared.limit.push_back(std::int64_t{1} << (left >= 0 ? kEnough : 62));
    prepared.left.push_back(std::clamp(left, 0, kEnough));
    prepared.right.push_back(left < 0 ? -left : 0);
    prepared.half.push_back(left < 0 ? std::int64_t{1} << (-left - 1) : 0);
  }
  AddStep& step = prepared.step;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.shift_a = prepared.shift_a.data();
  step.shift_b = prepared.shift_b.data();
  step.limit = prepared.limit.data();
  step.left = prepared.left.data();
  step.half = prepared.half.data();
  step.right = prepared.right.data();
  step.relu = std::get<qnet::Add>(op.params).activation == qnet::Activation::kRelu;
  step.wide = IsWide(output);
  step.a = context.view(op.inputs[0]);
  step.b = context.view(op.inputs[1]);
  step.output = context.view(op.output);
  return prepared;
}

}  // namespace tf2::runtime::cpu
