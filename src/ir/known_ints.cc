// Evaluation of shape arithmetic while shapes are inferred: an exporter writes Shape -> Gather ->
// Concat -> Reshape where it means a constant, and the shapes after the reshape depend on its
// value. Only vectors and scalars; what is not understood is unknown, and constant folding, which
// runs the interpreter, finds it later.
#include <algorithm>
#include <utility>

#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {
namespace {

using Ints = std::vector<std::int64_t>;

std::optional<Ints> GatherInts(const Tensor& data, const Tensor& indices) {
  if (data.shape.size() != 1) return std::nullopt;
  const auto n = static_cast<std::int64_t>(data.i64.size());
  Ints out;
  for (std::int64_t i : indices.i64) {
    if (i < -n || i >= n) return std::nullopt;
    out.push_back(data.i64[static_cast<std::size_t>(i < 0 ? i + n : i)]);
  }
  return out;
}

std::optional<Ints> SliceInts(const Node& node, const Tensor& data) {
  const auto ranges = SliceRangesOf(node, data.shape);
  if (data.shape.size() != 1 || !ranges) return std::nullopt;
  Ints out;
  const SliceRange r = ranges->front();
  for (std::int64_t i = 0; i < r.count; ++i)
    out.push_back(data.i64[static_cast<std::size_t>(r.start + i * r.step)]);
  return out;
}

// Wraps on overflow; none where a division is undefined.
std::optional<std::int64_t> Apply(OpKind kind, std::int64_t a, std::int64_t b) {
  const auto ua = static_cast<std::uint64_t>(a);
  const auto ub = static_cast<std::uint64_t>(b);
  if (kind == OpKind::kAdd) return static_cast<std::int64_t>(ua + ub);
  if (kind == OpKind::kSub) return static_cast<std::int64_t>(ua - ub);
  if (kind == OpKind::kMul) return static_cast<std::int64_t>(ua * ub);
  if (b == 0 || (a == INT64_MIN && b == -1)) return std::nullopt;
  return a / b;
}

std::optional<Ints> ArithmeticInts(OpKind kind, const Ints& a, const Ints& b) {
  const std::size_t n = std::max(a.size(), b.size());
  if (std::min(a.size(), b.size()) != 1 && a.size() != b.size()) return std::nullopt;
  Ints out;
  for (std::size_t i = 0; i < n; ++i) {
    const auto v = Apply(kind, a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
    if (!v) return std::nullopt;
    out.push_back(*v);
  }
  return out;
}

std::optional<Ints> Evaluate(const RuleContext& c) {
  switch (c.node.kind) {
    case OpKind::kShape:
      return c.shape(0);
    case OpKind::kGather:
      return c.ints(0) && c.ints(1) ? GatherInts(*c.ints(0), *c.ints(1)) : std::nullopt;
    case OpKind::kSlice:
      return c.ints(0) ? SliceInts(c.node, *c.ints(0)) : std::nullopt;
    case OpKind::kConcat: {
      Ints out;
      for (std::size_t i = 0; i < c.node.inputs.size(); ++i) {
        if (c.ints(i) == nullptr || c.rank(i) != 1) return std::nullopt;
        out.insert(out.end(), c.ints(i)->i64.begin(), c.ints(i)->i64.end());
      }
      return out;
    }
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
      return c.ints(0) && c.ints(1) ? ArithmeticInts(c.node.kind, c.ints(0)->i64, c.ints(1)->i64)
                                    : std::nullopt;
    case OpKind::kUnsqueeze:
    case OpKind::kSqueeze:
    case OpKind::kReshape:
    case OpKind::kFlatten:
    case OpKind::kIdentity:
    case OpKind::kCast:
      return c.ints(0) ? std::optional<Ints>(c.ints(0)->i64) : std::nullopt;
    case OpKind::kConv:
    case OpKind::kGemm:
    case OpKind::kMatMul:
    case OpKind::kBatchNorm:
    case OpKind::kScale:
    case OpKind::kRelu:
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
    case OpKind::kPad:
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
    case OpKind::kLogSoftmax:
    case OpKind::kHardmax:
    case OpKind::kSoftmax:
      return std::nullopt;
  }
  TF2_CHECK(false, "no such operator");
}

}  // namespace

std::optional<Tensor> EvaluateInts(const RuleContext& c, const Inferred& result) {
  constexpr std::int64_t kLargest = 4096;
  if (result.dtype != DType::kInt64 || ElementCount(result.shape) > kLargest) return std::nullopt;
  std::optional<Ints> ints = Evaluate(c);
  if (!ints || static_cast<std::int64_t>(ints->size()) != ElementCount(result.shape))
    return std::nullopt;
  return Tensor::Int(result.shape, *std::move(ints));
}

}  // namespace tf2::ir
