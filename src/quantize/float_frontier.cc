#include "quantize/float_frontier.h"

#include <algorithm>

#include "base/parallel.h"

namespace tf2::quantize {
namespace {

// Values lie in memory as floats. Integers, of a QuantizeLinear for instance, are exact up to this.
constexpr std::int64_t kExactAsFloat = std::int64_t{1} << 24;

ir::Tensor TensorOfSample(const ir::Value& value, const float* data) {
  const float* const end = data + ir::ElementCount(value.shape);
  if (value.dtype == ir::DType::kFloat32)
    return ir::Tensor::Float(value.shape, std::vector<float>(data, end));
  return ir::Tensor::Int(value.shape, std::vector<std::int64_t>(data, end));
}

Status StoreAsFloats(const ir::Tensor& tensor, float* to) {
  std::ranges::copy(tensor.f32, to);
  for (const std::int64_t v : tensor.i64) {
    if (v < -kExactAsFloat || v > kExactAsFloat)
      return WithHint(Unsupported("the integer {} is too large for compensated rounding", v),
                      "quantise with --method nearest");
    *to++ = static_cast<float>(v);
  }
  return {};
}

}  // namespace

FloatFrontier::FloatFrontier(const ir::Graph& graph, FrontierMemory& memory, std::size_t count,
                             int threads, const std::vector<ir::ValueId>& wanted)
    : graph_(graph),
      memory_(memory),
      count_(count),
      threads_(threads),
      executor_(graph),
      values_(graph.values.size()),
      uses_(graph.values.size(), 0),
      needed_(graph.nodes.size(), false) {
  for (const ir::ValueId id : wanted) ++uses_[Index(id)];
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const ir::Node& node = graph.nodes[n];
    needed_[n] =
        std::ranges::any_of(node.outputs, [&](ir::ValueId id) { return uses_[Index(id)] > 0; });
    if (!needed_[n]) continue;
    for (const ir::ValueId id : node.inputs) {
      if (id != ir::kNoValue) ++uses_[Index(id)];
    }
  }
}

Result<Frontier*> FloatFrontier::Input(ir::ValueId id) {
  Frontier& frontier = values_[Index(id)];
  const auto elements = static_cast<std::size_t>(ir::ElementCount(graph_.value(id).shape));
  TF2_ASSIGN_OR_RETURN(frontier, Frontier::Make(memory_, count_, elements * 4));
  return &frontier;
}

Result<const Frontier*> FloatFrontier::Get(ir::ValueId id) {
  while (values_[Index(id)].empty()) {
    TF2_CHECK(next_node_ < graph_.nodes.size(), "{} was not wanted", graph_.value(id).name);
    if (needed_[next_node_]) TF2_RETURN_IF_ERROR(RunNode(next_node_));
    ++next_node_;
  }
  return &values_[Index(id)];
}

void FloatFrontier::Done(ir::ValueId id) {
  if (--uses_[Index(id)] == 0) values_[Index(id)] = Frontier();
}

Status FloatFrontier::RunNode(std::size_t index) {
  const ir::Node& node = graph_.nodes[index];
  const ir::ValueId out = node.outputs[0];
  const ir::Value& value = graph_.value(out);
  const auto elements = static_cast<std::size_t>(ir::ElementCount(value.shape));
  TF2_ASSIGN_OR_RETURN(Frontier result, Frontier::Make(memory_, count_, elements * 4));
  TF2_RETURN_IF_ERROR(
      ParallelForStatus(static_cast<std::int64_t>(count_), threads_, [&](std::int64_t i) -> Status {
        const auto sample = static_cast<std::size_t>(i);
        std::vector<ir::Tensor> tensors(node.inputs.size());
        std::vector<const ir::Tensor*> args;
        for (std::size_t k = 0; k < node.inputs.size(); ++k) {
          const ir::ValueId id = node.inputs[k];
          args.push_back(nullptr);
          if (id == ir::kNoValue || graph_.IsConstant(id)) continue;
          tensors[k] = TensorOfSample(graph_.value(id), values_[Index(id)].Floats(sample));
          args.back() = &tensors[k];
        }
        TF2_ASSIGN_OR_RETURN(const ir::Tensor y, executor_.RunNode(index, args));
        auto stored = StoreAsFloats(y, result.Floats(sample));
        return stored.ok() ? stored : std::move(stored.error()).At(value.name);
      }));
  values_[Index(out)] = std::move(result);
  for (const ir::ValueId id : node.inputs) {
    if (id != ir::kNoValue && !graph_.IsConstant(id)) Done(id);
  }
  return {};
}

}  // namespace tf2::quantize
