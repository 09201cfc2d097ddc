#include "ir/graph.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "ir/op_table.h"

namespace tf2::ir {
namespace {

using Ints = std::vector<std::int64_t>;

// The attribute of a node, or the default of its row.
template <typename T>
const T& AttrOf(const Node& node, const std::string& key) {
  const AttrSpec* spec = RowOf(node.kind).Find(key);
  TF2_CHECK(spec != nullptr, "{} has no attribute {}", NameOf(node.kind), key);
  const auto it = node.attrs.find(key);
  TF2_CHECK(it != node.attrs.end() || !spec->required, "{} lacks {}", node.name, key);
  const Attr& attr = it == node.attrs.end() ? spec->default_value : it->second;
  const T* value = std::get_if<T>(&attr);
  TF2_CHECK(value != nullptr, "attribute {} of {} is of another type", key, node.name);
  return *value;
}

// `name`, or the first of name.1, name.2, ... that `taken` does not hold.
template <typename Taken>
std::string Unique(std::string name, const char* fallback, const Taken& taken) {
  if (name.empty()) name = fallback;
  if (!taken(name)) return name;
  for (int i = 1;; ++i) {
    std::string candidate = fmt::format("{}.{}", name, i);
    if (!taken(candidate)) return candidate;
  }
}

PoolDivisor DivisorOf(const std::string& name) {
  if (name == "kernel") return PoolDivisor::kKernel;
  if (name == "caffe") return PoolDivisor::kCaffe;
  TF2_CHECK(name == "valid", "divisor {}", name);
  return PoolDivisor::kValid;
}

}  // namespace

std::int64_t ElementCount(const Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t d : shape) count *= d;
  return count;
}

std::string ToString(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Tensor Tensor::Float(Shape shape, std::vector<float> data) {
  TF2_CHECK(ElementCount(shape) == static_cast<std::int64_t>(data.size()));
  return {DType::kFloat32, std::move(shape), std::move(data), {}};
}

Tensor Tensor::Int(Shape shape, std::vector<std::int64_t> data) {
  TF2_CHECK(ElementCount(shape) == static_cast<std::int64_t>(data.size()));
  return {DType::kInt64, std::move(shape), {}, std::move(data)};
}

std::int64_t Node::Int(const std::string& key) const { return AttrOf<std::int64_t>(*this, key); }
float Node::Float(const std::string& key) const { return AttrOf<float>(*this, key); }
std::string Node::String(const std::string& key) const { return AttrOf<std::string>(*this, key); }
Ints Node::Ints(const std::string& key) const { return AttrOf<tf2::ir::Ints>(*this, key); }

std::vector<float> Node::Floats(const std::string& key) const {
  return AttrOf<std::vector<float>>(*this, key);
}

ValueId Graph::AddValue(std::string value_name, DType dtype, Shape shape) {
  Value v;
  v.name = Unique(std::move(value_name), "value", [this](const std::string& s) {
    return std::any_of(values.begin(), values.end(), [&](const Value& x) { return x.name == s; });
  });
  v.dtype = dtype;
  v.shape = std::move(shape);
  values.push_back(std::move(v));
  return ValueId(static_cast<std::int32_t>(values.size() - 1));
}

ValueId Graph::AddConstant(std::string constant_name, Tensor tensor) {
  const ValueId id = AddValue(std::move(constant_name), tensor.dtype, tensor.shape);
  value(id).constant = std::make_shared<const Tensor>(std::move(tensor));
  return id;
}

ValueId Graph::AddNode(OpKind kind, std::string node_name, std::vector<ValueId> node_inputs,
                       std::map<std::string, Attr> attrs) {
  Node node;
  node.kind = kind;
  node.name = Unique(std::move(node_name), "node", [this](const std::string& s) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const Node& x) { return x.name == s; });
  });
  node.inputs = std::move(node_inputs);
  node.attrs = std::move(attrs);
  const ValueId out = AddValue(node.name);
  node.outputs = {out};
  nodes.push_back(std::move(node));
  return out;
}

std::optional<std::size_t> Graph::Producer(ValueId id) const {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& outs = nodes[i].outputs;
    if (std::find(outs.begin(), outs.end(), id) != outs.end()) return i;
  }
  return std::nullopt;
}

std::vector<std::size_t> Graph::Readers(ValueId id) const {
  std::vector<std::size_t> readers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& ins = nodes[i].inputs;
    if (std::find(ins.begin(), ins.end(), id) != ins.end()) readers.push_back(i);
  }
  return readers;
}

bool Graph::IsOutput(ValueId id) const {
  return std::find(outputs.begin(), outputs.end(), id) != outputs.end();
}

void Graph::ReplaceUses(ValueId from, ValueId to) {
  for (Node& node : nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(outputs.begin(), outputs.end(), from, to);
}

ConvAttrs ConvAttrsOf(const Graph& graph, const Node& node) {
  TF2_CHECK(node.kind == OpKind::kConv);
  const Shape& w = graph.value(node.inputs[1]).shape;
  TF2_CHECK(w.size() == 4);
  const Ints strides = node.Ints("strides");
  const Ints dilations = node.Ints("dilations");
  const Ints pads = node.Ints("pads");
  return {w[2],
          w[3],
          strides[0],
          strides[1],
          dilations[0],
          dilations[1],
          node.Int("groups"),
          pads[0],
          pads[1],
          pads[2],
          pads[3],
          node.Int("relu") != 0,
          node.Float("pad_value")};
}

PoolAttrs PoolAttrsOf(const Graph& graph, const Node& node) {
  if (node.kind == OpKind::kGlobalMaxPool || node.kind == OpKind::kGlobalAvgPool) {
    const Shape& x = graph.value(node.inputs[0]).shape;
    TF2_CHECK(x.size() == 4);
    return {x[2], x[3], 1, 1, 1, 1, 0, 0, 0, 0, false, PoolDivisor::kValid};
  }
  TF2_CHECK(node.kind == OpKind::kMaxPool || node.kind == OpKind::kAvgPool);
  const Ints kernel = node.Ints("kernel");
  const Ints strides = node.Ints("strides");
  const Ints dilations = node.Ints("dilations");
  const Ints pads = node.Ints("pads");
  const PoolDivisor divisor =
      node.kind == OpKind::kAvgPool ? DivisorOf(node.String("divisor")) : PoolDivisor::kValid;
  return {kernel[0], kernel[1], strides[0], strides[1], dilations[0],          dilations[1],
          pads[0],   pads[1],   pads[2],    pads[3],    node.Int("ceil") != 0, divisor};
}

WindowAttrs WindowAttrsOf(const Graph& graph, const Node& node) {
  WindowAttrs a;
  a.strides = node.Ints("strides");
  a.dilations = node.Ints("dilations");
  a.pads = node.Ints("pads");
  a.output_padding.assign(a.strides.size(), 0);
  const OpRow& row = RowOf(node.kind);
  if (row.Find("kernel") != nullptr) {
    a.kernel = node.Ints("kernel");
    a.ceil = node.Int("ceil") != 0;
    if (row.Find("divisor") != nullptr) a.divisor = DivisorOf(node.String("divisor"));
    return a;
  }
  const Shape& w = graph.value(node.inputs[1]).shape;
  TF2_CHECK(w.size() == a.strides.size() + 2);
  a.kernel.assign(w.begin() + 2, w.end());
  a.groups = node.Int("groups");
  if (row.Find("output_padding") != nullptr) a.output_padding = node.Ints("output_padding");
  return a;
}

Result<std::vector<Tensor>> InputsOf(const Graph& graph, std::span<const float> values) {
  std::vector<Tensor> inputs;
  std::vector<std::string> shapes;
  std::int64_t wanted = 0;
  for (const ValueId id : graph.inputs) {
    wanted += ElementCount(graph.value(id).shape);
    shapes.push_back(ToString(graph.value(id).shape));
  }
  if (std::ssize(values) != wanted) {
    return InvalidArgument("the sample has {} values, the model's input {} takes {}", values.size(),
                           fmt::join(shapes, ", "), wanted);
  }
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    const auto own = values.first(static_cast<std::size_t>(ElementCount(value.shape)));
    const auto is_whole = [](float v) { return std::fabs(v) < 0x1p62F; };
    if (value.dtype == DType::kInt64 && !std::ranges::all_of(own, is_whole))
      return InvalidArgument("an integer is no finite number, or too large").At(value.name);
    inputs.push_back(value.dtype == DType::kFloat32
                         ? Tensor::Float(value.shape, {own.begin(), own.end()})
                         : Tensor::Int(value.shape, {own.begin(), own.end()}));
    values = values.subspan(own.size());
  }
  return inputs;
}

std::int64_t MacsOf(const Graph& graph, const Node& node) {
  const auto shape = [&](ValueId id) -> const Shape& { return graph.value(id).shape; };
  switch (node.kind) {
    case OpKind::kConv: {
      const Shape& w = shape(node.inputs[1]);
      const Shape& y = shape(node.outputs[0]);
      return ElementCount(w) * y[2] * y[3];
    }
    case OpKind::kGemm:
      return ElementCount(shape(node.inputs[1]));
    case OpKind::kMatMul: {  // axis 0 of the result is the batch
      const Shape& y = shape(node.outputs[0]);
      return ElementCount(y) / (y.size() > 1 ? y[0] : 1) * shape(node.inputs[0]).back();
    }
    case OpKind::kConv3d: {
      const Shape& y = shape(node.outputs[0]);
      return ElementCount(shape(node.inputs[1])) * y[2] * y[3] * y[4];
    }
    case OpKind::kConvTranspose:
    case OpKind::kConvTranspose3d: {
      const Shape& x = shape(node.inputs[0]);
      return ElementCount(shape(node.inputs[1])) * ElementCount({x.begin() + 2, x.end()});
    }
    case OpKind::kBatchNorm:
    case OpKind::kScale:
    case OpKind::kRelu:
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
    case OpKind::kConcat:
    case OpKind::kPad:
    case OpKind::kFlatten:
    case OpKind::kReshape:
    case OpKind::kIdentity:
    case OpKind::kSoftmax:
    case OpKind::kEinsum:
    case OpKind::kUnary:
    case OpKind::kClip:
    case OpKind::kPrelu:
    case OpKind::kBinary:
    case OpKind::kWhere:
    case OpKind::kQuantizeLinear:
    case OpKind::kDequantizeLinear:
    case OpKind::kMultiThreshold:
    case OpKind::kMaxPoolIndices:
    case OpKind::kMaxPool3d:
    case OpKind::kAvgPool3d:
    case OpKind::kLrn:
    case OpKind::kGroupNorm:
    case OpKind::kLayerNorm:
    case OpKind::kMvn:
    case OpKind::kL2Normalize:
    case OpKind::kReduce:
    case OpKind::kArgMax:
    case OpKind::kArgMin:
    case OpKind::kTopK:
    case OpKind::kCumSum:
    case OpKind::kTranspose:
    case OpKind::kExpand:
    case OpKind::kTile:
    case OpKind::kResize:
    case OpKind::kDepthToSpace:
    case OpKind::kSpaceToDepth:
    case OpKind::kTrilu:
    case OpKind::kOneHot:
    case OpKind::kGatherElements:
    case OpKind::kGatherNd:
    case OpKind::kScatterElements:
    case OpKind::kScatterNd:
    case OpKind::kReverseSequence:
    case OpKind::kGridSample:
    case OpKind::kRoiAlign:
    case OpKind::kDetectionOutput:
    case OpKind::kRoiPool:
    case OpKind::kProposal:
    case OpKind::kLogSoftmax:
    case OpKind::kHardmax:
    case OpKind::kShape:
    case OpKind::kGather:
    case OpKind::kUnsqueeze:
    case OpKind::kSqueeze:
    case OpKind::kSlice:
    case OpKind::kCast:
      return 0;
  }
  TF2_CHECK(false, "no such operator");
}

std::int64_t CountMacs(const Graph& graph) {
  std::int64_t macs = 0;
  for (const Node& node : graph.nodes) macs += MacsOf(graph, node);
  return macs;
}

}  // namespace tf2::ir
