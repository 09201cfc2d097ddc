// Shape rules of the weighted operators and the pools.
#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {
namespace {

// The number of windows along an axis of `what`, or an error where none fits.
Result<std::int64_t> CountWindows(const WindowAxis& axis, const char* what) {
  const std::int64_t count = WindowCount(axis);
  if (count < 1) {
    return InvalidArgument(
        "a window of {} (kernel {}, dilation {}) does not fit the {} {} with padding {} and {}",
        axis.dilation * (axis.kernel - 1) + 1, axis.kernel, axis.dilation, what, axis.in,
        axis.pad_begin, axis.pad_end);
  }
  return count;
}

// Whether the window that starts at `start` (0 is the first element) has a tap inside the input.
bool TouchesInput(const WindowAxis& axis, std::int64_t start) {
  const std::int64_t first_tap = start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
  return first_tap < axis.kernel && start + first_tap * axis.dilation < axis.in;
}

// A pool's window must hold at least one element: neither a maximum nor an average of nothing
// exists.
Status CheckNoEmptyWindow(const WindowAxis& axis, std::int64_t count, const char* what) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (!TouchesInput(axis, i * axis.stride - axis.pad_begin)) {
      return InvalidArgument("window {} along the {} lies in the padding entirely", i, what);
    }
  }
  return {};
}

Status CheckSizes(const std::vector<std::int64_t>& values, const char* what) {
  for (std::int64_t v : values) {
    if (v > kMaxDimension)
      return InvalidArgument("{} {} is larger than {}", what, v, kMaxDimension);
  }
  return {};
}

Status CheckWindowAttrs(const Node& node) {
  TF2_RETURN_IF_ERROR(CheckSizes(node.Ints("strides"), "stride"));
  TF2_RETURN_IF_ERROR(CheckSizes(node.Ints("dilations"), "dilation"));
  return CheckSizes(node.Ints("pads"), "padding");
}

// Windows of an operator with any number of spatial axes: the output's [n, oc, ...].
Result<Shape> WindowOutput(const Shape& x, std::int64_t oc, const WindowAttrs& a, bool no_empty) {
  static constexpr const char* kNames[] = {"depth", "height", "width"};
  const std::size_t spatial = a.kernel.size();
  Shape y = {x[0], oc};
  for (std::size_t d = 0; d < spatial; ++d) {
    const char* name = kNames[d + 3 - spatial];
    const WindowAxis axis = {x[d + 2],  a.kernel[d],         a.strides[d], a.dilations[d],
                             a.pads[d], a.pads[d + spatial], a.ceil};
    TF2_ASSIGN_OR_RETURN(const std::int64_t count, CountWindows(axis, name));
    if (no_empty) TF2_RETURN_IF_ERROR(CheckNoEmptyWindow(axis, count, name));
    y.push_back(count);
  }
  return y;
}

Status CheckGroups(std::int64_t channels, std::int64_t groups, const char* what) {
  if (groups <= channels && channels % groups == 0) return {};
  return InvalidArgument("{} {} channels do not divide into {} groups", channels, what, groups);
}

}  // namespace

Result<Inferred> ConvShape(const RuleContext& c) {
  const std::size_t rank = c.node.kind == OpKind::kConv ? 4 : 5;
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, rank));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, rank));
  TF2_RETURN_IF_ERROR(CheckWindowAttrs(c.node));
  const Shape& x = c.shape(0);
  const Shape& w = c.shape(1);
  const WindowAttrs a = WindowAttrsOf(c.graph, c.node);
  TF2_RETURN_IF_ERROR(CheckGroups(w[0], a.groups, "output"));
  if (x[1] != w[1] * a.groups) {
    return InvalidArgument("input {} has {} channels, weights {} with {} groups want {}",
                           ToString(x), x[1], ToString(w), a.groups, w[1] * a.groups);
  }
  TF2_RETURN_IF_ERROR(ExpectVector(c, 2, w[0], "bias"));
  TF2_ASSIGN_OR_RETURN(Shape y, WindowOutput(x, w[0], a, false));
  if (c.node.HasInput(3) && c.shape(3) != y) {
    return InvalidArgument("residual is {}, not {}", ToString(c.shape(3)), ToString(y));
  }
  return Inferred{std::move(y)};
}

Result<Inferred> PoolShape(const RuleContext& c) {
  const OpKind kind = c.node.kind;
  const bool volume = kind == OpKind::kMaxPool3d || kind == OpKind::kAvgPool3d;
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, volume ? 5 : 4));
  TF2_RETURN_IF_ERROR(CheckWindowAttrs(c.node));
  TF2_RETURN_IF_ERROR(CheckSizes(c.node.Ints("kernel"), "kernel"));
  TF2_ASSIGN_OR_RETURN(
      Shape y, WindowOutput(c.shape(0), c.shape(0)[1], WindowAttrsOf(c.graph, c.node), true));
  return Inferred{std::move(y), kind == OpKind::kMaxPoolIndices ? DType::kInt64 : DType::kFloat32};
}

Result<Inferred> GlobalPoolShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
  return Inferred{{c.shape(0)[0], c.shape(0)[1], 1, 1}};
}

Result<Inferred> GemmShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 2));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, 2));
  const Shape& x = c.shape(0);
  const Shape& w = c.shape(1);
  if (x[1] != w[1]) {
    return InvalidArgument("input {} has {} features, weights {} want {}", ToString(x), x[1],
                           ToString(w), w[1]);
  }
  TF2_RETURN_IF_ERROR(ExpectVector(c, 2, w[0], "bias"));
  return Inferred{{x[0], w[0]}};
}

Result<Inferred> MatMulShape(const RuleContext& c) {
  if (c.dtype(0) != c.dtype(1)) return InvalidArgument("inputs differ in type");
  TF2_ASSIGN_OR_RETURN(Shape y, MatMulResult(c.shape(0), c.shape(1)));
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> ConvTransposeShape(const RuleContext& c) {
  const std::size_t rank = c.node.kind == OpKind::kConvTranspose ? 4 : 5;
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, rank));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, rank));
  TF2_RETURN_IF_ERROR(CheckWindowAttrs(c.node));
  TF2_RETURN_IF_ERROR(CheckSizes(c.node.Ints("output_padding"), "output padding"));
  const Shape& x = c.shape(0);
  const Shape& w = c.shape(1);
  const WindowAttrs a = WindowAttrsOf(c.graph, c.node);
  TF2_RETURN_IF_ERROR(CheckGroups(w[0], a.groups, "input"));
  if (x[1] != w[0])
    return InvalidArgument("input {} has {} channels, weights {} want {}", ToString(x), x[1],
                           ToString(w), w[0]);
  if (w[1] > kMaxDimension / a.groups) return InvalidArgument("too many output channels");
  const std::int64_t oc = w[1] * a.groups;
  TF2_RETURN_IF_ERROR(ExpectVector(c, 2, oc, "bias"));
  Shape y = {x[0], oc};
  for (std::size_t d = 0; d + 2 < rank; ++d) {
    const std::int64_t size = a.strides[d] * (x[d + 2] - 1) + a.dilations[d] * (a.kernel[d] - 1) +
                              1 + a.output_padding[d] - a.pads[d] - a.pads[d + rank - 2];
    if (size < 1)
      return InvalidArgument("padding {} and {} leave nothing of axis {}", a.pads[d],
                             a.pads[d + rank - 2], d + 2);
    y.push_back(size);
  }
  return Inferred{std::move(y)};
}

Result<Inferred> PerChannelShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  if (c.rank(0) < 2) return InvalidArgument("input {} has no channel axis", ToString(c.shape(0)));
  for (std::size_t i = 1; i < c.node.inputs.size(); ++i) {
    TF2_RETURN_IF_ERROR(ExpectVector(c, i, c.shape(0)[1], "parameter"));
  }
  return Inferred{c.shape(0)};
}

}  // namespace tf2::ir
