#include "quantize/per_channel.h"

#include <algorithm>
#include <cmath>

#include "ir/op_table.h"

namespace tf2::quantize {
namespace {

using ir::Node;
using ir::OpKind;

Result<PerChannel> BatchNormOf(const ir::Graph& graph, const Node& node, PerChannel map) {
  TF2_ASSIGN_OR_RETURN(const auto mean, ConstantOf(graph, node, 1));
  TF2_ASSIGN_OR_RETURN(const auto variance, ConstantOf(graph, node, 2));
  TF2_ASSIGN_OR_RETURN(const auto gamma, ConstantOf(graph, node, 3));
  TF2_ASSIGN_OR_RETURN(const auto beta, ConstantOf(graph, node, 4));
  for (std::size_t c = 0; c < map.factor.size(); ++c) {
    map.factor[c] =
        (gamma.empty() ? 1.0F : gamma[c]) / std::sqrt(variance[c] + node.Float("epsilon"));
    map.shift[c] = (beta.empty() ? 0.0F : beta[c]) - mean[c] * map.factor[c];
  }
  return map;
}

}  // namespace

Error Refuse(const Node& node, std::string message, std::string hint) {
  return WithHint(Unsupported("{} cannot be quantised: {}", ir::NameOf(node.kind), message),
                  std::move(hint))
      .At(node.name);
}

Result<std::vector<float>> ConstantOf(const ir::Graph& graph, const Node& node, std::size_t i) {
  if (!node.HasInput(i)) return std::vector<float>{};
  if (!graph.IsConstant(node.inputs[i])) {
    return Refuse(node, fmt::format("input {} is computed at run time", i),
                  "tf2 needs constant weights; fold them before export");
  }
  return graph.constant(node.inputs[i]).f32;
}

Result<std::vector<float>> ChannelConstant(const ir::Graph& graph, const Node& node, std::size_t i,
                                           std::size_t channels) {
  TF2_ASSIGN_OR_RETURN(const auto k, ConstantOf(graph, node, i));
  if (k.size() == 1) return std::vector<float>(channels, k[0]);
  // Its dimension that meets the channel holds everything.
  const ir::Shape& shape = graph.value(node.inputs[i]).shape;
  const std::size_t rank = graph.value(node.outputs[0]).shape.size();
  const std::size_t after_channel = rank - 2;
  if (k.size() == channels && shape.size() > after_channel &&
      static_cast<std::size_t>(shape[shape.size() - 1 - after_channel]) == channels) {
    return k;
  }
  return Refuse(
      node,
      fmt::format("the constant of shape {} is not one number a channel", ir::ToString(shape)),
      "fold it into the layer before it");
}

Result<PerChannel> PerChannelOf(const ir::Graph& graph, const Node& node, std::size_t data,
                                std::size_t channels) {
  PerChannel map{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F)};
  if (node.kind == OpKind::kRelu || node.kind == OpKind::kPad) return map;
  if (node.kind == OpKind::kScale) {
    TF2_ASSIGN_OR_RETURN(const auto factor, ConstantOf(graph, node, 1));
    TF2_ASSIGN_OR_RETURN(const auto shift, ConstantOf(graph, node, 2));
    if (!factor.empty()) map.factor = factor;
    if (!shift.empty()) map.shift = shift;
    return map;
  }
  if (node.kind == OpKind::kBatchNorm) return BatchNormOf(graph, node, std::move(map));
  TF2_ASSIGN_OR_RETURN(const auto k, ChannelConstant(graph, node, 1 - data, channels));
  if (node.kind == OpKind::kDiv && (data != 0 || std::ranges::find(k, 0.0F) != k.end())) {
    return Refuse(node, "it divides by a run-time value or by zero",
                  "rewrite it as a multiplication by a constant");
  }
  for (std::size_t c = 0; c < channels; ++c) {
    if (node.kind == OpKind::kMul) map.factor[c] = k[c];
    if (node.kind == OpKind::kDiv) map.factor[c] = 1.0F / k[c];
    if (node.kind == OpKind::kAdd) map.shift[c] = k[c];
    if (node.kind == OpKind::kSub) {
      map.factor[c] = data == 0 ? 1.0F : -1.0F;
      map.shift[c] = data == 0 ? -k[c] : k[c];
    }
  }
  return map;
}

}  // namespace tf2::quantize
