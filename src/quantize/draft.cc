// The driver of the lowering: which nodes become integer operators, what happens to the others, and
// how values become tensors. The operators: lower_*.cc.
#include "quantize/draft.h"

#include <algorithm>

#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "qnet/move_map.h"
#include "quantize/lowering.h"
#include "quantize/per_channel.h"
#include "quantize/wide_outputs.h"

namespace tf2::quantize {

using ir::Node;
using ir::OpKind;
using ir::ValueId;
using qnet::TensorId;

Lowering::Lowering(const ir::Graph& graph, const Calibration* calibration)
    : graph_(graph), calibration_(calibration) {
  draft_.placements.resize(graph.nodes.size());
  needed_.assign(graph.values.size(), false);
}

Result<Draft> Lowering::Run() {
  net_.name = graph_.name;
  net_.macs = graph_.macs;
  for (const ValueId id : graph_.inputs) {
    TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(id));
    net_.inputs.push_back(AddTensor(id, std::move(dims)));
  }
  FindNeeded();
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) TF2_RETURN_IF_ERROR(LowerNode(i));
  TF2_RETURN_IF_ERROR(AddOutputs());
  FinishPlacements();
  WidenOutputs(net_);
  return std::move(draft_);
}

// Weighted layers are what integers are for; what they depend on has to be integers too.
void Lowering::FindNeeded() {
  const auto weighted = [&](const Node& node) {
    switch (node.kind) {
      case OpKind::kConv:
      case OpKind::kGemm:
      case OpKind::kConvTranspose:
        return true;
      case OpKind::kMatMul:
        return graph_.IsConstant(node.inputs[1]);
      default:  // every other kind
        return false;
    }
  };
  for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
    const Node& node = graph_.nodes[i];
    if (!weighted(node) && !Needed(node.outputs[0])) continue;
    for (const ValueId id : node.inputs) {
      if (id != ir::kNoValue) needed_[ir::Index(id)] = true;
    }
  }
}

// [c, h, w] of a value [1, c], [1, c, w], [1, c, h, w] or [1, c, d, h, w] (the last two merged).
Result<Lowering::Dims> Lowering::DimsOf(ValueId id) const {
  const ir::Value& value = graph_.value(id);
  if (!IsReal(id)) {
    return WithHint(Unsupported("the value is of integers").At(value.name),
                    "tf2 quantises real values; the float model runs: tf2 run MODEL");
  }
  if (value.shape.size() < 2 || value.shape[0] != 1) {
    return WithHint(
        Unsupported("the value has the shape {}", ir::ToString(value.shape)).At(value.name),
        "tf2 quantises values that have a batch dimension of 1 and a channel; see --input-shape");
  }
  Dims dims = {static_cast<std::int32_t>(value.shape[1]), 1, 1};
  if (value.shape.size() > 2) dims[1] = static_cast<std::int32_t>(value.shape[2]);
  std::int64_t rest = 1;
  for (std::size_t i = 3; i < value.shape.size(); ++i) rest *= value.shape[i];
  if (rest > ir::kMaxDimension) return Unsupported("the value is too large").At(value.name);
  dims[2] = static_cast<std::int32_t>(rest);
  return dims;
}

namespace {

std::string Unique(std::set<std::string>& names, const std::string& base) {
  std::string name = base.empty() ? "unnamed" : base;
  for (int i = 2; !names.insert(name).second; ++i) name = fmt::format("{}.{}", base, i);
  return name;
}

}  // namespace

std::string Lowering::UniqueTensor(const std::string& base) { return Unique(tensor_names_, base); }
std::string Lowering::UniqueOp(const std::string& base) { return Unique(op_names_, base); }

TensorId Lowering::AddTensor(ValueId value, Dims dims) {
  net_.tensors.push_back(
      {UniqueTensor(graph_.value(value).name), qnet::ElemType::kInt8, std::move(dims), {}});
  draft_.values.push_back(value);
  const TensorId id{static_cast<std::int32_t>(net_.tensors.size()) - 1};
  views_[value] = {id, nullptr};
  functions_.erase(value);
  own_[value] = id;
  return id;
}

void Lowering::AddOp(const Node& node, std::vector<TensorId> inputs, TensorId output,
                     qnet::OpParams params, FloatWeights weights) {
  AddHelper(node.name, std::move(inputs), output, std::move(params), std::move(weights));
  Placement& placement = PlacementOf(node);
  placement.place = Place::kLayer;
  placement.layer = net_.ops.back().name;
}

void Lowering::AddHelper(const std::string& name, std::vector<TensorId> inputs, TensorId output,
                         qnet::OpParams params, FloatWeights weights) {
  net_.ops.push_back({UniqueOp(name), std::move(inputs), output, std::move(params)});
  draft_.weights.push_back(std::move(weights));
}

// A failed attempt may have made tensors of its inputs; they go, as nothing else reads them.
void Lowering::Rollback(const Mark& mark) {
  views_ = mark.views;
  functions_ = mark.functions;
  own_ = mark.own;
  draft_.placements = mark.placements;
  for (std::size_t i = mark.tensors; i < net_.tensors.size(); ++i)
    tensor_names_.erase(net_.tensors[i].name);
  for (std::size_t i = mark.ops; i < net_.ops.size(); ++i) {
    op_names_.erase(net_.ops[i].name);
    draft_.functions.erase(i);
    draft_.lrns.erase(i);
  }
  net_.tensors.resize(mark.tensors);
  draft_.values.resize(mark.tensors);
  net_.ops.resize(mark.ops);
  draft_.weights.resize(mark.ops);
}

Result<Lowering::View> Lowering::ViewOf(const Node& reader, ValueId id) {
  if (const auto it = views_.find(id); it != views_.end()) return it->second;
  if (graph_.IsConstant(id)) {
    return Refuse(reader, fmt::format("its input {} is a constant", graph_.value(id).name),
                  "fold it before quantising");
  }
  if (functions_.contains(id)) return LowerFunction(reader, id);
  TF2_ASSIGN_OR_RETURN(const TensorId tensor, AddHost(id));
  return View{tensor, nullptr};
}

Result<TensorId> Lowering::Elements(const Node& reader, ValueId id) {
  TF2_ASSIGN_OR_RETURN(const View view, ViewOf(reader, id));
  if (view.map == nullptr) return view.tensor;
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(id));
  const auto move = qnet::FitMove(*view.map);
  if (!move) {
    // Not affine: the float graph gathers.
    views_.erase(id);
    return AddHost(id);
  }
  const TensorId moved = AddTensor(id, std::move(dims));
  AddHelper(graph_.value(id).name, {view.tensor}, moved, *move);
  return moved;
}

Result<TensorId> Lowering::Shaped(const Node& reader, ValueId id) {
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(id));
  return ShapedAs(reader, id, std::move(dims));
}

Result<TensorId> Lowering::ShapedAs(const Node& reader, ValueId id, Dims dims) {
  TF2_ASSIGN_OR_RETURN(const TensorId tensor, Elements(reader, id));
  if (net_.tensor(tensor).dims == dims) return tensor;
  const bool natural = DimsOf(id).ok() && *DimsOf(id) == dims;
  const View before = views_.at(id);
  const std::map<ValueId, TensorId> own = own_;
  const TensorId reshaped = AddTensor(id, std::move(dims));
  if (!natural) {  // others may want the value under its own dims
    views_[id] = before;
    own_ = own;
  }
  AddHelper(graph_.value(id).name + "/reshape", {tensor}, reshaped, qnet::Reshape{});
  return reshaped;
}

Result<TensorId> Lowering::AddHost(ValueId id) {
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(id));
  const std::string& name = graph_.value(id).name;
  TF2_ASSIGN_OR_RETURN(const FloatPart part, ExtractPart(graph_, name, {id}, own_));
  TF2_ASSIGN_OR_RETURN(qnet::FloatGraph graph, qnet::FloatGraph::Make(part.graph));
  if (part.leaves.empty())
    return Unsupported("the value does not depend on the network's input").At(name);
  std::vector<TensorId> inputs;
  for (const ValueId leaf : part.leaves) inputs.push_back(own_.at(leaf));
  const std::size_t producer = *graph_.Producer(id);
  const TensorId output = AddTensor(id, std::move(dims));
  AddHelper(graph_.nodes[producer].name, std::move(inputs), output, qnet::Host{std::move(graph)});
  for (const std::size_t node : part.nodes) {
    Placement& placement = draft_.placements[node];
    if (placement.place != Place::kUnused) continue;
    placement.place = Place::kHost;
    placement.layer = net_.ops.back().name;
  }
  return output;
}

bool Lowering::IsReady(ValueId id) const {
  if (const auto view = views_.find(id); view != views_.end()) return view->second.map == nullptr;
  const auto function = functions_.find(id);
  return function != functions_.end() && IsChain(function->second) &&
         IsReady(function->second.base);
}

Status Lowering::LowerNode(std::size_t index) {
  const Node& node = graph_.nodes[index];
  Placement& placement = draft_.placements[index];
  if (placement.place != Place::kUnused) return {};  // fused into a layer before it
  if (!IsReal(node.outputs[0]) && node.kind != OpKind::kQuantizeLinear) {
    placement.reason = "its result is integers";
    return {};
  }
  if (NoteFunction(index)) return {};
  const Mark mark = MarkNow();
  Status status = LowerKind(node);
  if (status.ok()) return {};
  const ErrorCode code = status.error().code;
  if (code != ErrorCode::kUnsupported && code != ErrorCode::kResourceExhausted) return status;
  Rollback(mark);
  draft_.placements[index] = {Place::kUnused, "", status.error().message, status.error().hint};
  return {};
}

Status Lowering::LowerKind(const Node& node) {
  const auto no_rule = [&] {
    return Unsupported("{} has no integer operator", ir::NameOf(node.kind));
  };
  // Operators that are worth their rounding only before a weighted layer.
  const bool needed = Needed(node.outputs[0]);
  const bool ready = std::ranges::all_of(node.inputs, [&](ValueId id) {
    return id == ir::kNoValue || graph_.IsConstant(id) || IsReady(id);
  });
  const auto at_the_end = [] { return Unsupported("no weighted layer depends on it"); };
  switch (node.kind) {
    case OpKind::kConv:
      return LowerConv(node);
    case OpKind::kConvTranspose:
      return LowerConvTranspose(node);
    case OpKind::kGemm:
    case OpKind::kMatMul:
      return LowerGemm(node);
    case OpKind::kBatchNorm:
    case OpKind::kScale:
    case OpKind::kRelu:
    case OpKind::kPad:
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
      if (!needed && !ready) return at_the_end();
      if (node.kind == OpKind::kPad && !IsPerChannel(node)) return LowerMovement(node);
      if (IsPerChannel(node)) return LowerPerChannel(node);
      if (node.kind == OpKind::kAdd) return LowerBinary(node, qnet::BinaryKind::kAdd);
      if (!needed) return at_the_end();
      if (node.kind == OpKind::kSub) return LowerBinary(node, qnet::BinaryKind::kSub);
      if (node.kind == OpKind::kMul) return LowerBinary(node, qnet::BinaryKind::kMul);
      return no_rule();
    case OpKind::kClip:
    case OpKind::kPrelu:
      return needed ? LowerActivation(node) : at_the_end();
    case OpKind::kBinary:
      if (!needed) return at_the_end();
      if (node.String("fn") == "max") return LowerBinary(node, qnet::BinaryKind::kMax);
      if (node.String("fn") == "min") return LowerBinary(node, qnet::BinaryKind::kMin);
      return no_rule();
    case OpKind::kMaxPool:
    case OpKind::kGlobalMaxPool:
      return needed || ready ? LowerMaxPool(node) : at_the_end();
    case OpKind::kAvgPool:
    case OpKind::kGlobalAvgPool:
      return needed || ready ? LowerAvgPool(node) : at_the_end();
    case OpKind::kReduce:
      return needed || ready ? LowerReduce(node) : at_the_end();
    case OpKind::kLrn:
      return needed ? LowerLrn(node) : at_the_end();
    case OpKind::kQuantizeLinear:
      return LowerFakeQuantization(node);
    case OpKind::kConcat:
      return needed || ready ? LowerConcat(node) : at_the_end();
    default:  // every other kind
      if (!MovesData(node.kind)) return no_rule();
      return LowerMovement(node);
  }
}

// The output as a tensor of its own, through a softmax over the channel or not.
std::optional<qnet::Output> Lowering::DirectOutput(ValueId id) {
  const ir::Value& value = graph_.value(id);
  qnet::Output output;
  output.name = value.name;
  output.shape.assign(value.shape.begin() + (value.shape.empty() ? 0 : 1), value.shape.end());
  ValueId at = id;
  auto producer = graph_.Producer(at);
  while (producer && KeepsOrder(graph_.nodes[*producer].kind)) {
    at = graph_.nodes[*producer].inputs[0];
    producer = graph_.Producer(at);
  }
  if (producer && graph_.nodes[*producer].kind == OpKind::kSoftmax) {
    const Node& softmax = graph_.nodes[*producer];
    const auto axis = ir::NormalizeAxis(softmax.Int("axis"), graph_.value(at).shape.size());
    if (!axis.ok() || *axis != 1 || !IsReady(softmax.inputs[0])) return {};
    const Mark mark = MarkNow();
    const auto tensor = Shaped(softmax, softmax.inputs[0]);
    if (!tensor.ok()) {
      Rollback(mark);
      return {};
    }
    output.tensor = *tensor;
    output.head = qnet::Head::kSoftmax;
    draft_.placements[*producer] = {Place::kHead, "", "", ""};
    return output;
  }
  if (const auto function = functions_.find(id); function != functions_.end()) {
    if (!IsReady(id)) return {};
    const auto view = LowerFunction(graph_.nodes[function->second.nodes.back()], id);
    if (!view.ok()) return {};
  }
  if (!IsReady(id)) return {};
  output.tensor = views_.at(id).tensor;
  return output;
}

Status Lowering::AddOutputs() {
  const std::vector<Placement> placements = draft_.placements;
  for (const ValueId id : graph_.outputs) {
    auto output = DirectOutput(id);
    if (!output) {
      draft_.placements = placements;
      return AddHead();
    }
    net_.outputs.push_back(*std::move(output));
  }
  return {};
}

Status Lowering::AddHead() {
  net_.outputs.clear();
  TF2_ASSIGN_OR_RETURN(const FloatPart part, ExtractPart(graph_, "head", graph_.outputs, own_));
  if (part.leaves.empty()) {
    return WithHint(Unsupported("no output depends on the network's input"),
                    "remove constant outputs from the model");
  }
  for (const ValueId leaf : part.leaves) {
    const ir::Value& value = graph_.value(leaf);
    qnet::Output output{own_.at(leaf), value.name, qnet::Head::kNone, {}};
    output.shape.assign(value.shape.begin() + (value.shape.empty() ? 0 : 1), value.shape.end());
    net_.outputs.push_back(std::move(output));
  }
  TF2_ASSIGN_OR_RETURN(net_.head, qnet::FloatGraph::Make(part.graph));
  for (const std::size_t node : part.nodes) {
    Placement& placement = draft_.placements[node];
    if (placement.place == Place::kUnused) placement.place = Place::kHead;
  }
  return {};
}

// Nodes whose elements a tensor holds in another order, or that a table computes with others.
void Lowering::FinishPlacements() {
  std::vector<bool> used(graph_.values.size(), false);
  for (const ValueId id : graph_.outputs) used[ir::Index(id)] = true;
  for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
    const Node& node = graph_.nodes[i];
    Placement& placement = draft_.placements[i];
    if (!used[ir::Index(node.outputs[0])]) continue;
    for (const ValueId id : node.inputs) {
      if (id != ir::kNoValue) used[ir::Index(id)] = true;
    }
    if (placement.place == Place::kUnused) placement.place = Place::kFolded;
  }
}

Result<FloatPart> ExtractPart(const ir::Graph& graph, const std::string& name,
                              const std::vector<ValueId>& outputs,
                              const std::map<ValueId, TensorId>& leaves) {
  std::vector<bool> want(graph.values.size(), false);
  for (const ValueId id : outputs) want[ir::Index(id)] = true;
  FloatPart part;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const ValueId output = node.outputs[0];
    if (!want[ir::Index(output)] || leaves.contains(output)) continue;
    part.nodes.push_back(i);
    for (const ValueId id : node.inputs) {
      if (id != ir::kNoValue) want[ir::Index(id)] = true;
    }
  }
  std::ranges::reverse(part.nodes);
  ir::Graph& out = part.graph;
  out.name = name;
  std::map<ValueId, ValueId> copy = {{ir::kNoValue, ir::kNoValue}};
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    const ValueId id{static_cast<std::int32_t>(v)};
    const ir::Value& value = graph.values[v];
    if (!want[v]) continue;
    copy[id] = out.AddValue(value.name, value.dtype, value.shape);
    out.value(copy[id]).constant = value.constant;
    if (value.constant == nullptr && leaves.contains(id)) {
      out.inputs.push_back(copy[id]);
      part.leaves.push_back(id);
    }
  }
  for (const std::size_t i : part.nodes) {
    Node node = graph.nodes[i];
    for (ValueId& id : node.inputs) id = copy.at(id);
    for (ValueId& id : node.outputs) id = copy.at(id);
    out.nodes.push_back(std::move(node));
  }
  for (const ValueId id : outputs) out.outputs.push_back(copy.at(id));
  return part;
}

Result<Draft> LowerStructure(const ir::Graph& graph, const Calibration* calibration) {
  return Lowering(graph, calibration).Run();
}

std::vector<OneQDemand> OneQDemands(const qnet::QNet& net) {
  std::vector<OneQDemand> demands;
  for (const qnet::Op& op : net.ops) {
    const std::string why = fmt::format("{} \"{}\"", qnet::KindName(op), op.name);
    if (std::holds_alternative<qnet::Table>(op.params) ||
        std::holds_alternative<qnet::Lrn>(op.params)) {
      demands.push_back({op.inputs[0], why});
      demands.push_back({op.output, why});
    } else if (const auto* move = std::get_if<qnet::Move>(&op.params)) {
      const auto sources =
          qnet::SourceChannels(*move, net.tensor(op.inputs[0]), net.tensor(op.output));
      if (std::ranges::count(sources, -1) != 0) demands.push_back({op.inputs[0], why});
    } else if (std::holds_alternative<qnet::Reshape>(op.params)) {
      const auto plane = [](const qnet::Tensor& t) { return std::int64_t{t.h()} * t.w(); };
      if (plane(net.tensor(op.inputs[0])) % plane(net.tensor(op.output)) != 0)
        demands.push_back({op.inputs[0], why});
    }
  }
  return demands;
}

}  // namespace tf2::quantize
