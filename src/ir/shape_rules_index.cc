// Shape rules of the operators that rearrange, repeat, gather or scatter elements.
#include <algorithm>
#include <cmath>
#include <utility>

#include "ir/op_table.h"
#include "ir/shape_math.h"
#include "ir/shape_rules.h"

namespace tf2::ir {
namespace {

using Ints = std::vector<std::int64_t>;

// The indices of a gather or scatter of elements have the axes of the data, and beside `axis` no
// more elements along them.
Status CheckElementIndices(const RuleContext& c) {
  const Shape& x = c.shape(0);
  const Shape& indices = c.shape(1);
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, x.size()));
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), x.size()));
  for (std::size_t d = 0; d < x.size(); ++d) {
    if (d != axis && indices[d] > x[d]) {
      return InvalidArgument("indices {} are larger than {} along axis {}", ToString(indices),
                             ToString(x), d);
    }
  }
  return {};
}

}  // namespace

Result<Inferred> TransposeShape(const RuleContext& c) {
  const Ints perm = c.node.Ints("perm");
  const Shape& x = c.shape(0);
  TF2_ASSIGN_OR_RETURN(const auto sorted, NormalizeAxes(perm, x.size()));
  if (sorted.size() != x.size())
    return InvalidArgument("perm has {} numbers for {} axes", perm.size(), x.size());
  Shape y;
  for (std::int64_t d : perm) y.push_back(x[static_cast<std::size_t>(d)]);
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> ExpandShape(const RuleContext& c) {
  Shape y = c.node.Ints("shape");
  TF2_ASSIGN_OR_RETURN(const Shape both, BroadcastShape(c.shape(0), y));
  if (both != y)
    return InvalidArgument("{} does not expand to {}", ToString(c.shape(0)), ToString(y));
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> TileShape(const RuleContext& c) {
  const Ints repeats = c.node.Ints("repeats");
  Shape y = c.shape(0);
  if (repeats.size() != y.size())
    return InvalidArgument("{} repeats for {} axes", repeats.size(), y.size());
  for (std::size_t d = 0; d < y.size(); ++d) {
    if (repeats[d] > kMaxDimension) return InvalidArgument("repeat {} is too large", repeats[d]);
    y[d] *= repeats[d];
  }
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> ResizeShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  Shape y = c.node.Ints("sizes");
  const std::vector<float> scales = c.node.Floats("scales");
  const std::vector<float> roi = c.node.Floats("roi");
  const std::size_t rank = c.rank(0);
  if (y.size() != rank || (!scales.empty() && scales.size() != rank)) {
    return InvalidArgument("{} sizes and {} scales for {} axes", y.size(), scales.size(), rank);
  }
  for (std::size_t d = 0; d < scales.size(); ++d) {
    const double size = static_cast<double>(scales[d]) * static_cast<double>(c.shape(0)[d]);
    if (!(scales[d] > 0) || !(std::fabs(size - static_cast<double>(y[d])) <= 1))
      return InvalidArgument("a scale of {} does not make {} of {}", scales[d], y[d],
                             c.shape(0)[d]);
  }
  const bool crops = c.node.String("coordinates") == "tf_crop_and_resize";
  if (crops && roi.size() != 2 * rank)
    return InvalidArgument("roi has {} numbers for {} axes", roi.size(), rank);
  return Inferred{std::move(y)};
}

Result<Inferred> BlockShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
  Shape y = c.shape(0);
  const std::int64_t b = c.node.Int("block");
  if (b > 4096) return InvalidArgument("block {} is too large", b);
  if (c.node.kind == OpKind::kDepthToSpace) {
    if (y[1] % (b * b) != 0)
      return InvalidArgument("{} channels do not divide by {} x {}", y[1], b, b);
    y = {y[0], y[1] / (b * b), y[2] * b, y[3] * b};
  } else {
    if (y[2] % b != 0 || y[3] % b != 0)
      return InvalidArgument("{} does not divide into blocks of {}", ToString(y), b);
    y = {y[0], y[1] * b * b, y[2] / b, y[3] / b};
  }
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> TriluShape(const RuleContext& c) {
  if (c.rank(0) < 2) return InvalidArgument("input {} is no matrix", ToString(c.shape(0)));
  return Inferred{c.shape(0), c.dtype(0)};
}

Result<Inferred> OneHotShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectInts(c, 0));
  TF2_RETURN_IF_ERROR(ExpectVector(c, 1, 2, "off and on"));
  Shape y = c.shape(0);
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(c.node.Int("axis"), y.size() + 1));
  y.insert(y.begin() + static_cast<std::ptrdiff_t>(axis), c.node.Int("depth"));
  return Inferred{std::move(y), c.dtype(1)};
}

Result<Inferred> GatherElementsShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectInts(c, 1));
  TF2_RETURN_IF_ERROR(CheckElementIndices(c));
  return Inferred{c.shape(1), c.dtype(0)};
}

Result<Inferred> GatherNdShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectInts(c, 1));
  const Shape& x = c.shape(0);
  const Shape& indices = c.shape(1);
  const auto batch = static_cast<std::size_t>(c.node.Int("batch_dims"));
  if (indices.empty() || batch >= indices.size() || batch > x.size())
    return InvalidArgument("indices {} do not fit {} with {} batch axes", ToString(indices),
                           ToString(x), batch);
  const std::int64_t depth = indices.back();
  if (depth < 1 || depth > static_cast<std::int64_t>(x.size() - batch))
    return InvalidArgument("indices {} have {} numbers each for {}", ToString(indices), depth,
                           ToString(x));
  for (std::size_t d = 0; d < batch; ++d) {
    if (indices[d] != x[d])
      return InvalidArgument("batch axis {} of {} and {} differs", d, ToString(x),
                             ToString(indices));
  }
  Shape y(indices.begin(), indices.end() - 1);
  y.insert(y.end(), x.begin() + static_cast<std::ptrdiff_t>(batch) + depth, x.end());
  return Inferred{std::move(y), c.dtype(0)};
}

Result<Inferred> ScatterShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectInts(c, 1));
  const Shape& x = c.shape(0);
  const Shape& indices = c.shape(1);
  if (c.dtype(0) != c.dtype(2)) return InvalidArgument("data and updates differ in type");
  Shape updates;
  if (c.node.kind == OpKind::kScatterElements) {
    TF2_RETURN_IF_ERROR(CheckElementIndices(c));
    updates = indices;
  } else {
    if (indices.empty() || indices.back() < 1 ||
        indices.back() > static_cast<std::int64_t>(x.size()))
      return InvalidArgument("indices {} do not fit {}", ToString(indices), ToString(x));
    updates.assign(indices.begin(), indices.end() - 1);
    updates.insert(updates.end(), x.begin() + indices.back(), x.end());
  }
  if (c.shape(2) != updates)
    return InvalidArgument("updates are {}, not {}", ToString(c.shape(2)), ToString(updates));
  return Inferred{x, c.dtype(0)};
}

Result<Inferred> ReverseSequenceShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectInts(c, 1));
  TF2_ASSIGN_OR_RETURN(const std::size_t batch, NormalizeAxis(c.node.Int("batch_axis"), c.rank(0)));
  TF2_ASSIGN_OR_RETURN(const std::size_t time, NormalizeAxis(c.node.Int("time_axis"), c.rank(0)));
  if (batch == time || std::max(batch, time) > 1)
    return InvalidArgument("batch and time must be axes 0 and 1");
  TF2_RETURN_IF_ERROR(ExpectVector(c, 1, c.shape(0)[batch], "lengths"));
  return Inferred{c.shape(0), c.dtype(0)};
}

Result<Inferred> GridSampleShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectFloat(c));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, 4));
  const Shape& x = c.shape(0);
  const Shape& grid = c.shape(1);
  if (grid[0] != x[0] || grid[3] != 2)
    return InvalidArgument("grid {} does not fit {}", ToString(grid), ToString(x));
  return Inferred{{x[0], x[1], grid[1], grid[2]}};
}

Result<Inferred> RoiAlignShape(const RuleContext& c) {
  TF2_RETURN_IF_ERROR(ExpectRank(c, 0, 4));
  TF2_RETURN_IF_ERROR(ExpectRank(c, 1, 2));
  TF2_RETURN_IF_ERROR(ExpectInts(c, 2));
  if (c.dtype(0) != DType::kFloat32 || c.dtype(1) != DType::kFloat32)
    return InvalidArgument("input or boxes are not of type f32");
  if (c.shape(1)[1] != 4) return InvalidArgument("boxes are {}", ToString(c.shape(1)));
  TF2_RETURN_IF_ERROR(ExpectVector(c, 2, c.shape(1)[0], "batch indices"));
  const std::int64_t height = c.node.Int("height");
  const std::int64_t width = c.node.Int("width");
  if (std::max({height, width, c.node.Int("sampling")}) > 4096)
    return InvalidArgument("the size of the output or the sampling is more than 4096");
  return Inferred{{c.shape(1)[0], c.shape(0)[1], height, width}};
}

}  // namespace tf2::ir
