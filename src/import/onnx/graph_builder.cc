#include "import/onnx/graph_builder.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace tf2::import::onnx {
namespace {

// `name`, or name.1, name.2, ...: the first that `taken` does not hold, which it then does.
std::string MakeUnique(std::string_view name, std::string_view fallback,
                       std::unordered_set<std::string>& taken) {
  std::string result(name.empty() ? fallback : name);
  const std::string stem = result;
  for (int i = 1; !taken.insert(result).second; ++i) result = fmt::format("{}.{}", stem, i);
  return result;
}

// Operators whose output has the elements of their input in the same order.
bool OnlyReshapes(ir::OpKind kind) {
  return kind == ir::OpKind::kReshape || kind == ir::OpKind::kFlatten ||
         kind == ir::OpKind::kUnsqueeze || kind == ir::OpKind::kSqueeze ||
         kind == ir::OpKind::kIdentity;
}

}  // namespace

ir::ValueId GraphBuilder::AddValue(std::string_view name, ir::DType dtype, ir::Shape shape,
                                   bool fixed) {
  ir::Value value;
  value.name = MakeUnique(name, "value", value_names_);
  value.dtype = dtype;
  value.shape = std::move(shape);
  graph_.values.push_back(std::move(value));
  fixed_.push_back(fixed);
  return ir::ValueId(static_cast<std::int32_t>(graph_.values.size() - 1));
}

ir::ValueId GraphBuilder::AddInput(std::string_view name, ir::DType dtype, ir::Shape shape) {
  const ir::ValueId id = AddValue(name, dtype, std::move(shape), false);
  graph_.inputs.push_back(id);
  return id;
}

Status GraphBuilder::Reserve(ir::DType dtype, std::int64_t count) const {
  const std::int64_t each = dtype == ir::DType::kFloat32 ? 4 : 8;
  if (count <= (max_constant_bytes_ - constant_bytes_) / each) return {};
  return ResourceExhausted("the constants of the model need more than {} MiB",
                           max_constant_bytes_ >> 20);
}

Result<ir::ValueId> GraphBuilder::AddConstant(std::string_view name, ir::Tensor tensor) {
  const auto count = static_cast<std::int64_t>(tensor.f32.size() + tensor.i64.size());
  TF2_RETURN_IF_ERROR(Reserve(tensor.dtype, count));
  constant_bytes_ += count * (tensor.dtype == ir::DType::kFloat32 ? 4 : 8);
  const ir::ValueId id = AddValue(name, tensor.dtype, tensor.shape, true);
  if (tensor.dtype == ir::DType::kInt64) known_.emplace(id, tensor);
  graph_.value(id).constant = std::make_shared<const ir::Tensor>(std::move(tensor));
  return id;
}

Result<ir::Value> GraphBuilder::InferOutput(const ir::Node& node) const {
  ir::Graph alone;
  ir::Node copy = node;
  for (ir::ValueId& id : copy.inputs) {
    if (id == ir::kNoValue) continue;
    alone.values.push_back(graph_.value(id));
    ir::Value& value = alone.values.back();
    if (const ir::Tensor* ints = KnownInts(id); ints != nullptr && value.constant == nullptr)
      value.constant = std::make_shared<const ir::Tensor>(*ints);
    id = ir::ValueId(static_cast<std::int32_t>(alone.values.size() - 1));
    if (value.constant == nullptr) alone.inputs.push_back(id);
  }
  alone.values.emplace_back();
  const auto out = ir::ValueId(static_cast<std::int32_t>(alone.values.size() - 1));
  copy.outputs = {out};
  alone.nodes.push_back(std::move(copy));
  Status status = ir::InferShapes(alone);
  if (!status.ok()) return std::move(status.error());
  return alone.value(out);
}

Result<ir::ValueId> GraphBuilder::Emit(ir::OpKind kind, std::string_view node_name,
                                       std::string_view value_name, std::vector<ir::ValueId> inputs,
                                       AttrMap attrs) {
  ir::Node node;
  node.kind = kind;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  auto inferred = InferOutput(node);
  if (!inferred.ok()) {
    inferred.error().location.clear();  // the caller names the node as the model does
    return std::move(inferred.error());
  }
  if (OnlyReshapes(kind) && graph_.IsConstant(node.inputs[0])) {
    ir::Tensor tensor = graph_.constant(node.inputs[0]);
    tensor.shape = std::move(inferred->shape);
    return AddConstant(value_name, std::move(tensor));
  }
  const bool fixed = std::all_of(node.inputs.begin(), node.inputs.end(), [this](ir::ValueId id) {
    return id == ir::kNoValue || IsFixed(id);
  });
  auto ints = ir::EvaluateInts({graph_, node, known_}, {inferred->shape, inferred->dtype});
  const ir::ValueId out = AddValue(value_name, inferred->dtype, inferred->shape, fixed);
  if (ints) known_.emplace(out, *std::move(ints));
  node.name = MakeUnique(node_name, "node", node_names_);
  node.outputs = {out};
  graph_.nodes.push_back(std::move(node));
  return out;
}

const ir::Tensor* GraphBuilder::Constant(ir::ValueId id) const {
  return graph_.IsConstant(id) ? &graph_.constant(id) : nullptr;
}

const ir::Tensor* GraphBuilder::KnownInts(ir::ValueId id) const {
  const auto it = known_.find(id);
  return it == known_.end() ? nullptr : &it->second;
}

Result<ir::Graph> GraphBuilder::Finish() {
  std::vector<bool> used(graph_.values.size(), false);
  const auto mark = [&used](const std::vector<ir::ValueId>& ids) {
    for (ir::ValueId id : ids) {
      if (id != ir::kNoValue) used[ir::Index(id)] = true;
    }
  };
  mark(graph_.inputs);
  mark(graph_.outputs);
  for (const ir::Node& node : graph_.nodes) {
    mark(node.inputs);
    mark(node.outputs);
  }
  std::vector<ir::Value> kept;
  std::vector<ir::ValueId> moved(graph_.values.size(), ir::kNoValue);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    moved[i] = ir::ValueId(static_cast<std::int32_t>(kept.size()));
    kept.push_back(std::move(graph_.values[i]));
  }
  const auto renumber = [&moved](std::vector<ir::ValueId>& ids) {
    for (ir::ValueId& id : ids) {
      if (id != ir::kNoValue) id = moved[ir::Index(id)];
    }
  };
  renumber(graph_.inputs);
  renumber(graph_.outputs);
  for (ir::Node& node : graph_.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  graph_.values = std::move(kept);
  TF2_RETURN_IF_ERROR(ir::InferShapes(graph_));
  TF2_RETURN_IF_ERROR(ir::Verify(graph_));
  graph_.macs = ir::CountMacs(graph_);
  return std::exchange(graph_, {});
}

}  // namespace tf2::import::onnx
