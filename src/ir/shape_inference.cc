#include <utility>

#include "ir/checks.h"
#include "ir/functions.h"
#include "ir/graph.h"
#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {

const Tensor* RuleContext::known_value(std::size_t i) const {
  const auto it = known.find(node.inputs[i]);
  return it == known.end() ? nullptr : it->second.get();
}

const Tensor* RuleContext::ints(std::size_t i) const {
  const Tensor* value = known_value(i);
  return value != nullptr && value->dtype == DType::kInt64 ? value : nullptr;
}

Status ExpectRank(const RuleContext& c, std::size_t input, std::size_t rank) {
  if (c.rank(input) == rank) return {};
  return InvalidArgument("input {} is {}, {} axes are needed", input, ToString(c.shape(input)),
                         rank);
}

Status ExpectFloat(const RuleContext& c) {
  for (std::size_t i = 0; i < c.node.inputs.size(); ++i) {
    if (c.node.HasInput(i) && c.dtype(i) != DType::kFloat32)
      return InvalidArgument("input {} is not of type f32", i);
  }
  return {};
}

Status ExpectInts(const RuleContext& c, std::size_t input) {
  if (c.dtype(input) == DType::kInt64) return {};
  return InvalidArgument("input {} is not of type i64", input);
}

Status ExpectVector(const RuleContext& c, std::size_t input, std::int64_t n, const char* what) {
  if (!c.node.HasInput(input) || c.shape(input) == Shape{n}) return {};
  return InvalidArgument("{} (input {}) is {}, not [{}]", what, input, ToString(c.shape(input)), n);
}

Status CheckShape(const Shape& shape, DType dtype) {
  const std::int64_t least = dtype == DType::kInt64 ? 0 : 1;
  if (shape.size() > kMaxRank)
    return InvalidArgument("a tensor of {} axes; {} are legal", shape.size(), kMaxRank);
  std::int64_t count = 1;
  for (std::int64_t d : shape) {
    if (d < least) return InvalidArgument("shape {} has a dimension of {}", ToString(shape), d);
    if (d > kMaxDimension || (d != 0 && count > kMaxElements / d)) {
      return ResourceExhausted("shape {} is too large", ToString(shape));
    }
    count *= d;
  }
  return {};
}

namespace {

Result<Inferred> ArithmeticShape(const RuleContext& c) {
  if (c.dtype(0) != c.dtype(1)) return InvalidArgument("inputs differ in type");
  TF2_ASSIGN_OR_RETURN(Shape y, BroadcastShape(c.shape(0), c.shape(1)));
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> SoftmaxShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(NormalizeAxis(c.node.Int("axis"), c.rank(0)));
  return Inferred{c.shape(0)};
}

Result<Inferred> ReluShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  return Inferred{c.shape(0)};
}

Result<Inferred> InferNode(const RuleContext& c) {
  switch (c.node.kind) {
    case OpKind::kConv:
    case OpKind::kConv3d:
      return ConvShape(c);
    case OpKind::kGemm:
      return GemmShape(c);
    case OpKind::kMatMul:
      return MatMulShape(c);
    case OpKind::kBatchNorm:
    case OpKind::kScale:
      return PerChannelShape(c);
    case OpKind::kRelu:
      return ReluShape(c);
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
      return ArithmeticShape(c);
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kMaxPoolIndices:
    case OpKind::kMaxPool3d:
    case OpKind::kAvgPool3d:
      return PoolShape(c);
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
      return GlobalPoolShape(c);
    case OpKind::kConcat:
      return ConcatShape(c);
    case OpKind::kPad:
      return PadShape(c);
    case OpKind::kFlatten:
      return FlattenShape(c);
    case OpKind::kReshape:
      return ReshapeShape(c);
    case OpKind::kIdentity:
      return Inferred{c.shape(0), c.dtype(0)};
    case OpKind::kSoftmax:
    case OpKind::kLogSoftmax:
    case OpKind::kHardmax:
      return SoftmaxShape(c);
    case OpKind::kShape:
      return Inferred{{static_cast<std::int64_t>(c.rank(0))}, DType::kInt64};
    case OpKind::kGather:
      return GatherShape(c);
    case OpKind::kUnsqueeze:
      return UnsqueezeShape(c);
    case OpKind::kSqueeze:
      return SqueezeShape(c);
    case OpKind::kSlice:
      return SliceShape(c);
    case OpKind::kCast: {
      const std::string to = c.node.String("to");
      return Inferred{c.shape(0), to == "f32" || to == "bf16" ? DType::kFloat32 : DType::kInt64};
    }
    case OpKind::kConvTranspose:
    case OpKind::kConvTranspose3d:
      return ConvTransposeShape(c);
    case OpKind::kEinsum:
      return EinsumShape(c);
    case OpKind::kUnary:
      return UnaryShape(c);
    case OpKind::kClip:
      return ReluShape(c);
    case OpKind::kPrelu:
      return PreluShape(c);
    case OpKind::kBinary:
      return BinaryShape(c);
    case OpKind::kWhere:
      return WhereShape(c);
    case OpKind::kQuantizeLinear:
    case OpKind::kDequantizeLinear:
      return QuantizeShape(c);
    case OpKind::kMultiThreshold:
      return MultiThresholdShape(c);
    case OpKind::kLrn:
      return LrnShape(c);
    case OpKind::kGroupNorm:
    case OpKind::kLayerNorm:
      return NormShape(c);
    case OpKind::kMvn:
    case OpKind::kL2Normalize:
      return AxesNormShape(c);
    case OpKind::kReduce:
      return ReduceShape(c);
    case OpKind::kArgMax:
    case OpKind::kArgMin:
      return ArgShape(c);
    case OpKind::kTopK:
      return TopKShape(c);
    case OpKind::kCumSum:
      return CumSumShape(c);
    case OpKind::kTranspose:
      return TransposeShape(c);
    case OpKind::kExpand:
      return ExpandShape(c);
    case OpKind::kTile:
      return TileShape(c);
    case OpKind::kResize:
      return ResizeShape(c);
    case OpKind::kDepthToSpace:
    case OpKind::kSpaceToDepth:
      return BlockShape(c);
    case OpKind::kTrilu:
      return TriluShape(c);
    case OpKind::kOneHot:
      return OneHotShape(c);
    case OpKind::kGatherElements:
      return GatherElementsShape(c);
    case OpKind::kGatherNd:
      return GatherNdShape(c);
    case OpKind::kScatterElements:
    case OpKind::kScatterNd:
      return ScatterShape(c);
    case OpKind::kReverseSequence:
      return ReverseSequenceShape(c);
    case OpKind::kGridSample:
      return GridSampleShape(c);
    case OpKind::kRoiAlign:
      return RoiAlignShape(c);
    case OpKind::kRoiPool:
      return RoiPoolShape(c);
    case OpKind::kProposal:
      return ProposalShape(c);
    case OpKind::kDetectionOutput:
      return DetectionOutputShape(c);
  }
  TF2_CHECK(false, "no such operator");
}

bool IsSmall(const Value& v) {
  return v.dtype == DType::kInt64 || ElementCount(v.shape) <= kLargestKnown;
}

Status CheckSources(const Graph& graph, std::vector<bool>& defined, KnownValues& known) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& v = graph.values[i];
    if (v.constant == nullptr) continue;
    defined[i] = true;
    if (IsSmall(v)) known.emplace(ValueId(static_cast<std::int32_t>(i)), v.constant);
  }
  for (ValueId id : graph.inputs) {
    const Value& v = graph.value(id);
    if (Status s = CheckShape(v.shape, v.dtype); !s.ok()) {
      return WithHint(std::move(s.error()).At(fmt::format("input {}", v.name)),
                      "give the shape, as in 1,3,224,224");
    }
    defined[Index(id)] = true;
  }
  return {};
}

Status InferInto(Graph& graph, const Node& node, std::vector<bool>& defined, KnownValues& known) {
  TF2_RETURN_IF_ERROR(CheckNode(graph, node));
  const auto located = [&node](Error error) {
    return std::move(error).At(fmt::format("{} ({})", node.name, NameOf(node.kind)));
  };
  for (ValueId in : node.inputs) {
    if (in != kNoValue && !defined[Index(in)]) {
      return located(
          InvalidArgument("reads {}, which nothing before it produces", graph.value(in).name));
    }
  }
  const RuleContext context{graph, node, known};
  Result<Inferred> inferred = InferNode(context);
  if (!inferred) return located(std::move(inferred.error()));
  if (Status s = CheckShape(inferred->shape, inferred->dtype); !s.ok())
    return located(std::move(s.error()));
  if (auto value = EvaluateKnown(context, *inferred))
    known.insert_or_assign(node.outputs[0], std::move(value));
  Value& out = graph.value(node.outputs[0]);
  out.shape = std::move(inferred->shape);
  out.dtype = inferred->dtype;
  defined[Index(node.outputs[0])] = true;
  return {};
}

}  // namespace

Status InferShapes(Graph& graph) {
  std::vector<bool> defined(graph.values.size(), false);
  KnownValues known;
  TF2_RETURN_IF_ERROR(CheckSources(graph, defined, known));
  for (const Node& node : graph.nodes) TF2_RETURN_IF_ERROR(InferInto(graph, node, defined, known));
  return {};
}

}  // namespace tf2::ir
