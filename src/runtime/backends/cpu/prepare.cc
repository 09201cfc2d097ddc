#include "runtime/backends/cpu/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "runtime/backends/cpu/lrn.h"
#include "runtime/backends/cpu/short_sums.h"
#include "runtime/backends/cpu/winograd.h"

namespace tf2::runtime::cpu {
namespace {

bool IsWide(const qnet::Tensor& tensor) { return tensor.type == qnet::ElemType::kInt16; }
bool IsRelu(qnet::Activation activation) { return activation == qnet::Activation::kRelu; }

// Bounds of an output: its type's and the activation's.
std::int32_t Low(const qnet::Tensor& output, qnet::Activation activation) {
  return IsRelu(activation) ? 0 : IsWide(output) ? -32768 : -128;
}
std::int32_t High(const qnet::Tensor& output) { return IsWide(output) ? 32767 : 127; }

// The channel of each slot of the tiles of a tensor; -1 for padding.
std::vector<std::int32_t> PlainSlots(std::int32_t channels) {
  std::vector<std::int32_t> slots;
  for (std::int32_t tile = 0; tile < channels; tile += kTile) {
    for (int slot = 0; slot < kTile; ++slot) {
      const std::int32_t c = tile + slot;
      slots.push_back(c < channels ? c : -1);
    }
  }
  return slots;
}

// A parameter set by channel.
struct ChannelScales {
  std::span<const numerics::Scale> scale;
  std::span<const std::uint8_t> t;          // empty without a residual
  std::span<const std::int64_t> sum_bound;  // the largest |sum| of each channel
  // Empty where the activation has none.
  std::span<const std::int16_t> alpha_negative = {};
  std::span<const std::int16_t> clip_low = {};
  std::span<const std::int16_t> clip_high = {};
};

ChannelScales ScalesOf(const qnet::Conv& conv, std::span<const std::int64_t> sum_bound) {
  return {conv.scale, conv.t, sum_bound, conv.alpha_negative, conv.clip_low, conv.clip_high};
}

// Whether (sum * alpha + (residual << t) + half) >> s fits 32 bits, and s 32 at most.
bool FitsNarrow(const ChannelScales& channels) {
  if (!channels.alpha_negative.empty()) return false;
  for (std::size_t c = 0; c < channels.scale.size(); ++c) {
    const numerics::Scale& scale = channels.scale[c];
    if (scale.s > 32) return false;
    std::int64_t largest = channels.sum_bound[c] * scale.alpha + (std::int64_t{1} << (scale.s - 1));
    if (!channels.t.empty()) {
      if (channels.t[c] > 30) return false;
      largest += std::int64_t{128} << channels.t[c];
    }
    // Half of what fits: conversions to float may round up.
    if (largest >> scale.s >= std::int64_t{1} << 30) return false;
  }
  return true;
}

// Whether FastRequantization is exact, too: what integers within the bounds, of 8 bits and a sign,
// exceed a residual and a half by are floats, and a residual, a half and what the residual's zero
// stands for add up exactly: multiples of 2^-15, or of 1/2 where the unit is large, of 24 bits; so
// are sums, or they are so large that the result saturates whatever they are rounded to.
bool FitsFast(const ChannelScales& channels) {
  constexpr int kFloatBits = 24;
  constexpr std::int64_t kBeyond = 130;  // the largest result and more than roundings take away
  if (!FitsNarrow(channels)) return false;
  for (std::size_t c = 0; c < channels.scale.size(); ++c) {
    const numerics::Scale& scale = channels.scale[c];
    std::int64_t least = std::int64_t{scale.alpha} << kFloatBits;  // of sums that are no floats
    if (!channels.t.empty()) {
      const int t = channels.t[c];
      if (scale.s - t > kFloatBits - 9 || t - scale.s > kFloatBits - 10) return false;
      least -= std::int64_t{128} << t;
    }
    if (scale.alpha != 0 && channels.sum_bound[c] > 1 << kFloatBits && least < kBeyond << scale.s) {
      return false;
    }
  }
  return true;
}

// The parameters of one channel.
struct Slot {
  std::int32_t alpha = 0;
  std::int32_t alpha_negative = 0;  // for sums below zero
  std::int32_t s = 1;
  std::int32_t t = 0;
  std::int32_t low = 0;
  std::int32_t high = 0;
};
using TileSlots = std::array<Slot, kTile>;

Slot SlotOf(const ChannelScales& channels, std::int32_t channel, std::int32_t low,
            std::int32_t high) {
  Slot slot;
  slot.low = low;
  slot.high = high;
  if (channel < 0) return slot;
  const auto c = static_cast<std::size_t>(channel);
  slot.alpha = slot.alpha_negative = channels.scale[c].alpha;
  slot.s = channels.scale[c].s;
  slot.t = channels.t.empty() ? 0 : channels.t[c];
  if (!channels.alpha_negative.empty()) slot.alpha_negative = channels.alpha_negative[c];
  if (!channels.clip_low.empty()) {
    slot.low = channels.clip_low[c];
    slot.high = channels.clip_high[c];
  }
  return slot;
}

Requantization GeneralTile(const TileSlots& slots) {
  Requantization tile{};
  for (std::size_t i = 0; i < kTile; ++i) {
    const Slot& slot = slots[i];
    tile.positive[i] = std::ldexp(slot.alpha, -slot.s);
    tile.negative[i] = std::ldexp(slot.alpha_negative, -slot.s);
    tile.residual[i] = std::ldexp(1, slot.t - slot.s);
    tile.low[i] = slot.low;
    tile.high[i] = slot.high;
  }
  return tile;
}

FastRequantization FastTile(const TileSlots& slots) {
  FastRequantization tile{};
  for (std::size_t i = 0; i < kTile; ++i) {
    const Slot& slot = slots[i];
    tile.scale[i] = std::ldexp(static_cast<float>(slot.alpha), -slot.s);
    tile.residual[i] = std::ldexp(1.0F, slot.t - slot.s);
    tile.low[i] = static_cast<std::int8_t>(slot.low);
    tile.high[i] = static_cast<std::int8_t>(slot.high);
  }
  return tile;
}

// Appends the parameters of `slots`.
void AppendTable(const ChannelScales& channels, std::span<const std::int32_t> slots,
                 std::int32_t low, std::int32_t high, RequantizationTables& tables) {
  for (std::size_t tile = 0; tile < slots.size(); tile += kTile) {
    TileSlots parameters;
    for (std::size_t i = 0; i < kTile; ++i) {
      parameters[i] = SlotOf(channels, slots[tile + i], low, high);
    }
    tables.general.push_back(GeneralTile(parameters));
    tables.fast.push_back(FastTile(parameters));
  }
}

// The sink of `op`, without its tables' addresses.
Sink SinkOf(const PrepareContext& context, const qnet::Op& op) {
  const qnet::Tensor& output = context.net.tensor(op.output);
  Sink sink;
  sink.output = context.view(op.output);
  sink.width = output.w();
  sink.zero = context.zero(op.output);
  sink.wide = IsWide(output);
  return sink;
}

void AddResidual(const PrepareContext& context, const qnet::Op& op, Sink& sink) {
  if (op.inputs.size() < 2) return;
  sink.has_residual = true;
  sink.residual = context.view(op.inputs[1]);
  sink.residual_zero = context.zero(op.inputs[1]);
}

// The forms that apply to all channels of a sink.
struct Forms {
  bool narrow = true;
  bool fast = true;
};
Forms FormsOf(const ChannelScales& channels) { return {FitsNarrow(channels), FitsFast(channels)}; }

// Keeps the form that applies and points the sink to it.
void Attach(const KernelSet& kernels, Forms forms, RequantizationTables& tables, Sink& sink) {
  if (forms.fast && kernels.fast_requantization && !sink.wide) {
    tables.general.clear();
    sink.fast = tables.fast.data();
  } else {
    tables.fast.clear();
    sink.general = tables.general.data();
    sink.narrow = forms.narrow && !sink.wide;
    sink.has_slopes = std::ranges::any_of(tables.general, [](const Requantization& tile) {
      return !std::ranges::equal(tile.positive, tile.negative);
    });
  }
}

// The input's view by output pixel: where the first tap of its window lies.
View WindowView(const View& input, const qnet::Window& window) {
  return {input.offset - window.ph * input.row - window.pw * input.stride, window.sh * input.row,
          window.sw * input.stride};
}

// The part inside the input of each window along an axis.
std::vector<PoolRange> PoolRanges(std::int32_t in, std::int32_t out, std::int32_t k,
                                  std::int32_t stride, std::int32_t pad, std::int32_t dilation) {
  std::vector<PoolRange> ranges;
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int64_t start = o * stride - pad;
    const std::int64_t skipped = start < 0 ? (-start + dilation - 1) / dilation : 0;
    const std::int64_t end = std::min<std::int64_t>(in, start + std::int64_t{k - 1} * dilation + 1);
    ranges.push_back(
        {static_cast<std::int32_t>(start + skipped * dilation), static_cast<std::int32_t>(end)});
  }
  return ranges;
}

void FillPool(const PrepareContext& context, const qnet::Op& op, const qnet::Window& window,
              PreparedPool& prepared) {
  const qnet::Tensor& input = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  prepared.rows = PoolRanges(input.h(), output.h(), window.kh, window.sh, window.ph, window.dh);
  prepared.columns = PoolRanges(input.w(), output.w(), window.kw, window.sw, window.pw, window.dw);
  PoolStep& step = prepared.step;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.input = context.view(op.inputs[0]);
  step.step_y = window.dh;
  step.step_x = window.dw;
  step.rows = prepared.rows.data();
  step.columns = prepared.columns.data();
  step.zero = context.zero(op.inputs[0]);
  step.sink = SinkOf(context, op);
}

}  // namespace

PreparedConv PrepareConv(const PrepareContext& context, const qnet::Op& op) {
  // Fully connected layers whose weights pass no cache are read in 4 bits.
  constexpr std::int64_t kManyWeights = std::int64_t{1} << 20;
  const auto& conv = std::get<qnet::Conv>(op.params);
  const qnet::Tensor& input = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  PreparedConv prepared;
  ConvStep& step = prepared.step;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.frame_bytes = context.plan.frame_bytes();
  step.input = WindowView(context.view(op.inputs[0]), conv.window);
  const std::uint8_t zero = context.zero(op.inputs[0]);
  const bool squares =
      SquaresPay(context.kernels, input.c(), output) && FitSquares(conv, input.c(), zero);
  const bool nibbles = step.pixels == 1 && std::ssize(conv.terms[0]) >= kManyWeights;
  prepared.packed =
      PackConv(context.kernels, conv, input.c(), output.c(), context.view(op.inputs[0]), zero,
               squares   ? Packing::kSquares
               : nibbles ? Packing::kNibbles
                         : Packing::kEntries);
  const ChannelScales channels = ScalesOf(conv, prepared.packed.sum_bound);
  AppendTable(channels, prepared.packed.slot_channels, Low(output, conv.activation), High(output),
              prepared.tables);
  step.panels = prepared.packed.panels.data();
  step.panel_count = std::ssize(prepared.packed.panels);
  step.offsets = prepared.packed.offsets.data();
  step.weights = prepared.packed.weights.data();
  step.weight_bytes = std::ssize(prepared.packed.weights);
  step.nibbles = prepared.packed.nibbles;
  step.bias = prepared.packed.bias.data();
  step.sink = SinkOf(context, op);
  AddResidual(context, op, step.sink);
  Attach(context.kernels, FormsOf(channels), prepared.tables, step.sink);
  if (squares) {
    step.squares = {output.h(), output.w(), (input.c() + kTile - 1) / kTile * kTile};
    step.pixels = SquaresOf(output.h(), output.w());
    step.sink.width = static_cast<std::int32_t>(SquaresAcross(output.w()));
  }
  const auto row_places = context.kernels.row_places;
  step.row_places = squares || row_places == nullptr ? step.sink.width : row_places(step);
  return prepared;
}

bool IsDepthwise(const qnet::Conv& conv, const qnet::Tensor& input, const qnet::Tensor& output) {
  return conv.groups > 1 && conv.groups == input.c() && conv.groups == output.c();
}

namespace {

// A row of a depthwise window and what of its weights is meant.
struct DepthwiseRow {
  std::int32_t row = 0;
  Part part = Part::kAll;
};

// All rows, where some weights have more bits than the kernels take (|w| is 128 at most) each in
// two parts; a multiple of `together` of them, the last ones without weights.
std::vector<DepthwiseRow> DepthwiseRows(std::int32_t rows, bool large, std::int32_t together) {
  std::vector<DepthwiseRow> list;
  for (std::int32_t row = 0; row < rows; ++row) {
    list.push_back({row, large ? Part::kHalf : Part::kAll});
    if (large) list.push_back({row, Part::kRest});
  }
  while (std::ssize(list) % together != 0) list.push_back({-1});
  return list;
}

}  // namespace

PreparedDepthwise PrepareDepthwise(const PrepareContext& context, const qnet::Op& op) {
  const auto& conv = std::get<qnet::Conv>(op.params);
  const qnet::Window& window = conv.window;
  const qnet::Tensor& output = context.net.tensor(op.output);
  const View& input = context.view(op.inputs[0]);
  const bool bytes = context.kernels.depthwise_rows == 4;  // else pairs of 16 bits
  // A map of one column is computed as a row.
  const bool down = output.w() == 1;
  const std::int64_t across_bytes = window.dw * input.stride, down_bytes = window.dh * input.row;
  std::int32_t kh = down ? window.kw : window.kh, kw = down ? window.kh : window.kw;
  std::int64_t row_bytes = down ? across_bytes : down_bytes;
  const bool turned = kh == 1;  // the taps of a window of one row are the rows of one column
  if (turned) {
    std::swap(kh, kw);
    row_bytes = down ? down_bytes : across_bytes;
  }
  const auto taps = static_cast<std::size_t>(kh) * static_cast<std::size_t>(kw);
  const auto slots = PlainSlots(output.c());
  PreparedDepthwise prepared;
  prepared.bias.resize(slots.size());
  std::vector<std::int16_t> weights(conv.beta.size() * taps);
  std::vector<std::int64_t> sum_bound;
  bool large = false;
  for (std::size_t c = 0; c < conv.beta.size(); ++c) {
    std::int64_t sum = 0, absolute = 0;
    for (std::size_t tap = c * taps; tap < (c + 1) * taps; ++tap) {
      int w = 0;
      for (const auto& term : conv.terms) w += term[tap];
      weights[tap] = static_cast<std::int16_t>(w);
      large |= bytes && std::abs(w) > 127;
      sum += w;
      absolute += std::abs(w);
    }
    prepared.bias[c] = static_cast<std::int32_t>(
        static_cast<std::uint32_t>(conv.beta[c] - context.zero(op.inputs[0]) * sum));
    sum_bound.push_back(absolute * 128 + std::abs(std::int64_t{conv.beta[c]}));
  }
  const auto rows = DepthwiseRows(kh, large, context.kernels.depthwise_rows);
  for (const auto& [row, part] : rows)
    prepared.rows.push_back(static_cast<std::int32_t>(std::max(row, 0) * row_bytes));

  // [tile][column][group][slot][row]: a group and its slots are 64 bytes.
  const auto together = static_cast<std::size_t>(context.kernels.depthwise_rows);
  const std::size_t element = bytes ? 1 : 2;
  const bool swapped = down && !turned;  // rows here are columns of the window
  const std::size_t row_taps = swapped ? 1 : static_cast<std::size_t>(kw);
  const std::size_t column_taps = swapped ? static_cast<std::size_t>(kh) : 1;
  const std::size_t tile_elements = static_cast<std::size_t>(kw) * rows.size() * kTile;
  prepared.weights.resize(slots.size() / kTile * tile_elements * element);
  for (std::size_t c = 0; c < conv.beta.size(); ++c) {
    for (std::size_t kx = 0; kx < static_cast<std::size_t>(kw); ++kx) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].row < 0) continue;
        const std::size_t tap = static_cast<std::size_t>(rows[i].row) * row_taps + kx * column_taps;
        const std::int16_t w = weights[c * taps + tap];
        const std::size_t at = c / kTile * tile_elements + kx * rows.size() * kTile +
                               i / together * together * kTile + c % kTile * together +
                               i % together;
        if (bytes) {
          prepared.weights[at] = PartOf(w, rows[i].part);
        } else {
          std::memcpy(prepared.weights.data() + at * element, &w, sizeof w);
        }
      }
    }
  }
  const ChannelScales channels = ScalesOf(conv, sum_bound);
  AppendTable(channels, slots, Low(output, conv.activation), High(output), prepared.tables);

  DepthwiseStep& step = prepared.step;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.input = WindowView(input, window);
  step.channels = output.c();
  step.groups = static_cast<std::int32_t>(rows.size() / together);
  step.rows = prepared.rows.data();
  step.columns = kw;
  step.stride = down ? window.sh : window.sw;
  step.column_step = turned ? 1 : down ? window.dh : window.dw;
  step.column_bytes = down ? input.row : input.stride;
  step.weights = prepared.weights.data();
  step.bias = prepared.bias.data();
  step.sink = SinkOf(context, op);
  AddResidual(context, op, step.sink);
  if (down) {
    for (View* view : {&step.input, &step.sink.output, &step.sink.residual})
      std::swap(view->row, view->stride);
    step.sink.width = output.h();
  }
  Attach(context.kernels, FormsOf(channels), prepared.tables, step.sink);
  return prepared;
}

PreparedMaxPool PrepareMaxPool(const PrepareContext& context, const qnet::Op& op) {
  PreparedMaxPool prepared;
  FillPool(context, op, std::get<qnet::MaxPool>(op.params).window, prepared);
  return prepared;
}

PreparedAvgPool PrepareAvgPool(const PrepareContext& context, const qnet::Op& op) {
  const auto& pool = std::get<qnet::AvgPool>(op.params);
  const qnet::Tensor& output = context.net.tensor(op.output);
  PreparedAvgPool prepared;
  FillPool(context, op, pool.window, prepared);
  const auto slots = PlainSlots(output.c());
  const std::vector<std::int64_t> sum_bound(static_cast<std::size_t>(output.c()),
                                            std::int64_t{128} * pool.window.kh * pool.window.kw);
  Forms forms;
  for (const auto& scale : pool.scale) {
    const ChannelScales channels{scale, {}, sum_bound};
    AppendTable(channels, slots, Low(output, pool.activation), High(output), prepared.tables);
    const auto [narrow, fast] = FormsOf(channels);
    forms = {forms.narrow && narrow, forms.fast && fast};
  }
  const auto tiles = static_cast<std::int32_t>(slots.size() / kTile);
  for (const std::int32_t h : pool.divisor_h) {
    for (const std::int32_t w : pool.divisor_w) {
      const auto at = std::ranges::lower_bound(pool.divisors, h * w) - pool.divisors.begin();
      prepared.first_tile.push_back(static_cast<std::int32_t>(at) * tiles);
    }
  }
  prepared.step.first_tile = prepared.first_tile.data();
  Attach(context.kernels, forms, prepared.tables, prepared.step.sink);
  return prepared;
}

namespace {

// The exponent of an operand, whose only channel may stand for all.
int QOf(const qnet::Tensor& operand, std::size_t c) {
  return operand.q[operand.q.size() == 1 ? 0 : c];
}

// Where an operand lies whose dims of 1 repeat.
View Repeated(View view, const qnet::Tensor& operand, const qnet::Tensor& output) {
  if (operand.h() < output.h()) view.row = 0;
  if (operand.w() < output.w()) view.stride = 0;
  return view;
}

// (a * 2^-qa + b * 2^-qb) * 2^qo in units of 2^-D, D = max(qa, qb): the sum is an integer below
// 2^48, and one shift by qo - D remains. To the left, anything beyond 17 bits saturates before and
// after a shift by min(qo - D, 17) alike.
void FillAdd(const PrepareContext& context, const qnet::Op& op, qnet::Activation activation,
             PreparedBinary& prepared) {
  constexpr int kEnough = 17;
  const qnet::Tensor& a = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& b = context.net.tensor(op.inputs[1]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  AddStep& step = prepared.step.step;
  step.fits_32 = true;
  for (std::size_t c = 0; c < output.q.size(); ++c) {
    const int d = std::max(QOf(a, c), QOf(b, c));
    const int left = output.q[c] - d;
    prepared.shift_a.push_back(d - QOf(a, c));
    prepared.shift_b.push_back(d - QOf(b, c));
    prepared.left.push_back(std::clamp(left, 0, kEnough));
    prepared.right.push_back(left < 0 ? -left : 0);
    prepared.half.push_back(left < 0 ? std::int64_t{1} << (-left - 1) : 0);
    // The sum is below 2^29 and so is what it is shifted to.
    step.fits_32 =
        step.fits_32 && d - QOf(a, c) <= 20 && d - QOf(b, c) <= 20 && left <= 12 && left >= -30;
  }
  for (std::size_t c = 0; c < output.q.size(); ++c) {
    const bool right = output.q[c] < std::max(QOf(a, c), QOf(b, c));
    prepared.limit.push_back(std::int64_t{1} << (!right ? kEnough : step.fits_32 ? 30 : 62));
  }
  // Kernels read whole tiles.
  const std::size_t slots = (output.q.size() + kTile - 1) / kTile * kTile;
  for (auto* list : {&prepared.shift_a, &prepared.shift_b, &prepared.left, &prepared.right}) {
    list->resize(slots);
  }
  for (auto* list : {&prepared.limit, &prepared.half}) list->resize(slots);

  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.width = output.w();
  step.shift_a = prepared.shift_a.data();
  step.shift_b = prepared.shift_b.data();
  step.limit = prepared.limit.data();
  step.left = prepared.left.data();
  step.half = prepared.half.data();
  step.right = prepared.right.data();
  step.low = Low(output, activation);
  step.high = High(output);
  step.wide = IsWide(output);
  step.a = Repeated(context.view(op.inputs[0]), a, output);
  step.b = Repeated(context.view(op.inputs[1]), b, output);
  step.output = context.view(op.output);
  step.zero_a = context.zero(op.inputs[0]);
  step.zero_b = context.zero(op.inputs[1]);
  step.zero = context.zero(op.output);
}

// A product of two int8 has no shifts before its rounding.
void FillProduct(const qnet::Tensor& a, const qnet::Tensor& b, const qnet::Tensor& output,
                 PreparedBinary& prepared) {
  constexpr int kEnough = 16;  // 1 << 16 saturates, 1 << 14 >> 16 is 0
  for (std::size_t c = 0; c < output.q.size(); ++c) {
    const int left = output.q[c] - QOf(a, c) - QOf(b, c);
    prepared.shift_a[c] = prepared.shift_b[c] = 0;
    prepared.left[c] = std::clamp(left, 0, kEnough);
    prepared.right[c] = std::clamp(-left, 0, kEnough);
    prepared.half[c] = left < 0 ? std::int64_t{1} << (prepared.right[c] - 1) : 0;
    prepared.limit[c] = 1 << 14;
  }
  prepared.step.step.fits_32 = true;
}

void SetNarrow(PreparedBinary& prepared) {
  AddStep& step = prepared.step.step;
  if (!step.fits_32) return;
  prepared.limit_32.assign(prepared.limit.begin(), prepared.limit.end());
  prepared.half_32.assign(prepared.half.begin(), prepared.half.end());
  step.limit_32 = prepared.limit_32.data();
  step.half_32 = prepared.half_32.data();
}

BinaryOp OpOf(qnet::BinaryKind kind) {
  switch (kind) {
    case qnet::BinaryKind::kAdd:
      return BinaryOp::kAdd;
    case qnet::BinaryKind::kSub:
      return BinaryOp::kSub;
    case qnet::BinaryKind::kMul:
      return BinaryOp::kMul;
    case qnet::BinaryKind::kMax:
      return BinaryOp::kMax;
    case qnet::BinaryKind::kMin:
      return BinaryOp::kMin;
  }
  TF2_CHECK(false, "no such operator");
}

}  // namespace

PreparedBinary PrepareAdd(const PrepareContext& context, const qnet::Op& op) {
  PreparedBinary prepared;
  FillAdd(context, op, std::get<qnet::Add>(op.params).activation, prepared);
  SetNarrow(prepared);
  return prepared;
}

std::optional<PreparedBinary> PrepareBinary(const PrepareContext& context, const qnet::Op& op) {
  const auto& params = std::get<qnet::Binary>(op.params);
  const qnet::Tensor& a = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& b = context.net.tensor(op.inputs[1]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  PreparedBinary prepared;
  FillAdd(context, op, params.activation, prepared);
  if (params.kind == qnet::BinaryKind::kMul) FillProduct(a, b, output, prepared);
  BinaryStep& binary = prepared.step;
  binary.op = OpOf(params.kind);
  binary.one_a = a.c() < output.c();
  binary.one_b = b.c() < output.c();
  if (binary.op != BinaryOp::kAdd && !binary.step.fits_32) return {};
  SetNarrow(prepared);
  return prepared;
}

PreparedTable PrepareTable(const PrepareContext& context, const qnet::Op& op) {
  const auto& table = std::get<qnet::Table>(op.params);
  const qnet::Tensor& output = context.net.tensor(op.output);
  const int zero_in = context.zero(op.inputs[0]);
  const int zero_out = context.zero(op.output);
  PreparedTable prepared;
  for (int byte = 0; byte < 256; ++byte) {
    // With zero 0 bytes above 127 do not occur.
    const int v = table.values[static_cast<std::size_t>(std::min(byte - zero_in + 128, 255))];
    prepared.bytes.push_back(static_cast<std::uint8_t>(std::clamp(v, -128, 127) + zero_out));
    prepared.words.push_back(static_cast<std::uint16_t>(v));
  }
  TableStep& step = prepared.step;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.channels = output.c();
  step.width = output.w();
  step.wide = IsWide(output);
  step.bytes = prepared.bytes.data();
  step.words = prepared.words.data();
  step.input = context.view(op.inputs[0]);
  step.output = context.view(op.output);
  return prepared;
}

PreparedLrn PrepareLrn(const PrepareContext& context, const qnet::Op& op) {
  const auto& lrn = std::get<qnet::Lrn>(op.params);
  const qnet::Tensor& tensor = context.net.tensor(op.output);
  PreparedLrn prepared;
  prepared.factors = LrnTable(lrn);
  LrnStep& step = prepared.step;
  step.pixels = std::int64_t{tensor.h()} * tensor.w();
  step.channels = tensor.c();
  step.width = tensor.w();
  step.size = lrn.size;
  step.factors = prepared.factors.data();
  step.unit = std::ldexp(1, -lrn.shift);
  step.input = context.view(op.inputs[0]);
  step.output = context.view(op.output);
  step.zero_in = context.zero(op.inputs[0]);
  step.zero_out = context.zero(op.output);
  return prepared;
}

}  // namespace tf2::runtime::cpu
