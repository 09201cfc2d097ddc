// Element-wise operators: constants per channel, functions of one variable, two feature maps, local
// response normalisation; and concatenation.
#include <algorithm>
#include <limits>

#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "quantize/lowering.h"
#include "quantize/per_channel.h"

namespace tf2::quantize {

using ir::Node;
using ir::OpKind;
using ir::ValueId;
using qnet::TensorId;

namespace {

constexpr std::int64_t kTableEntries = 256;

// The one input that is computed at run time.
std::size_t DataInput(const ir::Graph& graph, const Node& node) {
  return node.inputs.size() > 1 && graph.IsConstant(node.inputs[0]) ? 1 : 0;
}

}  // namespace

// Whether the node is y = x * factor[c] + shift[c], clamped or not.
bool Lowering::IsPerChannel(const Node& node) const {
  const std::size_t data = DataInput(graph_, node);
  const ir::Shape& shape = graph_.value(node.inputs[data]).shape;
  if (shape.size() < 2 || shape[0] != 1) return false;
  switch (node.kind) {
    case OpKind::kRelu:
    case OpKind::kClip:
      return true;
    case OpKind::kUnary:
      return node.String("fn") == "leaky_relu";
    case OpKind::kPrelu:
      return graph_.value(node.outputs[0]).shape == shape &&
             ChannelConstant(graph_, node, 1, static_cast<std::size_t>(shape[1])).ok();
    case OpKind::kPad:
      return PadWindow(node).ok();
    case OpKind::kBatchNorm:
    case OpKind::kScale:
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
      return graph_.value(node.outputs[0]).shape == shape &&
             PerChannelOf(graph_, node, data, static_cast<std::size_t>(shape[1])).ok();
    default:  // every other kind
      return false;
  }
}

// y = x * factor + shift (then an activation, or zeros around it) as a depthwise 1 x 1 convolution.
Status Lowering::LowerPerChannel(const Node& node) {
  const std::size_t data = DataInput(graph_, node);
  TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[data]));
  const std::int32_t channels = net_.tensor(x).c();
  TF2_ASSIGN_OR_RETURN(PerChannel map,
                       PerChannelOf(graph_, node, data, static_cast<std::size_t>(channels)));
  qnet::Conv conv;
  conv.groups = channels;
  if (node.kind == OpKind::kRelu || (node.kind == OpKind::kAdd && node.Int("relu") != 0))
    conv.activation = qnet::Activation::kRelu;
  if (node.kind == OpKind::kPad) {
    TF2_ASSIGN_OR_RETURN(conv.window, PadWindow(node));
  }
  return AddConv(node, {x}, std::move(conv), {std::move(map.factor), std::move(map.shift)});
}

Result<qnet::Window> Lowering::PadWindow(const Node& node) const {
  const std::vector<std::int64_t> pads = node.Ints("pads");  // before every axis, then after
  const std::size_t rank = pads.size() / 2;
  const bool spatial = rank == 4 && pads[0] == 0 && pads[1] == 0 && pads[4] == 0 && pads[5] == 0 &&
                       std::ranges::all_of(pads, [](std::int64_t p) { return p >= 0; });
  if (!spatial || node.String("mode") != "constant" || node.Float("value") != 0) {
    return Refuse(node, "only zeros around height and width",
                  "fold the padding into the next layer, or pad the input pictures");
  }
  qnet::Window window;
  window.ph = static_cast<std::int32_t>(pads[2]);
  window.pw = static_cast<std::int32_t>(pads[3]);
  return window;
}

// A clip or a PReLU that no convolution took.
Status Lowering::LowerActivation(const Node& node) {
  TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
  const auto channels = static_cast<std::size_t>(net_.tensor(x).c());
  qnet::Conv conv;
  conv.groups = net_.tensor(x).c();
  FloatWeights weights{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F)};
  if (node.kind == OpKind::kClip) {
    conv.activation = qnet::Activation::kClip;
    weights.clip_low = node.Float("min");
    weights.clip_high = node.Float("max");
    if (weights.clip_low > weights.clip_high)
      return Refuse(node, "its bounds are the wrong way round", "swap them");
  } else {
    conv.activation = qnet::Activation::kPRelu;
    if (node.kind == OpKind::kUnary) {
      weights.slope.assign(channels, node.Float("alpha"));
    } else {
      TF2_ASSIGN_OR_RETURN(weights.slope, ChannelConstant(graph_, node, 1, channels));
    }
  }
  return AddConv(node, {x}, std::move(conv), std::move(weights));
}

bool Lowering::NoteFunction(std::size_t index) {
  const Node& node = graph_.nodes[index];
  switch (node.kind) {
    case OpKind::kRelu:
    case OpKind::kClip:
    case OpKind::kUnary:
    case OpKind::kPrelu:
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
    case OpKind::kBinary:
      break;
    default:  // every other kind
      return false;
  }
  // The sum of two feature maps is an operator of its own, and the engine has it.
  if (node.kind == OpKind::kAdd && IsReady(node.inputs[0]) && IsReady(node.inputs[1])) return false;
  const ir::Shape& shape = graph_.value(node.outputs[0]).shape;
  std::optional<ValueId> base;
  std::set<std::size_t> nodes = {index};
  for (const ValueId id : node.inputs) {
    if (id == ir::kNoValue || !IsReal(id)) return false;
    if (graph_.IsConstant(id)) {
      if (ir::ElementCount(graph_.value(id).shape) != 1) return false;
      continue;
    }
    if (graph_.value(id).shape != shape) return false;
    ValueId own = id;
    if (const auto it = functions_.find(id); it != functions_.end()) {
      own = it->second.base;
      nodes.insert(it->second.nodes.begin(), it->second.nodes.end());
    } else if (!views_.contains(id)) {
      return false;
    }
    if (base && *base != own) return false;
    base = own;
  }
  if (!base) return false;
  functions_[node.outputs[0]] = {*base, {nodes.begin(), nodes.end()}};
  return true;
}

bool Lowering::IsChain(const Function& function) const {
  ValueId last = function.base;
  for (const std::size_t i : function.nodes) {
    const Node& node = graph_.nodes[i];
    if (!IsPerChannel(node) || node.inputs[DataInput(graph_, node)] != last) return false;
    last = node.outputs[0];
  }
  return true;
}

// Per-channel operators one after the other where the function is a chain of them, else a table.
Result<Lowering::View> Lowering::LowerFunction(const Node& reader, ValueId id) {
  const Function function = functions_.at(id);
  if (IsChain(function)) {
    for (const std::size_t i : function.nodes) {
      const Node& node = graph_.nodes[i];
      if (views_.contains(node.outputs[0])) continue;
      const bool activation =
          node.kind == OpKind::kClip || node.kind == OpKind::kPrelu || node.kind == OpKind::kUnary;
      TF2_RETURN_IF_ERROR(activation ? LowerActivation(node) : LowerPerChannel(node));
      if (views_.contains(id)) break;  // the last ones may have been fused
    }
    return views_.at(id);
  }
  TF2_ASSIGN_OR_RETURN(const TensorId x, Elements(reader, function.base));
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(id));
  if (net_.tensor(x).dims != dims) {
    TF2_ASSIGN_OR_RETURN(const TensorId shaped, ShapedAs(reader, function.base, dims));
    return AddTable(id, shaped, function);
  }
  return AddTable(id, x, function);
}

Result<Lowering::View> Lowering::AddTable(ValueId id, TensorId x, const Function& function) {
  ir::Graph graph;
  graph.name = graph_.value(id).name;
  std::map<ValueId, ValueId> copy;
  copy[function.base] = graph.AddValue("x", ir::DType::kFloat32, {kTableEntries});
  graph.inputs = {copy[function.base]};
  std::vector<std::string> names;
  for (const std::size_t i : function.nodes) {
    const Node& node = graph_.nodes[i];
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      if (!copy.contains(input)) {
        ir::Tensor scalar = graph_.constant(input);
        scalar.shape = {1};
        copy[input] = graph.AddConstant(graph_.value(input).name, std::move(scalar));
      }
      inputs.push_back(copy.at(input));
    }
    copy[node.outputs[0]] = graph.AddNode(node.kind, node.name, std::move(inputs), node.attrs);
    const bool named = node.kind == OpKind::kUnary || node.kind == OpKind::kBinary;
    names.push_back(named ? node.String("fn") : std::string(ir::NameOf(node.kind)));
  }
  graph.outputs = {copy.at(id)};
  TF2_RETURN_IF_ERROR(ir::InferShapes(graph));
  TF2_ASSIGN_OR_RETURN(qnet::FloatGraph finished, qnet::FloatGraph::Make(graph));
  const Node& last = graph_.nodes[function.nodes.back()];
  draft_.functions[net_.ops.size()] = std::move(finished);
  std::vector<std::int32_t> dims = net_.tensor(x).dims;
  AddOp(last, {x}, AddTensor(id, std::move(dims)),
        qnet::Table{fmt::format("{}", fmt::join(names, " ")), {}});
  for (const std::size_t i : function.nodes) {
    Placement& placement = draft_.placements[i];
    if (placement.place == Place::kUnused)
      placement = {Place::kFolded, net_.ops.back().name, "", ""};
  }
  return views_.at(id);
}

// [c, h, w] of an operand of a result of shape `out`, or none where it does not broadcast in these
// three.
std::optional<Lowering::Dims> Lowering::BroadcastDims(ValueId id, const ir::Shape& out) const {
  ir::Shape shape = graph_.value(id).shape;
  shape.insert(shape.begin(), out.size() - std::min(out.size(), shape.size()), 1);
  if (shape.size() != out.size() || out.size() < 2 || shape[0] != 1) return {};
  std::int64_t rest = 1;
  std::int64_t out_rest = 1;
  for (std::size_t i = 3; i < shape.size(); ++i) {
    rest *= shape[i];
    out_rest *= out[i];
  }
  if (rest != 1 && rest != out_rest) return {};
  return Dims{static_cast<std::int32_t>(shape[1]),
              static_cast<std::int32_t>(shape.size() > 2 ? shape[2] : 1),
              static_cast<std::int32_t>(rest)};
}

Status Lowering::LowerBinary(const Node& node, qnet::BinaryKind kind) {
  const ir::Shape& out = graph_.value(node.outputs[0]).shape;
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(node.outputs[0]));
  std::vector<Dims> operands;
  for (const ValueId id : node.inputs) {
    if (graph_.IsConstant(id)) {
      return Refuse(
          node, fmt::format("its constant {} is not one number a channel", graph_.value(id).name),
          "give the constant the shape [c, 1, 1]");
    }
    const auto operand = BroadcastDims(id, out);
    if (!operand)
      return Refuse(node, "its operands broadcast along other axes than channel, height and width",
                    "repeat the smaller operand");
    operands.push_back(*operand);
  }
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), ShapedAs(node, node.inputs[i], operands[i]));
  }
  const bool relu = node.kind == OpKind::kAdd && node.Int("relu") != 0;
  const auto activation = relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  const bool equal = operands[0] == dims && operands[1] == dims;
  qnet::OpParams params = qnet::Binary{kind, activation};
  if (equal && kind == qnet::BinaryKind::kAdd) params = qnet::Add{activation};
  AddOp(node, std::move(inputs), AddTensor(node.outputs[0], std::move(dims)), std::move(params));
  return {};
}

Status Lowering::LowerLrn(const Node& node) {
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(node.outputs[0]));
  qnet::Lrn lrn;
  const bool within = node.String("region") == "within";
  lrn.region = within ? qnet::LrnRegion::kWithin : qnet::LrnRegion::kAcross;
  lrn.size = static_cast<std::int32_t>(
      std::min<std::int64_t>(node.Int("size"), std::numeric_limits<std::int32_t>::max()));
  if (lrn.size > (within ? qnet::kMaxLrnWithin : qnet::kMaxLrnAcross) ||
      (within && graph_.value(node.inputs[0]).shape.size() > 4)) {
    return Refuse(node, fmt::format("a region of {}", lrn.size), "use a smaller region");
  }
  TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
  draft_.lrns[net_.ops.size()] = {node.Float("alpha"), node.Float("beta"), node.Float("bias")};
  AddOp(node, {x}, AddTensor(node.outputs[0], std::move(dims)), std::move(lrn));
  return {};
}

Status Lowering::LowerConcat(const Node& node) {
  const std::size_t rank = graph_.value(node.outputs[0]).shape.size();
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(node.Int("axis"), rank));
  if (axis != 1)
    return Refuse(node, fmt::format("it joins along axis {}", axis),
                  "tf2 joins along the channel, axis 1");
  TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(node.outputs[0]));
  std::vector<TensorId> inputs;
  for (const ValueId id : node.inputs) {
    TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), Shaped(node, id));
  }
  AddOp(node, std::move(inputs), AddTensor(node.outputs[0], std::move(dims)), qnet::Concat{});
  return {};
}

bool Lowering::NonNegative(ValueId id) const {
  const auto producer = graph_.Producer(id);
  if (!producer) return false;
  const Node& node = graph_.nodes[*producer];
  switch (node.kind) {
    case OpKind::kRelu:
      return true;
    case OpKind::kConv:
    case OpKind::kGemm:
    case OpKind::kAdd:
      return node.Int("relu") != 0;
    case OpKind::kClip:
      return node.Float("min") >= 0;
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
    case OpKind::kFlatten:
    case OpKind::kReshape:
    case OpKind::kConcat:
    case OpKind::kDequantizeLinear:
    case OpKind::kQuantizeLinear:
      return std::ranges::all_of(node.inputs, [&](ValueId input) {
        return input == ir::kNoValue || graph_.IsConstant(input) || NonNegative(input);
      });
    default:  // every other kind
      return false;
  }
}

std::optional<Lowering::FakeQuantization> Lowering::FakeQuantizationAt(const Node& node) const {
  if (node.kind != OpKind::kQuantizeLinear) return {};
  const std::vector<std::size_t> readers = graph_.Readers(node.outputs[0]);
  if (readers.size() != 1 || graph_.IsOutput(node.outputs[0])) return {};
  const Node& end = graph_.nodes[readers[0]];
  if (end.kind != OpKind::kDequantizeLinear || end.inputs[0] != node.outputs[0]) return {};
  const auto scalar = [&](const Node& n, std::size_t i) -> std::optional<double> {
    if (!n.HasInput(i)) return 0;
    if (!graph_.IsConstant(n.inputs[i])) return {};
    const ir::Tensor& t = graph_.constant(n.inputs[i]);
    if (ir::ElementCount(t.shape) != 1) return {};
    return t.dtype == ir::DType::kFloat32 ? t.f32[0] : static_cast<double>(t.i64[0]);
  };
  const auto scale = scalar(node, 1);
  const auto zero = scalar(node, 2);
  if (!scale || !zero || scalar(end, 1) != scale || scalar(end, 2) != zero) return {};
  const auto real = [&](std::int64_t v) {
    return static_cast<float>((static_cast<double>(v) - *zero) * *scale);
  };
  return FakeQuantization{readers[0], real(node.Int("min")), real(node.Int("max"))};
}

bool Lowering::Clips(const FakeQuantization& fake, ValueId x) const {
  if (calibration_ == nullptr) return false;
  constexpr float kALittle = 1 + 1.0F / 64;
  const float bound = std::max(-fake.low, fake.high) * kALittle;
  return std::ranges::any_of(calibration_->stats(x).abs_max, [&](float v) { return v > bound; });
}

// Our own exponents take the place of the model's; what it clips, at zero above all, still is.
Status Lowering::LowerFakeQuantization(const Node& node) {
  const auto fake = FakeQuantizationAt(node);
  const ValueId x = node.inputs[0];
  if (!fake) return Unsupported("it quantises by more than one scale");
  const ValueId result = graph_.nodes[fake->end].outputs[0];
  if ((fake->low < 0 && !Clips(*fake, x)) || NonNegative(x)) {
    TF2_ASSIGN_OR_RETURN(views_[result], ViewOf(node, x));
  } else {
    if (!Needed(result)) return Unsupported("no weighted layer depends on it");
    TF2_ASSIGN_OR_RETURN(const TensorId tensor, Shaped(node, x));
    const auto channels = static_cast<std::size_t>(net_.tensor(tensor).c());
    qnet::Conv conv;
    conv.groups = net_.tensor(tensor).c();
    conv.activation = qnet::Activation::kClip;
    FloatWeights weights{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F),
                         fake->low, fake->high};
    TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(result));
    AddOp(node, {tensor}, AddTensor(result, std::move(dims)), std::move(conv), std::move(weights));
  }
  Placement& start = PlacementOf(node);
  if (start.place == Place::kUnused) start.place = Place::kFolded;
  draft_.placements[fake->end] = {Place::kFolded, start.layer, "", ""};
  return {};
}

}  // namespace tf2::quantize
