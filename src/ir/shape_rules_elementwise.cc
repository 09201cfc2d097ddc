// Shape rules of the element-wise operators and the normalisations.
#include <utility>

#include "ir/functions.h"
#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {
namespace {

// Shape `x` broadcasts to `y` without widening it.
Status ExpectBroadcastsTo(const Shape& x, const Shape& y) {
  TF2_ASSIGN_OR_RETURN(const Shape both, BroadcastShape(x, y));
  if (both == y) return {};
  return InvalidArgument("{} does not broadcast to {}", ToString(x), ToString(y));
}

}  // namespace

Result<Inferred> UnaryShape(const RuleContext& c) {
  const UnaryFn fn = UnaryFnOf(c.node);
  const bool is_int = c.dtype(0) == DType::kInt64;
  if (is_int ? !AllowsIntegers(fn) : TakesIntegers(fn))
    return InvalidArgument("{} is not defined on {}", NameOf(fn), NameOf(c.dtype(0)));
  return Inferred{c.shape(0), GivesTruth(fn) ? DType::kInt64 : c.dtype(0)};
}

Result<Inferred> PreluShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectBroadcastsTo(c.shape(1), c.shape(0)));
  return Inferred{c.shape(0)};
}

Result<Inferred> BinaryShape(const RuleContext& c) {
  const BinaryFn fn = BinaryFnOf(c.node);
  if (c.dtype(0) != c.dtype(1)) return InvalidArgument("inputs differ in type");
  if (TakesIntegers(fn)) TF2_RETURN_IF_ERROR(ExpectInts(c, 0));
  TF2_ASSIGN_OR_RETURN(Shape y, BroadcastShape(c.shape(0), c.shape(1)));
  return Inferred{std::move(y), GivesTruth(fn) ? DType::kInt64 : c.dtype(0)};
}

Result<Inferred> WhereShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectInts(c, 0));
  if (c.dtype(1) != c.dtype(2)) return InvalidArgument("inputs 1 and 2 differ in type");
  TF2_ASSIGN_OR_RETURN(const Shape values, BroadcastShape(c.shape(1), c.shape(2)));
  TF2_ASSIGN_OR_RETURN(Shape y, BroadcastShape(c.shape(0), values));
  return Inferred{std::move(y), c.dtype(1)};
}

Result<Inferred> QuantizeShape(const RuleContext& c) {
  const bool quantizes = c.node.kind == OpKind::kQuantizeLinear;
  if ((c.dtype(0) == DType::kFloat32) != quantizes)
    return InvalidArgument("input 0 is of type {}", NameOf(c.dtype(0)));
  if (c.dtype(1) != DType::kFloat32) return InvalidArgument("the scale is not of type f32");
  if (c.node.HasInput(2)) {
    TF2_RETURN_IF_ERROR(ExpectInts(c, 2));
    if (ElementCount(c.shape(2)) != ElementCount(c.shape(1)))
      return InvalidArgument("scale {} and zero point {} differ in size", ToString(c.shape(1)),
                             ToString(c.shape(2)));
  }
  if (ElementCount(c.shape(1)) != 1) {
    TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), c.rank(0)));
    TF2_RETURN_IF_ERROR(ExpectVector(c, 1, c.shape(0)[axis], "scale"));
  }
  return Inferred{c.shape(0), quantizes ? DType::kInt64 : DType::kFloat32};
}

Result<Inferred> MultiThresholdShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, 2));
  const std::int64_t channels = c.rank(0) < 2 ? 1 : c.shape(0)[1];
  if (c.shape(1)[0] != 1 && c.shape(1)[0] != channels) {
    return InvalidArgument("thresholds {} do not fit the {} channels of {}", ToString(c.shape(1)),
                           channels, ToString(c.shape(0)));
  }
  return Inferred{c.shape(0)};
}

Result<Inferred> LrnShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  if (c.rank(0) < 2) return InvalidArgument("input {} has no channel axis", ToString(c.shape(0)));
  const std::int64_t size = c.node.Int("size");
  if (size > kMaxDimension) return InvalidArgument("size {} is too large", size);
  if (c.node.String("region") == "within") {
    TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
    if (size % 2 == 0)
      return InvalidArgument("size {} is even; a square within a channel has a centre", size);
  }
  return Inferred{c.shape(0)};
}

Result<Inferred> NormShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  const Shape& x = c.shape(0);
  if (c.node.kind == OpKind::kGroupNorm) {
    if (x.size() < 2) return InvalidArgument("input {} has no channel axis", ToString(x));
    const std::int64_t groups = c.node.Int("groups");
    if (groups > x[1] || x[1] % groups != 0)
      return InvalidArgument("{} channels do not divide into {} groups", x[1], groups);
    TF2_RETURN_IF_ERROR(ExpectVector(c, 1, x[1], "gamma"));
    TF2_RETURN_IF_ERROR(ExpectVector(c, 2, x[1], "beta"));
    return Inferred{x};
  }
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), x.size()));
  const Shape inner(x.begin() + static_cast<std::ptrdiff_t>(axis), x.end());
  for (std::size_t i = 1; i < 3; ++i) {
    if (c.node.HasInput(i)) TF2_RETURN_IF_ERROR(ExpectBroadcastsTo(c.shape(i), inner));
  }
  return Inferred{x};
}

Result<Inferred> AxesNormShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(NormalizeAxes(c.node.Ints("axes"), c.rank(0)));
  return Inferred{c.shape(0)};
}

}  // namespace tf2::ir
