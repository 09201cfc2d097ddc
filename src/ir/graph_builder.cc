#include "ir/graph_builder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "ir/shape_math.h"

namespace tf2::ir {
namespace {

// `name`, or name.1, name.2, ...: the first that `taken` does not hold, which it then does.
std::string MakeUnique(std::string_view name, std::string_view fallback,
                       std::unordered_map<std::string, int>& taken) {
  std::string stem(name.empty() ? fallback : name);
  if (taken.emplace(stem, 0).second) return stem;
  for (int& i = taken[stem];;) {
    std::string candidate = fmt::format("{}.{}", stem, ++i);
    if (!taken.contains(candidate)) {
      taken.emplace(candidate, 0);
      return candidate;
    }
  }
}

// Operators whose output has the elements of their input in the same order.
bool OnlyReshapes(OpKind kind) {
  return kind == OpKind::kReshape || kind == OpKind::kFlatten || kind == OpKind::kUnsqueeze ||
         kind == OpKind::kSqueeze || kind == OpKind::kIdentity;
}

}  // namespace

ValueId GraphBuilder::AddValue(std::string_view name, DType dtype, Shape shape, bool fixed) {
  Value value;
  value.name = MakeUnique(name, "value", value_names_);
  value.dtype = dtype;
  value.shape = std::move(shape);
  graph_.values.push_back(std::move(value));
  fixed_.push_back(fixed);
  return ValueId(static_cast<std::int32_t>(graph_.values.size() - 1));
}

ValueId GraphBuilder::AddInput(std::string_view name, DType dtype, Shape shape) {
  const ValueId id = AddValue(name, dtype, std::move(shape), false);
  graph_.inputs.push_back(id);
  return id;
}

Status GraphBuilder::Reserve(DType dtype, std::int64_t count) const {
  const std::int64_t each = dtype == DType::kFloat32 ? 4 : 8;
  if (count <= (max_constant_bytes_ - constant_bytes_) / each) return {};
  return ResourceExhausted("the constants of the model need more than {} MiB",
                           max_constant_bytes_ >> 20);
}

Result<ValueId> GraphBuilder::AddConstant(std::string_view name, Tensor tensor) {
  const auto count = static_cast<std::int64_t>(tensor.f32.size() + tensor.i64.size());
  TF2_RETURN_IF_ERROR(Reserve(tensor.dtype, count));
  constant_bytes_ += count * (tensor.dtype == DType::kFloat32 ? 4 : 8);
  const ValueId id = AddValue(name, tensor.dtype, tensor.shape, true);
  const bool known = tensor.dtype == DType::kInt64 || count <= kLargestKnown;
  const auto shared = std::make_shared<const Tensor>(std::move(tensor));
  graph_.value(id).constant = shared;
  if (known) known_.emplace(id, shared);
  return id;
}

Result<Value> GraphBuilder::InferOutput(const Node& node) const {
  Graph alone;
  Node copy = node;
  for (ValueId& id : copy.inputs) {
    if (id == kNoValue) continue;
    alone.values.push_back(graph_.value(id));
    Value& value = alone.values.back();
    if (const auto it = known_.find(id); it != known_.end()) value.constant = it->second;
    id = ValueId(static_cast<std::int32_t>(alone.values.size() - 1));
    if (value.constant == nullptr) alone.inputs.push_back(id);
  }
  alone.values.emplace_back();
  const auto out = ValueId(static_cast<std::int32_t>(alone.values.size() - 1));
  copy.outputs = {out};
  alone.nodes.push_back(std::move(copy));
  Status status = InferShapes(alone);
  if (!status.ok()) return std::move(status.error());
  return alone.value(out);
}

Result<ValueId> GraphBuilder::Emit(OpKind kind, std::string_view node_name,
                                   std::string_view value_name, std::vector<ValueId> inputs,
                                   AttrMap attrs) {
  Node node;
  node.kind = kind;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  auto inferred = InferOutput(node);
  if (!inferred.ok()) {
    inferred.error().location.clear();  // the caller names the node as the model does
    return std::move(inferred.error());
  }
  if (OnlyReshapes(kind) && graph_.IsConstant(node.inputs[0])) {
    Tensor tensor = graph_.constant(node.inputs[0]);
    tensor.shape = std::move(inferred->shape);
    return AddConstant(value_name, std::move(tensor));
  }
  const bool fixed = std::all_of(node.inputs.begin(), node.inputs.end(),
                                 [this](ValueId id) { return id == kNoValue || IsFixed(id); });
  auto value = EvaluateKnown({graph_, node, known_}, {inferred->shape, inferred->dtype});
  const ValueId out = AddValue(value_name, inferred->dtype, inferred->shape, fixed);
  if (value) known_.emplace(out, std::move(value));
  node.name = MakeUnique(node_name, "node", node_names_);
  node.outputs = {out};
  graph_.nodes.push_back(std::move(node));
  return out;
}

const Tensor* GraphBuilder::Constant(ValueId id) const {
  return graph_.IsConstant(id) ? &graph_.constant(id) : nullptr;
}

const Tensor* GraphBuilder::IntsOf(ValueId id) const {
  const auto it = known_.find(id);
  if (it == known_.end() || it->second->dtype != DType::kInt64) return nullptr;
  return it->second.get();
}

const Tensor* GraphBuilder::KnownOf(ValueId id) const {
  if (const Tensor* constant = Constant(id); constant != nullptr) return constant;
  const auto it = known_.find(id);
  return it == known_.end() ? nullptr : it->second.get();
}

void GraphBuilder::FollowBatch(ValueId x, Shape& target) const {
  const Shape& shape = ShapeOf(x);
  if (shape.empty() || shape[0] != 1 || target.empty()) return;
  if (std::find(replaced_batches_.begin(), replaced_batches_.end(), target[0]) ==
      replaced_batches_.end())
    return;
  std::int64_t rest = 1;
  for (std::size_t d = 1; d < target.size(); ++d) {
    const std::int64_t size = target[d] == 0 && d < shape.size() ? shape[d] : target[d];
    if (size == -1) {
      target[0] = 1;
      return;
    }
    if (size < 1 || rest > kMaxElements / size) return;
    rest *= size;
  }
  if (rest == ElementCount(shape)) target[0] = 1;
}

Result<Graph> GraphBuilder::Finish() {
  std::vector<bool> used(graph_.values.size(), false);
  const auto mark = [&used](const std::vector<ValueId>& ids) {
    for (ValueId id : ids) {
      if (id != kNoValue) used[Index(id)] = true;
    }
  };
  mark(graph_.inputs);
  mark(graph_.outputs);
  for (const Node& node : graph_.nodes) {
    mark(node.inputs);
    mark(node.outputs);
  }
  std::vector<Value> kept;
  std::vector<ValueId> moved(graph_.values.size(), kNoValue);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    moved[i] = ValueId(static_cast<std::int32_t>(kept.size()));
    kept.push_back(std::move(graph_.values[i]));
  }
  const auto renumber = [&moved](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != kNoValue) id = moved[Index(id)];
    }
  };
  renumber(graph_.inputs);
  renumber(graph_.outputs);
  for (Node& node : graph_.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  graph_.values = std::move(kept);
  TF2_RETURN_IF_ERROR(InferShapes(graph_));
  TF2_RETURN_IF_ERROR(Verify(graph_));
  graph_.macs = CountMacs(graph_);
  return std::exchange(graph_, {});
}

}  // namespace tf2::ir
