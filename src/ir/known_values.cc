// Evaluation of shape arithmetic while shapes are inferred: an exporter writes Shape -> Gather ->
// Concat -> Reshape, or Shape -> Cast -> Mul -> Floor -> Resize, where it means a constant, and the
// shapes behind it depend on its value. Only small tensors; what is not understood is unknown, and
// constant folding, which runs the interpreter, finds it later.
#include <algorithm>
#include <cmath>
#include <memory>
#include <type_traits>
#include <utility>

#include "ir/functions.h"
#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {
namespace {

using Ints = std::vector<std::int64_t>;
using Known = std::optional<Tensor>;

// The element of `shape` at the last coordinates of `at`; axes of size one are repeated.
std::size_t Broadcast(const Shape& shape, const Ints& at) {
  std::int64_t flat = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::int64_t i = at[at.size() - shape.size() + d];
    flat = flat * shape[d] + (shape[d] == 1 ? 0 : i);
  }
  return static_cast<std::size_t>(flat);
}

Tensor Empty(const Inferred& result) {
  const auto n = static_cast<std::size_t>(ElementCount(result.shape));
  Tensor t;
  t.dtype = result.dtype;
  t.shape = result.shape;
  if (t.dtype == DType::kFloat32) {
    t.f32.resize(n);
  } else {
    t.i64.resize(n);
  }
  return t;
}

// y[at] = x[source(at)] for every coordinate of the result.
template <typename F>
Tensor Take(const Tensor& x, const Inferred& result, F&& source) {
  Tensor y = Empty(result);
  for (std::int64_t i = 0; i < ElementCount(result.shape); ++i) {
    const std::size_t from = source(Coordinates(result.shape, i));
    const auto to = static_cast<std::size_t>(i);
    if (y.dtype == DType::kFloat32) {
      y.f32[to] = x.f32[from];
    } else {
      y.i64[to] = x.i64[from];
    }
  }
  return y;
}

std::size_t Flat(const Shape& shape, const Ints& at) {
  std::int64_t flat = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) flat = flat * shape[d] + at[d];
  return static_cast<std::size_t>(flat);
}

Known TakeGather(const Node& node, const Tensor& x, const Tensor& indices, const Inferred& result) {
  const auto axis = NormalizeAxis(node.Int("axis"), x.shape.size());
  const std::int64_t size = x.shape[*axis];
  for (std::int64_t i : indices.i64) {
    if (i < -size || i >= size) return std::nullopt;
  }
  return Take(x, result, [&](const Ints& at) {
    Ints from(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(*axis));
    std::int64_t index = 0;
    for (std::size_t d = 0; d < indices.shape.size(); ++d)
      index = index * indices.shape[d] + at[*axis + d];
    const std::int64_t i = indices.i64[static_cast<std::size_t>(index)];
    from.push_back(i < 0 ? i + size : i);
    from.insert(from.end(), at.begin() + static_cast<std::ptrdiff_t>(*axis + indices.shape.size()),
                at.end());
    return Flat(x.shape, from);
  });
}

Known TakeSlice(const Node& node, const Tensor& x, const Inferred& result) {
  const auto ranges = SliceRangesOf(node, x.shape);
  if (!ranges) return std::nullopt;
  return Take(x, result, [&](Ints at) {
    for (std::size_t d = 0; d < at.size(); ++d)
      at[d] = (*ranges)[d].start + at[d] * (*ranges)[d].step;
    return Flat(x.shape, at);
  });
}

Known TakeTranspose(const Node& node, const Tensor& x, const Inferred& result) {
  const Ints perm = node.Ints("perm");
  return Take(x, result, [&](const Ints& at) {
    Ints from(at.size());
    for (std::size_t d = 0; d < at.size(); ++d) from[static_cast<std::size_t>(perm[d])] = at[d];
    return Flat(x.shape, from);
  });
}

Known TakeConcat(const RuleContext& c, const Inferred& result) {
  if (result.shape.size() != 1) return std::nullopt;
  Tensor y;
  y.dtype = result.dtype;
  y.shape = result.shape;
  for (std::size_t i = 0; i < c.node.inputs.size(); ++i) {
    y.f32.insert(y.f32.end(), c.known_value(i)->f32.begin(), c.known_value(i)->f32.end());
    y.i64.insert(y.i64.end(), c.known_value(i)->i64.begin(), c.known_value(i)->i64.end());
  }
  return y;
}

// Wraps on overflow; none where a division is undefined.
std::optional<std::int64_t> Arithmetic(OpKind kind, std::int64_t a, std::int64_t b) {
  const auto ua = static_cast<std::uint64_t>(a);
  const auto ub = static_cast<std::uint64_t>(b);
  if (kind == OpKind::kAdd) return static_cast<std::int64_t>(ua + ub);
  if (kind == OpKind::kSub) return static_cast<std::int64_t>(ua - ub);
  if (kind == OpKind::kMul) return static_cast<std::int64_t>(ua * ub);
  if (b == 0 || (a == INT64_MIN && b == -1)) return std::nullopt;
  return a / b;
}

std::optional<float> Arithmetic(OpKind kind, float a, float b) {
  if (kind == OpKind::kAdd) return a + b;
  if (kind == OpKind::kSub) return a - b;
  if (kind == OpKind::kMul) return a * b;
  return a / b;
}

// Functions that shape arithmetic uses; none for the others.
template <typename T>
std::optional<T> Value(BinaryFn fn, T a, T b) {
  if (fn == BinaryFn::kMax) return std::max(a, b);
  if (fn == BinaryFn::kMin) return std::min(a, b);
  if constexpr (std::is_same_v<T, std::int64_t>) {
    if (fn == BinaryFn::kMod && b != 0) return FloorMod(a, b);
    if (fn == BinaryFn::kFmod && b != 0) return Fmod(a, b);
  }
  return std::nullopt;
}

template <typename T>
std::optional<std::int64_t> Truth(BinaryFn fn, T a, T b) {
  if (fn == BinaryFn::kEqual) return a == b ? 1 : 0;
  if (fn == BinaryFn::kLess) return a < b ? 1 : 0;
  if (fn == BinaryFn::kLessOrEqual) return a <= b ? 1 : 0;
  if (fn == BinaryFn::kGreater) return a > b ? 1 : 0;
  if (fn == BinaryFn::kGreaterOrEqual) return a >= b ? 1 : 0;
  if (fn == BinaryFn::kAnd) return a != 0 && b != 0 ? 1 : 0;
  if (fn == BinaryFn::kOr) return a != 0 || b != 0 ? 1 : 0;
  if (fn == BinaryFn::kXor) return (a != 0) != (b != 0) ? 1 : 0;
  return std::nullopt;
}

// y = f(a, b) with broadcasting; none where f is none anywhere.
template <typename From, typename To, typename F>
bool Zip(const Tensor& a, const std::vector<From>& va, const Tensor& b, const std::vector<From>& vb,
         const Shape& shape, std::vector<To>& y, F&& f) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    const Ints at = Coordinates(shape, static_cast<std::int64_t>(i));
    const auto v = f(va[Broadcast(a.shape, at)], vb[Broadcast(b.shape, at)]);
    if (!v) return false;
    y[i] = static_cast<To>(*v);
  }
  return true;
}

Known EvaluateArithmetic(const RuleContext& c, const Inferred& result) {
  Tensor y = Empty(result);
  const Tensor& a = *c.known_value(0);
  const Tensor& b = *c.known_value(1);
  const auto f = [&](auto x, auto z) { return Arithmetic(c.node.kind, x, z); };
  if (c.node.kind == OpKind::kAdd && c.node.Int("relu") != 0) return std::nullopt;
  const bool ok = y.dtype == DType::kFloat32 ? Zip(a, a.f32, b, b.f32, y.shape, y.f32, f)
                                             : Zip(a, a.i64, b, b.i64, y.shape, y.i64, f);
  return ok ? Known(std::move(y)) : std::nullopt;
}

Known EvaluateBinary(const RuleContext& c, const Inferred& result) {
  const BinaryFn fn = BinaryFnOf(c.node);
  Tensor y = Empty(result);
  const Tensor& a = *c.known_value(0);
  const Tensor& b = *c.known_value(1);
  const auto value = [fn](auto x, auto z) { return Value(fn, x, z); };
  const auto truth = [fn](auto x, auto z) { return Truth(fn, x, z); };
  bool ok = false;
  if (GivesTruth(fn)) {
    ok = a.dtype == DType::kFloat32 ? Zip(a, a.f32, b, b.f32, y.shape, y.i64, truth)
                                    : Zip(a, a.i64, b, b.i64, y.shape, y.i64, truth);
  } else {
    ok = a.dtype == DType::kFloat32 ? Zip(a, a.f32, b, b.f32, y.shape, y.f32, value)
                                    : Zip(a, a.i64, b, b.i64, y.shape, y.i64, value);
  }
  return ok ? Known(std::move(y)) : std::nullopt;
}

Known EvaluateWhere(const RuleContext& c, const Inferred& result) {
  const Tensor& condition = *c.known_value(0);
  const Tensor& a = *c.known_value(1);
  const Tensor& b = *c.known_value(2);
  Tensor y = Empty(result);
  for (std::int64_t i = 0; i < ElementCount(y.shape); ++i) {
    const Ints at = Coordinates(y.shape, i);
    const Tensor& chosen = condition.i64[Broadcast(condition.shape, at)] != 0 ? a : b;
    const auto to = static_cast<std::size_t>(i);
    if (y.dtype == DType::kFloat32) {
      y.f32[to] = chosen.f32[Broadcast(chosen.shape, at)];
    } else {
      y.i64[to] = chosen.i64[Broadcast(chosen.shape, at)];
    }
  }
  return y;
}

Known EvaluateCast(const RuleContext& c, const Inferred& result) {
  const Tensor& x = *c.known_value(0);
  const std::string to = c.node.String("to");
  Tensor y = Empty(result);
  if (to != "f32" && to != "i64" && to != "i32" && to != "bool") return std::nullopt;
  for (std::size_t i = 0; i < std::max(y.f32.size(), y.i64.size()); ++i) {
    const bool from_float = x.dtype == DType::kFloat32;
    if (y.dtype == DType::kFloat32) {
      y.f32[i] = from_float ? x.f32[i] : static_cast<float>(x.i64[i]);
      continue;
    }
    if (from_float && !(std::fabs(x.f32[i]) < 0x1p62F)) return std::nullopt;
    std::int64_t v = from_float ? static_cast<std::int64_t>(x.f32[i]) : x.i64[i];
    if (to == "bool") v = (from_float ? x.f32[i] != 0 : v != 0) ? 1 : 0;
    y.i64[i] = to == "i32" ? static_cast<std::int32_t>(v) : v;
  }
  return y;
}

Known EvaluateUnary(const RuleContext& c, const Inferred& result) {
  const UnaryFn fn = UnaryFnOf(c.node);
  const Tensor& x = *c.known_value(0);
  Tensor y = Empty(result);
  for (std::size_t i = 0; i < x.f32.size(); ++i) {
    const float v = x.f32[i];
    if (fn == UnaryFn::kFloor) {
      y.f32[i] = std::floor(v);
    } else if (fn == UnaryFn::kCeil) {
      y.f32[i] = std::ceil(v);
    } else if (fn == UnaryFn::kRound) {
      y.f32[i] = std::nearbyint(v);
    } else if (fn == UnaryFn::kNeg) {
      y.f32[i] = -v;
    } else if (fn == UnaryFn::kSqrt) {
      y.f32[i] = std::sqrt(v);
    } else {
      return std::nullopt;
    }
  }
  for (std::size_t i = 0; i < x.i64.size(); ++i) {
    const std::int64_t v = x.i64[i];
    if (fn == UnaryFn::kNot) {
      y.i64[i] = v == 0 ? 1 : 0;
    } else if (fn == UnaryFn::kNeg) {
      y.i64[i] = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(v));
    } else {
      return std::nullopt;
    }
  }
  return y;
}

Known EvaluateReduce(const RuleContext& c, const Inferred& result) {
  const ReduceFn fn = ReduceFnOf(c.node);
  const Tensor& x = *c.known_value(0);
  const bool folds =
      fn == ReduceFn::kSum || fn == ReduceFn::kProd || fn == ReduceFn::kMax || fn == ReduceFn::kMin;
  if (!folds || result.dtype != DType::kInt64 || ElementCount(result.shape) != 1 || x.i64.empty())
    return std::nullopt;
  std::int64_t value = x.i64[0];
  for (std::size_t i = 1; i < x.i64.size(); ++i) {
    const std::int64_t v = x.i64[i];
    if (fn == ReduceFn::kSum) {
      value = *Arithmetic(OpKind::kAdd, value, v);
    } else if (fn == ReduceFn::kProd) {
      value = *Arithmetic(OpKind::kMul, value, v);
    } else if (fn == ReduceFn::kMax) {
      value = std::max(value, v);
    } else {
      value = std::min(value, v);
    }
  }
  Tensor y = Empty(result);
  y.i64[0] = value;
  return y;
}

bool AllKnown(const RuleContext& c) {
  for (std::size_t i = 0; i < c.node.inputs.size(); ++i) {
    if (!c.node.HasInput(i) || c.known_value(i) == nullptr) return false;
  }
  return true;
}

// With all inputs known; the list of operators is that of what exporters use in shape arithmetic.
Known Evaluate(const RuleContext& c, const Inferred& result) {
  const Tensor& x = *c.known_value(0);
  switch (c.node.kind) {
    case OpKind::kGather:
      return TakeGather(c.node, x, *c.known_value(1), result);
    case OpKind::kSlice:
      return TakeSlice(c.node, x, result);
    case OpKind::kTranspose:
      return TakeTranspose(c.node, x, result);
    case OpKind::kExpand:
      return Take(x, result, [&](const Ints& at) { return Broadcast(x.shape, at); });
    case OpKind::kTile:
      return Take(x, result, [&](Ints at) {
        for (std::size_t d = 0; d < at.size(); ++d) at[d] %= x.shape[d];
        return Flat(x.shape, at);
      });
    case OpKind::kConcat:
      return TakeConcat(c, result);
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
      return EvaluateArithmetic(c, result);
    case OpKind::kBinary:
      return EvaluateBinary(c, result);
    case OpKind::kWhere:
      return EvaluateWhere(c, result);
    case OpKind::kUnary:
      return EvaluateUnary(c, result);
    case OpKind::kReduce:
      return EvaluateReduce(c, result);
    case OpKind::kCast:
      return EvaluateCast(c, result);
    case OpKind::kUnsqueeze:
    case OpKind::kSqueeze:
    case OpKind::kReshape:
    case OpKind::kFlatten:
    case OpKind::kIdentity: {
      Tensor y = x;
      y.shape = result.shape;
      return y;
    }
    case OpKind::kEinsum:
    case OpKind::kClip:
    case OpKind::kPrelu:
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
    case OpKind::kArgMax:
    case OpKind::kArgMin:
    case OpKind::kTopK:
    case OpKind::kCumSum:
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
    case OpKind::kRoiPool:
    case OpKind::kProposal:
    case OpKind::kDetectionOutput:
    case OpKind::kLogSoftmax:
    case OpKind::kHardmax:
    case OpKind::kConv3d:
    case OpKind::kConvTranspose:
    case OpKind::kConvTranspose3d:
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
    case OpKind::kSoftmax:
    case OpKind::kShape:
      return std::nullopt;
  }
  TF2_CHECK(false, "no such operator");
}

}  // namespace

std::shared_ptr<const Tensor> EvaluateKnown(const RuleContext& c, const Inferred& result) {
  if (ElementCount(result.shape) > kLargestKnown) return nullptr;
  if (c.node.kind == OpKind::kShape) {
    Shape shape = c.shape(0);
    return std::make_shared<const Tensor>(Tensor::Int(result.shape, std::move(shape)));
  }
  if (c.node.inputs.empty() || !AllKnown(c)) return nullptr;
  Known value = Evaluate(c, result);
  if (!value) return nullptr;
  for (float v : value->f32) {
    if (!std::isfinite(v)) return nullptr;
  }
  return std::make_shared<const Tensor>(*std::move(value));
}

}  // namespace tf2::ir
