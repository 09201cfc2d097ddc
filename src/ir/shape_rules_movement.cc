// Shape rules of the operators that move data.
#include <algorithm>

#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {

Result<Inferred> ConcatShape(const RuleContext& c) {
  Shape y = c.shape(0);
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), y.size()));
  for (std::size_t i = 1; i < c.node.inputs.size(); ++i) {
    const Shape& x = c.shape(i);
    if (c.dtype(i) != c.dtype(0)) return InvalidArgument("inputs differ in type");
    bool fits = x.size() == y.size();
    for (std::size_t d = 0; fits && d < y.size(); ++d) fits = d == axis || x[d] == y[d];
    if (!fits) {
      return InvalidArgument("{} and {} do not join along axis {}", ToString(c.shape(0)),
                             ToString(x), axis);
    }
    y[axis] += x[axis];
  }
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> PadShape(const RuleContext& c) {
  const std::vector<std::int64_t> pads = c.node.Ints("pads");
  Shape y = c.shape(0);
  if (pads.size() != 2 * y.size())
    return InvalidArgument("pads has {} elements for {} axes", pads.size(), y.size());
  const std::string mode = c.node.String("mode");
  for (std::size_t d = 0; d < y.size(); ++d) {
    const std::int64_t before = pads[d];
    const std::int64_t after = pads[d + y.size()];
    if (std::max(before, after) > kMaxDimension || std::min(before, after) < -kMaxDimension) {
      return InvalidArgument("padding {} and {} of axis {} is too large", before, after, d);
    }
    if (mode == "reflect" && std::max(before, after) >= y[d]) {
      return InvalidArgument("axis {} of {} is too short to reflect {} and {}", d, ToString(y),
                             before, after);
    }
    const std::int64_t size = y[d] + before + after;
    if (size < 1 ||
        y[d] + std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0) < 1) {
      return InvalidArgument("padding {} and {} leave nothing of axis {} of {}", before, after, d,
                             ToString(c.shape(0)));
    }
    y[d] = size;
  }
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> FlattenShape(const RuleContext& c) {
  const Shape& x = c.shape(0);
  const auto rank = static_cast<std::int64_t>(x.size());
  std::int64_t axis = c.node.Int("axis");
  if (axis < -rank || axis > rank)
    return InvalidArgument("axis {} is outside {}", axis, ToString(x));
  if (axis < 0) axis += rank;
  return Inferred{
      {ElementCount({x.begin(), x.begin() + axis}), ElementCount({x.begin() + axis, x.end()})},
      c.dtype(0)};
}

namespace {

// Replaces the zeros that copy and the -1 that is inferred. Products stay in range: each factor is
// checked.
Result<Shape> ResolveReshape(const Shape& x, Shape target, bool allow_zero) {
  const Shape wanted = target;
  const std::int64_t total = ElementCount(x);
  std::int64_t rest = 1;
  std::optional<std::size_t> open;
  for (std::size_t d = 0; d < target.size(); ++d) {
    if (target[d] == 0 && !allow_zero) {
      if (d >= x.size())
        return InvalidArgument("shape {} copies axis {} that {} lacks", ToString(wanted), d,
                               ToString(x));
      target[d] = x[d];
    }
    if (target[d] == -1 && !open) {
      open = d;
      continue;
    }
    if (target[d] < 0) return InvalidArgument("shape {} is not legal", ToString(wanted));
    if (target[d] != 0 && rest > kMaxElements / target[d])
      return InvalidArgument("shape {} is too large", ToString(wanted));
    rest *= target[d];
  }
  if (open) {
    if (rest == 0 || total % rest != 0)
      return InvalidArgument("{} does not reshape to {}", ToString(x), ToString(wanted));
    target[*open] = total / rest;
  } else if (rest != total) {
    return InvalidArgument("{} does not reshape to {}", ToString(x), ToString(wanted));
  }
  return target;
}

}  // namespace

Result<Inferred> ReshapeShape(const RuleContext& c) {
  Shape target = c.node.Ints("shape");
  if (c.node.HasInput(1)) {
    if (c.dtype(1) != DType::kInt64 || c.rank(1) != 1)
      return InvalidArgument("the shape is not a vector of integers");
    const Tensor* known = c.ints(1);
    if (known == nullptr) {
      return WithHint(Unsupported("the shape that reshape takes depends on data"),
                      "export the model with static shapes, or simplify it first");
    }
    target = known->i64;
  } else if (!c.node.attrs.contains("shape")) {
    return InvalidArgument("reshape has neither the attribute shape nor a second input");
  }
  TF2_ASSIGN_OR_RETURN(Shape y,
                       ResolveReshape(c.shape(0), std::move(target), c.node.Int("allowzero") != 0));
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> GatherShape(const RuleContext& c) {
  const Shape& x = c.shape(0);
  const Shape& indices = c.shape(1);
  if (c.dtype(1) != DType::kInt64) return InvalidArgument("indices are not integers");
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), x.size()));
  const auto at = x.begin() + static_cast<std::ptrdiff_t>(axis);
  Shape y(x.begin(), at);
  y.insert(y.end(), indices.begin(), indices.end());
  y.insert(y.end(), at + 1, x.end());
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> UnsqueezeShape(const RuleContext& c) {
  const std::vector<std::int64_t> wanted = c.node.Ints("axes");
  Shape y = c.shape(0);
  TF2_ASSIGN_OR_RETURN(const std::vector<std::size_t> axes,
                       NormalizeAxes(wanted, y.size() + wanted.size()));
  for (std::size_t axis : axes) y.insert(y.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> SqueezeShape(const RuleContext& c) {
  const Shape& x = c.shape(0);
  TF2_ASSIGN_OR_RETURN(const std::vector<std::size_t> axes,
                       NormalizeAxes(c.node.Ints("axes"), x.size()));
  Shape y;
  for (std::size_t d = 0; d < x.size(); ++d) {
    const bool removed = axes.empty() ? x[d] == 1 : std::binary_search(axes.begin(), axes.end(), d);
    if (removed && x[d] != 1) return InvalidArgument("axis {} of {} is not 1", d, ToString(x));
    if (!removed) y.push_back(x[d]);
  }
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> SliceShape(const RuleContext& c) {
  TF2_ASSIGN_OR_RETURN(const std::vector<SliceRange> ranges, SliceRangesOf(c.node, c.shape(0)));
  Shape y;
  for (const SliceRange& r : ranges) y.push_back(r.count);
  return Inferred{std::move(y), c.dtype(0)};
}

}  // namespace tf2::ir
