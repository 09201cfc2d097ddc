#include "runtime/backends/cpu/pixel_norm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "interp/interpreter.h"
#include "interp/wide.h"
#include "numerics/quantize_row.h"

namespace tf2::runtime::cpu {
namespace {

using ir::OpKind;

// Indices are floats while they are moved.
constexpr std::int64_t kMostElements = std::int64_t{1} << 24;

bool Moves(const ir::Node& node) {
  switch (node.kind) {
    case OpKind::kTranspose:
    case OpKind::kReshape:
    case OpKind::kFlatten:
    case OpKind::kIdentity:
    case OpKind::kSqueeze:
    case OpKind::kUnsqueeze:
      return true;
    default:
      return false;
  }
}

ir::Tensor Indices(const ir::Shape& shape) {
  std::vector<float> data(static_cast<std::size_t>(ir::ElementCount(shape)));
  std::iota(data.begin(), data.end(), 0.0F);
  return ir::Tensor::Float(shape, std::move(data));
}

// What elements move where before the normalisation, and what after it.
struct Movement {
  const ir::Node* norm = nullptr;
  std::vector<float> before;  // element of the graph's input, by element of layer_norm's
  std::vector<float> after;   // element of layer_norm's result, by element of the graph's output
};

// Whether `graph` is a chain of one layer_norm and operators that move elements.
bool IsChainOfOneNorm(const ir::Graph& graph) {
  ir::ValueId value = graph.inputs[0];
  int norms = 0;
  for (const ir::Node& node : graph.nodes) {
    if (node.inputs[0] != value) return false;
    if (node.kind == OpKind::kLayerNorm) {
      ++norms;
    } else if (!Moves(node)) {
      return false;
    }
    value = node.outputs[0];
  }
  return norms == 1 && graph.outputs[0] == value;
}

std::optional<Movement> MovementOf(const ir::Graph& graph) {
  if (!IsChainOfOneNorm(graph)) return std::nullopt;
  Movement movement;
  ir::Tensor indices = Indices(graph.value(graph.inputs[0]).shape);
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == OpKind::kLayerNorm) {
      movement.norm = &node;
      movement.before = std::move(indices.f32);
      indices = Indices(graph.value(node.outputs[0]).shape);
      continue;
    }
    std::vector<const ir::Tensor*> inputs = {&indices};
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      inputs.push_back(node.HasInput(i) ? graph.value(node.inputs[i]).constant.get() : nullptr);
    auto moved = interp::RunNode(graph, node, inputs);
    if (!moved.ok()) return std::nullopt;
    indices = *std::move(moved);
  }
  movement.after = std::move(indices.f32);
  return movement;
}

// Where pixel i of a tensor begins.
std::int32_t PlaceOf(std::int64_t pixel, const qnet::Tensor& tensor, const View& view) {
  return static_cast<std::int32_t>(view.offset + pixel / tensor.w() * view.row +
                                   pixel % tensor.w() * view.stride);
}

// The values of an optional parameter of as many channels; nothing where it has another form.
std::optional<std::vector<float>> Parameter(const ir::Graph& graph, const ir::Node& node,
                                            std::size_t input, std::int64_t channels) {
  if (!node.HasInput(input)) return std::vector<float>();
  const ir::Tensor* const constant = graph.value(node.inputs[input]).constant.get();
  if (constant == nullptr || std::ssize(constant->f32) != channels) return std::nullopt;
  return constant->f32;
}

}  // namespace

std::optional<PixelNorm> PixelNormOf(const PrepareContext& context, const qnet::Op& op,
                                     std::int64_t most_bytes) {
  const auto* const host = std::get_if<qnet::Host>(&op.params);
  if (host == nullptr || op.inputs.size() != 1) return std::nullopt;
  const qnet::Tensor& in = context.net.tensor(op.inputs[0]);
  const qnet::Tensor& out = context.net.tensor(op.output);
  const std::int64_t channels = in.c();
  const std::int64_t pixels = in.elements() / channels;
  const auto places = 2 * pixels * static_cast<std::int64_t>(sizeof(std::int32_t));
  if (in.elements() > kMostElements || places > most_bytes || channels > kMostNormChannels ||
      out.type != qnet::ElemType::kInt8 || out.c() != channels) {
    return std::nullopt;
  }
  const ir::Graph& graph = host->graph.graph();
  const std::optional<Movement> movement = MovementOf(graph);
  if (!movement) return std::nullopt;
  PixelNorm norm;
  auto gamma = Parameter(graph, *movement->norm, 1, channels);
  auto beta = Parameter(graph, *movement->norm, 2, channels);
  const ir::Shape& shape = graph.value(movement->norm->outputs[0]).shape;
  const auto axis = movement->norm->Int("axis");
  if (!gamma || !beta || (axis != -1 && axis + 1 != std::ssize(shape)) ||
      shape.back() != channels) {
    return std::nullopt;
  }
  norm.gamma = *std::move(gamma);
  norm.beta = *std::move(beta);
  const std::vector<float>& before = movement->before;
  const std::vector<float>& after = movement->after;
  const auto at = [](const std::vector<float>& indices, std::int64_t i) {
    return static_cast<std::int64_t>(indices[static_cast<std::size_t>(i)]);
  };
  for (std::int64_t p = 0; p < pixels; ++p) {
    // Pixel p of the output is this row of layer_norm, and that is this pixel of the input.
    const std::int64_t row = at(after, p) / channels;
    const std::int64_t source = at(before, row * channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      if (at(after, c * pixels + p) != row * channels + c ||
          at(before, row * channels + c) != c * pixels + source) {
        return std::nullopt;
      }
    }
    norm.from.push_back(PlaceOf(source, in, context.view(op.inputs[0])));
    norm.to.push_back(PlaceOf(p, out, context.view(op.output)));
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    norm.units.push_back(std::ldexp(1.0F, -in.q[static_cast<std::size_t>(c)]));
    norm.scales.push_back(std::ldexp(1.0F, out.q[static_cast<std::size_t>(c)]));
  }
  norm.epsilon = movement->norm->Float("epsilon");
  norm.wide = in.type == qnet::ElemType::kInt16;
  norm.zero_in = context.zero(op.inputs[0]);
  norm.zero_out = context.zero(op.output);
  return norm;
}

void Normalize(const PixelNorm& norm, Range pixels, std::uint8_t* arena) {
  // Loops of threads must not throw, as vectors may.
  const std::size_t channels = norm.units.size();
  float x[kMostNormChannels], y[kMostNormChannels];
  std::int8_t results[kMostNormChannels];
  const float* const gamma = norm.gamma.empty() ? nullptr : norm.gamma.data();
  const float* const beta = norm.beta.empty() ? nullptr : norm.beta.data();
  for (std::int64_t i = pixels.begin; i < pixels.end; ++i) {
    const std::uint8_t* const from = arena + norm.from[static_cast<std::size_t>(i)];
    std::uint8_t* const to = arena + norm.to[static_cast<std::size_t>(i)];
    if (norm.wide) {
      for (std::size_t c = 0; c < channels; ++c) {
        const auto half = static_cast<std::int16_t>(from[2 * c] | from[2 * c + 1] << 8);
        x[c] = static_cast<float>(half) * norm.units[c];
      }
    } else {
      for (std::size_t c = 0; c < channels; ++c) {
        const auto byte = static_cast<std::uint8_t>(from[c] - norm.zero_in);
        x[c] = static_cast<float>(static_cast<std::int8_t>(byte)) * norm.units[c];
      }
    }
    interp::LayerNormRow(x, static_cast<std::int64_t>(channels), norm.epsilon, gamma, beta, y);
    // Exact but where the result is the same: what overflows saturates, what underflows is 0.
    for (std::size_t c = 0; c < channels; ++c) y[c] *= norm.scales[c];
    numerics::QuantizeRow({y, channels}, 0, results);
    for (std::size_t c = 0; c < channels; ++c)
      to[c] = static_cast<std::uint8_t>(results[c] + norm.zero_out);
  }
}

}  // namespace tf2::runtime::cpu
