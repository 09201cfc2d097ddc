// Shape rules of the operators that reduce or scan axes, and of einsum.
#include <algorithm>
#include <utility>

#include "ir/einsum.h"
#include "ir/functions.h"
#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {
namespace {

Shape WithoutAxes(const Shape& x, const std::vector<std::size_t>& axes, bool keep) {
  Shape y;
  for (std::size_t d = 0; d < x.size(); ++d) {
    if (!std::binary_search(axes.begin(), axes.end(), d)) {
      y.push_back(x[d]);
    } else if (keep) {
      y.push_back(1);
    }
  }
  return y;
}

}  // namespace

Result<Inferred> ReduceShape(const RuleContext& c) {
  const ReduceFn fn = ReduceFnOf(c.node);
  TF2_ASSIGN_OR_RETURN(const auto axes, ReducedAxes(c.node.Ints("axes"), c.rank(0)));
  const bool needs_float =
      fn == ReduceFn::kL2 || fn == ReduceFn::kLogSum || fn == ReduceFn::kLogSumExp;
  if (needs_float) TF2_RETURN_IF_ERROR(ExpectFloat(c));
  if (ElementCount(c.shape(0)) == 0)
    return InvalidArgument("input {} is empty", ToString(c.shape(0)));
  return Inferred{WithoutAxes(c.shape(0), axes, c.node.Int("keep") != 0), c.dtype(0)};
}

Result<Inferred> ArgShape(const RuleContext& c) {
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), c.rank(0)));
  if (ElementCount(c.shape(0)) == 0)
    return InvalidArgument("input {} is empty", ToString(c.shape(0)));
  return Inferred{WithoutAxes(c.shape(0), {axis}, c.node.Int("keep") != 0), DType::kInt64};
}

Result<Inferred> TopKShape(const RuleContext& c) {
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), c.rank(0)));
  Shape y = c.shape(0);
  const std::int64_t k = c.node.Int("k");
  if (k > y[axis]) return InvalidArgument("k {} is more than the {} elements", k, y[axis]);
  y[axis] = k;
  return Inferred{std::move(y), c.node.String("result") == "indices" ? DType::kInt64 : c.dtype(0)};
}

Result<Inferred> CumSumShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(NormalizeAxis(c.node.Int("axis"), c.rank(0)));
  return Inferred{c.shape(0), c.dtype(0)};
}

Result<Inferred> EinsumShape(const RuleContext& c) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < c.node.inputs.size(); ++i) {
    if (c.dtype(i) != c.dtype(0)) return InvalidArgument("inputs differ in type");
    shapes.push_back(c.shape(i));
  }
  TF2_ASSIGN_OR_RETURN(const Einsum einsum, Einsum::Parse(c.node.String("equation"), shapes));
  // The work: one product for each combination of all labels.
  std::int64_t work = 1;
  for (std::int64_t size : einsum.sizes) {
    if (work > (std::int64_t{1} << 40) / size)
      return ResourceExhausted("the sum of products is too large");
    work *= size;
  }
  Shape y;
  for (std::size_t label : einsum.output) y.push_back(einsum.sizes[label]);
  return Inferred{std::move(y), c.dtype(0)};
}

}  // namespace tf2::ir
