#include "quantize/draft.h"

#include <algorithm>
#include <map>
#include <set>

#include "interp/pool_axis.h"
#include "ir/shape_math.h"
#include "quantize/per_channel.h"
#include "quantize/wide_outputs.h"

namespace tf2::quantize {
namespace {

using ir::Node;
using ir::OpKind;
using ir::ValueId;
using qnet::TensorId;
using Dims = std::vector<std::int32_t>;

class Lowering {
 public:
  explicit Lowering(const ir::Graph& graph) : graph_(graph) {}

  Result<Draft> Run() {
    if (graph_.inputs.size() != 1) {
      return WithHint(Unsupported("the network has {} run-time inputs", graph_.inputs.size()),
                      "tf2 quantises networks of one input");
    }
    net_.name = graph_.name;
    net_.macs = graph_.macs;
    const ValueId input = graph_.inputs[0];
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(input));
    net_.input = AddTensor(input, dims);
    for (const Node& node : graph_.nodes) TF2_RETURN_IF_ERROR(LowerNode(node));
    for (const ValueId id : graph_.outputs) TF2_RETURN_IF_ERROR(AddOutput(id));
    WidenOutputs(net_);
    return std::move(draft_);
  }

 private:
  // [c, h, w] of a value [1, c], [1, c, w], [1, c, h, w] or [1, c, d, h, w] (the last two merged).
  Result<Dims> DimsOf(ValueId id) const {
    const ir::Value& value = graph_.value(id);
    if (value.shape.size() < 2 || value.shape[0] != 1) {
      return WithHint(
          Unsupported("the value has the shape {}", ir::ToString(value.shape)).At(value.name),
          "tf2 quantises networks whose values have a batch dimension of 1 and a channel; see "
          "--input-shape");
    }
    Dims dims = {static_cast<std::int32_t>(value.shape[1]), 1, 1};
    if (value.shape.size() > 2) dims[1] = static_cast<std::int32_t>(value.shape[2]);
    std::int64_t rest = 1;
    for (std::size_t i = 3; i < value.shape.size(); ++i) rest *= value.shape[i];
    if (rest > ir::kMaxDimension) return Unsupported("the value is too large").At(value.name);
    dims[2] = static_cast<std::int32_t>(rest);
    return dims;
  }

  TensorId AddTensor(ValueId value, Dims dims) {
    net_.tensors.push_back({graph_.value(value).name, qnet::ElemType::kInt8, std::move(dims), {}});
    draft_.values.push_back(value);
    const TensorId id{static_cast<std::int32_t>(net_.tensors.size()) - 1};
    tensor_of_[value] = id;
    return id;
  }

  void AddOp(const Node& node, std::vector<TensorId> inputs, TensorId output, qnet::OpParams params,
             FloatWeights weights = {}) {
    net_.ops.push_back({node.name, std::move(inputs), output, std::move(params)});
    draft_.weights.push_back(std::move(weights));
  }

  // The tensor that holds the value's elements in order, whatever its dims.
  Result<TensorId> Elements(const Node& node, ValueId id) const {
    const auto it = tensor_of_.find(id);
    if (it != tensor_of_.end()) return it->second;
    if (softmax_of_.contains(id)) {
      return Refuse(
          node,
          "it reads a softmax, which is computed on real numbers after the last integer layer",
          "cut the network at the softmax, or remove what follows it");
    }
    return Refuse(node, fmt::format("its input {} is a constant", graph_.value(id).name),
                  "fold it before quantising");
  }

  // The tensor of the value with the dims of its shape; a reshape is added where the elements lie
  // under others.
  Result<TensorId> Shaped(const Node& node, ValueId id) {
    TF2_ASSIGN_OR_RETURN(const TensorId tensor, Elements(node, id));
    TF2_ASSIGN_OR_RETURN(Dims dims, DimsOf(id));
    if (net_.tensor(tensor).dims == dims) return tensor;
    const TensorId reshaped = AddTensor(id, std::move(dims));
    net_.ops.push_back({graph_.value(id).name + "/reshape", {tensor}, reshaped, qnet::Reshape{}});
    draft_.weights.emplace_back();
    return reshaped;
  }

  Status LowerNode(const Node& node) {
    switch (node.kind) {
      case OpKind::kConv:
        return LowerConv(node);
      case OpKind::kGemm:
      case OpKind::kMatMul:
        return LowerGemm(node);
      case OpKind::kBatchNorm:
      case OpKind::kScale:
      case OpKind::kRelu:
      case OpKind::kPad:
      case OpKind::kSub:
      case OpKind::kMul:
      case OpKind::kDiv:
        return LowerPerChannel(node);
      case OpKind::kAdd:
        if (graph_.IsConstant(node.inputs[0]) || graph_.IsConstant(node.inputs[1]))
          return LowerPerChannel(node);
        return LowerAdd(node);
      case OpKind::kMaxPool:
      case OpKind::kGlobalMaxPool:
        return LowerMaxPool(node);
      case OpKind::kAvgPool:
      case OpKind::kGlobalAvgPool:
        return LowerAvgPool(node);
      case OpKind::kConcat:
        return LowerConcat(node);
      case OpKind::kFlatten:
      case OpKind::kReshape:
      case OpKind::kIdentity:
      case OpKind::kUnsqueeze:
      case OpKind::kSqueeze:
        return LowerAlias(node);
      case OpKind::kSoftmax:
        return LowerSoftmax(node);
      case OpKind::kShape:
      case OpKind::kGather:
      case OpKind::kSlice:
      case OpKind::kCast:
        return Refuse(
            node, "it is left over from the arithmetic on shapes",
            "run the passes with constant folding, and fix open dimensions with --input-shape");
      case OpKind::kConv3d:
      case OpKind::kConvTranspose:
      case OpKind::kConvTranspose3d:
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
        return Refuse(node, "it has no rule in integers", "replace it, or end the model before it");
    }
    TF2_CHECK(false, "no such operator");
  }

  static qnet::Activation ActivationOf(bool relu) {
    return relu ? qnet::Activation::kRelu : qnet::Activation::kNone;
  }

  Status LowerConv(const Node& node) {
    const ir::ConvAttrs a = ir::ConvAttrsOf(graph_, node);
    TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
    std::vector<TensorId> inputs = {x};
    if (node.HasInput(3)) {
      TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), Shaped(node, node.inputs[3]));
    }
    FloatWeights weights;
    TF2_ASSIGN_OR_RETURN(weights.w, ConstantOf(graph_, node, 1));
    TF2_ASSIGN_OR_RETURN(weights.bias, ConstantOf(graph_, node, 2));
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    weights.bias.resize(static_cast<std::size_t>(dims[0]), 0.0F);
    qnet::Conv conv;
    conv.window = WindowOf(a);
    conv.groups = static_cast<std::int32_t>(a.groups);
    conv.activation = ActivationOf(a.relu);
    AddOp(node, std::move(inputs), AddTensor(node.outputs[0], dims), std::move(conv),
          std::move(weights));
    return {};
  }

  // Also for pools, which name their window alike.
  template <typename Attrs>
  static qnet::Window WindowOf(const Attrs& a) {
    const auto n = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
    return {n(a.kh), n(a.kw), n(a.sh), n(a.sw), n(a.pt), n(a.pl), n(a.dh), n(a.dw)};
  }

  // The kernel is the whole input, so a flatten before it needs no operator.
  Status LowerGemm(const Node& node) {
    const ir::Shape& in = graph_.value(node.inputs[0]).shape;
    if (in.size() != 2 || in[0] != 1) {
      return Refuse(node, fmt::format("its input has the shape {}", ir::ToString(in)),
                    "tf2 runs products of one row [1, k] with a constant matrix");
    }
    TF2_ASSIGN_OR_RETURN(const TensorId x, Elements(node, node.inputs[0]));
    FloatWeights weights;
    TF2_ASSIGN_OR_RETURN(weights.w, ConstantOf(graph_, node, 1));
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    const auto oc = static_cast<std::size_t>(dims[0]);
    bool relu = false;
    if (node.kind == OpKind::kMatMul) {
      weights.w = Transposed(weights.w, oc);
    } else {
      TF2_ASSIGN_OR_RETURN(weights.bias, ConstantOf(graph_, node, 2));
      relu = node.Int("relu") != 0;
    }
    weights.bias.resize(oc, 0.0F);
    qnet::Conv conv;
    conv.window.kh = net_.tensor(x).h();
    conv.window.kw = net_.tensor(x).w();
    conv.activation = ActivationOf(relu);
    AddOp(node, {x}, AddTensor(node.outputs[0], dims), std::move(conv), std::move(weights));
    return {};
  }

  // [k, oc] -> [oc, k].
  static std::vector<float> Transposed(const std::vector<float>& w, std::size_t oc) {
    std::vector<float> out(w.size());
    const std::size_t k = w.size() / oc;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t o = 0; o < oc; ++o) out[o * k + i] = w[i * oc + o];
    }
    return out;
  }

  // y = x * factor + shift (then ReLU, or zeros around it) as a depthwise 1 x 1 convolution.
  Status LowerPerChannel(const Node& node) {
    const std::size_t data = node.inputs.size() > 1 && graph_.IsConstant(node.inputs[0]) ? 1 : 0;
    TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[data]));
    if (node.kind != OpKind::kPad &&
        graph_.value(node.outputs[0]).shape != graph_.value(node.inputs[data]).shape) {
      return Refuse(node, "its constant widens the shape", "give the constant the shape [c, 1, 1]");
    }
    const std::int32_t channels = net_.tensor(x).c();
    TF2_ASSIGN_OR_RETURN(PerChannel map,
                         PerChannelOf(graph_, node, data, static_cast<std::size_t>(channels)));
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    qnet::Conv conv;
    conv.groups = channels;
    conv.activation = ActivationOf(node.kind == OpKind::kRelu ||
                                   (node.kind == OpKind::kAdd && node.Int("relu") != 0));
    if (node.kind == OpKind::kPad) TF2_RETURN_IF_ERROR(PadWindow(node, conv.window));
    AddOp(node, {x}, AddTensor(node.outputs[0], dims), std::move(conv),
          {std::move(map.factor), std::move(map.shift)});
    return {};
  }

  Status PadWindow(const Node& node, qnet::Window& window) const {
    const std::vector<std::int64_t> pads = node.Ints("pads");  // before every axis, then after
    const std::size_t rank = pads.size() / 2;
    const bool spatial = rank == 4 && pads[0] == 0 && pads[1] == 0 && pads[4] == 0 &&
                         pads[5] == 0 &&
                         std::ranges::all_of(pads, [](std::int64_t p) { return p >= 0; });
    if (!spatial || node.String("mode") != "constant" || node.Float("value") != 0) {
      return Refuse(node, "only zeros around height and width",
                    "fold the padding into the next layer, or pad the input pictures");
    }
    window.ph = static_cast<std::int32_t>(pads[2]);
    window.pw = static_cast<std::int32_t>(pads[3]);
    return {};
  }

  Status LowerAdd(const Node& node) {
    TF2_ASSIGN_OR_RETURN(const TensorId a, Shaped(node, node.inputs[0]));
    TF2_ASSIGN_OR_RETURN(const TensorId b, Shaped(node, node.inputs[1]));
    if (net_.tensor(a).dims != net_.tensor(b).dims) {
      return Refuse(node, "the operands have different shapes",
                    "broadcast at run time is not supported; repeat the smaller operand");
    }
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    AddOp(node, {a, b}, AddTensor(node.outputs[0], dims),
          qnet::Add{ActivationOf(node.Int("relu") != 0)});
    return {};
  }

  Status LowerMaxPool(const Node& node) {
    TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    AddOp(node, {x}, AddTensor(node.outputs[0], dims),
          qnet::MaxPool{WindowOf(ir::PoolAttrsOf(graph_, node))});
    return {};
  }

  Status LowerAvgPool(const Node& node) {
    const ir::PoolAttrs a = ir::PoolAttrsOf(graph_, node);
    TF2_ASSIGN_OR_RETURN(const TensorId x, Shaped(node, node.inputs[0]));
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    const qnet::Tensor& in = net_.tensor(x);
    qnet::AvgPool pool;
    pool.window = WindowOf(a);
    std::set<std::int32_t> products;
    for (const auto& row :
         interp::PoolWindows({in.h(), dims[1], a.kh, a.sh, a.dh, a.pt, a.pb}, a.divisor)) {
      pool.divisor_h.push_back(static_cast<std::int32_t>(row.divisor));
    }
    for (const auto& column :
         interp::PoolWindows({in.w(), dims[2], a.kw, a.sw, a.dw, a.pl, a.pr}, a.divisor)) {
      pool.divisor_w.push_back(static_cast<std::int32_t>(column.divisor));
    }
    for (const std::int32_t h : std::set(pool.divisor_h.begin(), pool.divisor_h.end())) {
      for (const std::int32_t w : std::set(pool.divisor_w.begin(), pool.divisor_w.end()))
        products.insert(h * w);
    }
    pool.divisors.assign(products.begin(), products.end());
    AddOp(node, {x}, AddTensor(node.outputs[0], dims), std::move(pool));
    return {};
  }

  Status LowerConcat(const Node& node) {
    const std::size_t rank = graph_.value(node.outputs[0]).shape.size();
    TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(node.Int("axis"), rank));
    if (axis != 1)
      return Refuse(node, fmt::format("it joins along axis {}", axis),
                    "tf2 joins along the channel, axis 1");
    std::vector<TensorId> inputs;
    for (const ValueId id : node.inputs) {
      TF2_ASSIGN_OR_RETURN(inputs.emplace_back(), Shaped(node, id));
    }
    TF2_ASSIGN_OR_RETURN(const Dims dims, DimsOf(node.outputs[0]));
    AddOp(node, std::move(inputs), AddTensor(node.outputs[0], dims), qnet::Concat{});
    return {};
  }

  // The output is another name for the input's elements.
  Status LowerAlias(const Node& node) {
    const auto softmax = softmax_of_.find(node.inputs[0]);
    if (softmax != softmax_of_.end()) {
      softmax_of_[node.outputs[0]] = softmax->second;
      return {};
    }
    TF2_ASSIGN_OR_RETURN(tensor_of_[node.outputs[0]], Elements(node, node.inputs[0]));
    return {};
  }

  Status LowerSoftmax(const Node& node) {
    const ir::Shape& shape = graph_.value(node.outputs[0]).shape;
    TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(node.Int("axis"), shape.size()));
    if (axis != 1)
      return Refuse(node, fmt::format("it runs along axis {}", axis),
                    "tf2 has the softmax over the channel, axis 1");
    TF2_ASSIGN_OR_RETURN(softmax_of_[node.outputs[0]], Shaped(node, node.inputs[0]));
    return {};
  }

  Status AddOutput(ValueId id) {
    const ir::Value& value = graph_.value(id);
    qnet::Output output;
    output.name = value.name;
    output.shape.assign(value.shape.begin() + (value.shape.empty() ? 0 : 1), value.shape.end());
    if (const auto softmax = softmax_of_.find(id); softmax != softmax_of_.end()) {
      output.tensor = softmax->second;
      output.head = qnet::Head::kSoftmax;
    } else if (const auto tensor = tensor_of_.find(id); tensor != tensor_of_.end()) {
      output.tensor = tensor->second;
    } else {
      return WithHint(Unsupported("the output is a constant").At(value.name),
                      "remove it from the model's outputs");
    }
    net_.outputs.push_back(std::move(output));
    return {};
  }

  const ir::Graph& graph_;
  Draft draft_;
  qnet::QNet& net_ = draft_.net;
  std::map<ValueId, TensorId> tensor_of_;   // where a value's elements are
  std::map<ValueId, TensorId> softmax_of_;  // values behind a softmax: what it reads
};

}  // namespace

Result<Draft> LowerStructure(const ir::Graph& graph) { return Lowering(graph).Run(); }

}  // namespace tf2::quantize
