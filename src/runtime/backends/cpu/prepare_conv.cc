// Packing of convolution weights into tiles of 16 output channels and groups of 4 input channels.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "runtime/backends/cpu/prepare.h"

namespace tf2::runtime::cpu {
namespace {

// Sizes of one convolution, in elements, channels and tiles.
struct Shape {
  std::int32_t groups = 1;
  std::int32_t ic = 0;  // of a group
  std::int32_t oc = 0;  // of a group
  std::int32_t taps = 0;
  std::int32_t groups_of_4 = 0;
  std::int32_t tiles = 0;  // of a group
  std::int32_t planes = 1;

  std::size_t AllTiles() const {
    return static_cast<std::size_t>(groups) * static_cast<std::size_t>(tiles);
  }
};

Shape ShapeOf(const qnet::Conv& conv, const qnet::Tensor& input, const qnet::Tensor& output) {
  Shape shape;
  shape.groups = conv.groups;
  shape.ic = input.c() / conv.groups;
  shape.oc = output.c() / conv.groups;
  shape.taps = conv.window.kh * conv.window.kw;
  shape.groups_of_4 = (shape.ic + kGroup - 1) / kGroup;
  shape.tiles = (shape.oc + kTile - 1) / kTile;
  return shape;
}

// The sum of the terms of each weight, [oc][ic of a group][tap].
std::vector<std::int32_t> SumTerms(const qnet::Conv& conv) {
  std::vector<std::int32_t> sums(conv.terms[0].size());
  for (const auto& term : conv.terms) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += term[i];
  }
  return sums;
}

std::int32_t PlanesNeeded(std::span<const std::int32_t> weights, std::int32_t limit) {
  std::int32_t planes = 1;
  for (const std::int32_t w : weights) planes = std::max(planes, (std::abs(w) + limit - 1) / limit);
  return planes;
}

// Position of a weight in its block of 64.
int InBlock(const KernelSet& kernels, int o, int i) {
  const int lanes = kernels.transposed_lanes;
  if (lanes == 0) return o * kGroup + i;
  return (o / lanes * kGroup + i) * lanes + o % lanes;
}

// [group, tile][plane][tap][group of 4][64].
template <typename Weight>
AlignedBuffer Pack(const KernelSet& kernels, const Shape& shape,
                   std::span<const std::int32_t> weights) {
  const auto blocks =
      static_cast<std::int64_t>(shape.AllTiles()) * shape.planes * shape.taps * shape.groups_of_4;
  AlignedBuffer buffer(static_cast<std::size_t>(blocks) * kTile * kGroup * sizeof(Weight));
  const auto put = [&](std::int64_t index, std::int32_t value) {
    const auto narrow = static_cast<Weight>(value);
    std::memcpy(buffer.data() + index * static_cast<std::int64_t>(sizeof(Weight)), &narrow,
                sizeof narrow);
  };
  std::size_t next = 0;
  for (std::int32_t o = 0; o < shape.groups * shape.oc; ++o) {
    const std::int32_t lane = o % shape.oc;
    const std::int64_t tile = std::int64_t{o / shape.oc} * shape.tiles + lane / kTile;
    for (std::int32_t i = 0; i < shape.ic; ++i) {
      for (std::int32_t tap = 0; tap < shape.taps; ++tap) {
        std::int32_t rest = weights[next++];
        for (std::int32_t plane = 0; plane < shape.planes; ++plane) {
          const std::int32_t part = std::clamp(rest, -kernels.weight_limit, kernels.weight_limit);
          rest -= part;
          const std::int64_t block =
              ((tile * shape.planes + plane) * shape.taps + tap) * shape.groups_of_4 + i / kGroup;
          put(block * kTile * kGroup + InBlock(kernels, lane % kTile, i % kGroup), part);
        }
      }
    }
  }
  return buffer;
}

// beta, with what the kernel's offset of 128 adds taken off, modulo 2^32; [tile][16].
std::vector<std::int32_t> PackBias(const KernelSet& kernels, const qnet::Conv& conv,
                                   std::span<const std::int32_t> channels,
                                   std::span<const std::int32_t> weights) {
  const std::size_t row = weights.size() / conv.beta.size();
  std::vector<std::int32_t> bias;
  for (const std::int32_t c : channels) {
    if (c < 0) {
      bias.push_back(0);
      continue;
    }
    std::int64_t value = conv.beta[static_cast<std::size_t>(c)];
    if (kernels.offset_128) {
      for (const std::int32_t w : weights.subspan(static_cast<std::size_t>(c) * row, row)) {
        value -= std::int64_t{128} * w;
      }
    }
    bias.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(value)));
  }
  return bias;
}

// The output channel of each slot of the tiles; -1 for padding.
std::vector<std::int32_t> SlotChannels(const Shape& shape) {
  std::vector<std::int32_t> channels(shape.AllTiles() * kTile, -1);
  for (std::int32_t o = 0; o < shape.groups * shape.oc; ++o) {
    const std::int32_t slot = o / shape.oc * shape.tiles * kTile + o % shape.oc;
    channels[static_cast<std::size_t>(slot)] = o;
  }
  return channels;
}

// Splits each group's tiles into the fewest panels, of sizes as equal as possible.
std::vector<Panel> MakePanels(const KernelSet& kernels, const Shape& shape) {
  std::vector<Panel> panels;
  const std::int32_t count = (shape.tiles + kernels.panel_tiles - 1) / kernels.panel_tiles;
  for (std::int32_t group = 0; group < shape.groups; ++group) {
    std::int32_t tile = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int32_t size = (shape.tiles - tile + count - i - 1) / (count - i);
      panels.push_back({.first_tile = group * shape.tiles + tile,
                        .tiles = size,
                        .in_channel = group * shape.ic,
                        .out_channel = group * shape.oc + tile * kTile,
                        .channels = std::min(size * kTile, shape.oc - tile * kTile)});
      tile += size;
    }
  }
  return panels;
}

}  // namespace

PreparedConv PrepareConv(const PrepareContext& context, const qnet::Op& op) {
  // Below this many pixels a tile would mostly repeat its last one.
  constexpr std::int64_t kFewPixels = 4;
  const auto& conv = std::get<qnet::Conv>(op.params);
  const KernelSet& kernels = context.kernels;
  const qnet::Tensor& input = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& output = context.net.tensor(op.output);
  const std::vector<std::int32_t> weights = SumTerms(conv);
  Shape shape = ShapeOf(conv, input, output);
  shape.planes = PlanesNeeded(weights, kernels.weight_limit);
  const auto channels = SlotChannels(shape);

  PreparedConv prepared;
  ConvStep& step = prepared.step;
  step.taps = shape.taps;
  step.groups_of_4 = shape.groups_of_4;
  step.planes = shape.planes;
  step.pixels = std::int64_t{output.h()} * output.w();
  step.pixels_per_tile = step.pixels < kFewPixels ? 1 : kernels.tile_pixels;
  prepared.offsets = WindowOffsets(input, context.view(op.inputs[0]), conv.window, output,
                                   step.pixels_per_tile, context.plan.zeros);
  prepared.weights = kernels.weight_bytes == 1 ? Pack<std::int8_t>(kernels, shape, weights)
                                               : Pack<std::int16_t>(kernels, shape, weights);
  prepared.bias = PackBias(kernels, conv, channels, weights);
  prepared.panels = MakePanels(kernels, shape);
  prepared.table.emplace_back(conv.scale, conv.t, channels);
  step.offsets = prepared.offsets.data();
  step.weights = prepared.weights.data();
  step.bias = prepared.bias.data();
  step.panels = prepared.panels.data();
  step.requantization = prepared.table[0].view(conv.activation == qnet::Activation::kRelu,
                                               output.type == qnet::ElemType::kInt16);
  step.output = context.view(op.output);
  if (op.inputs.size() > 1) step.residual = context.view(op.inputs[1]);
  return prepared;
}

}  // namespace tf2::runtime::cpu
