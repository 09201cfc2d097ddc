#include "ir/shape_math.h"

#include <algorithm>
#include <numeric>

#include "ir/op_table.h"

namespace tf2::ir {

Result<std::size_t> NormalizeAxis(std::int64_t axis, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  if (axis < -n || axis >= n)
    return InvalidArgument("axis {} is outside a tensor of {} axes", axis, rank);
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

Result<std::vector<std::size_t>> NormalizeAxes(const std::vector<std::int64_t>& axes,
                                               std::size_t rank) {
  std::vector<std::size_t> out;
  for (std::int64_t axis : axes) {
    TF2_ASSIGN_OR_RETURN(const std::size_t a, NormalizeAxis(axis, rank));
    out.push_back(a);
  }
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end())
    return InvalidArgument("an axis repeats");
  return out;
}

Result<Shape> BroadcastShape(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {  // from the last axis
    const std::int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1) {
      return InvalidArgument("shapes {} and {} do not broadcast", ToString(a), ToString(b));
    }
    out[out.size() - 1 - i] = da == 1 ? db : da;
  }
  return out;
}

Result<std::vector<std::size_t>> ReducedAxes(const std::vector<std::int64_t>& axes,
                                             std::size_t rank) {
  if (!axes.empty()) return NormalizeAxes(axes, rank);
  std::vector<std::size_t> all(rank);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<std::int64_t> Coordinates(const Shape& shape, std::int64_t flat) {
  std::vector<std::int64_t> at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    at[d] = flat % shape[d];
    flat /= shape[d];
  }
  return at;
}

Result<Shape> MatMulResult(const Shape& a, const Shape& b) {
  const auto misfit = [&] {
    return InvalidArgument("{} times {} is no matrix product", ToString(a), ToString(b));
  };
  if (a.empty() || b.empty()) return misfit();
  Shape left = a;
  Shape right = b;
  if (left.size() == 1) left.insert(left.begin(), 1);
  if (right.size() == 1) right.push_back(1);
  if (left.back() != right[right.size() - 2]) return misfit();
  TF2_ASSIGN_OR_RETURN(
      Shape y, BroadcastShape({left.begin(), left.end() - 2}, {right.begin(), right.end() - 2}));
  if (a.size() > 1) y.push_back(left[left.size() - 2]);
  if (b.size() > 1) y.push_back(right.back());
  return y;
}

namespace {

SliceRange RangeOf(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size) {
  // Backwards a slice may start at the last element and end before the first.
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? size : size - 1;
  const auto clamp = [&](std::int64_t v) { return std::clamp(v < 0 ? v + size : v, low, high); };
  const std::int64_t from = clamp(start);
  const std::int64_t to = clamp(end);
  const std::int64_t distance = step > 0 ? to - from : from - to;
  if (distance <= 0) return {from, step, 0};
  // |step| beyond the axis takes one element; the bound keeps INT64_MIN out of the negation.
  const std::int64_t stride = step > 0 ? std::min(step, size) : -std::max(step, -size);
  return {from, step > 0 ? stride : -stride, (distance + stride - 1) / stride};
}

}  // namespace

Result<std::vector<SliceRange>> SliceRangesOf(const Node& node, const Shape& shape) {
  TF2_CHECK(node.kind == OpKind::kSlice);
  const auto starts = node.Ints("starts");
  const auto ends = node.Ints("ends");
  auto axes = node.Ints("axes");
  auto steps = node.Ints("steps");
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    return InvalidArgument("starts, ends, axes and steps have {}, {}, {} and {} elements",
                           starts.size(), ends.size(), axes.size(), steps.size());
  }
  TF2_RETURN_IF_ERROR(NormalizeAxes(axes, shape.size()));
  std::vector<SliceRange> ranges;
  for (std::int64_t size : shape) ranges.push_back({0, 1, size});
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (steps[i] == 0) return InvalidArgument("a step of a slice is 0");
    TF2_ASSIGN_OR_RETURN(const std::size_t axis, NormalizeAxis(axes[i], shape.size()));
    ranges[axis] = RangeOf(starts[i], ends[i], steps[i], shape[axis]);
  }
  return ranges;
}

std::int64_t WindowCount(const WindowAxis& a) {
  const std::int64_t room = a.in + a.pad_begin + a.pad_end - a.dilation * (a.kernel - 1) - 1;
  if (room < 0) return 0;
  if (!a.ceil) return room / a.stride + 1;
  std::int64_t count = (room + a.stride - 1) / a.stride + 1;
  if ((count - 1) * a.stride >= a.in + a.pad_begin) --count;
  return count;
}

}  // namespace tf2::ir
