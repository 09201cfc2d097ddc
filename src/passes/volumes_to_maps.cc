#include "passes/volumes_to_maps.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "passes/replacement.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Shape;
using ir::ValueId;
// [n, c, d, h, w].
struct Volume {
  std::int64_t n, c, d, h, w;
  explicit Volume(const Shape& s) : n(s[0]), c(s[1]), d(s[2]), h(s[3]), w(s[4]) {}
  Shape Shape4() const { return {n, c, d, h * w}; }
  Shape Shape5() const { return {n, c, d, h, w}; }
};

// One axis of a window.
struct Axis {
  std::int64_t kernel, stride, dilation, before, after;
  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
  bool IsTrivial() const { return kernel == 1 && stride == 1 && before == 0 && after == 0; }
};
Axis AxisOf(const ir::WindowAttrs& a, std::size_t i) {
  return {a.kernel[i], a.strides[i], a.dilations[i], a.pads[i], a.pads[i + 3]};
}

Attrs WindowOver(const Axis& rows, const Axis& columns) {
  return {{"strides", Ints{rows.stride, columns.stride}},
          {"dilations", Ints{rows.dilation, columns.dilation}},
          {"pads", Ints{rows.before, columns.before, rows.after, columns.after}}};
}

constexpr Axis kPoint = {1, 1, 1, 0, 0};

// Rows from the start of one frame to that of the next: the frame's own, and zeros for what windows
// read beyond it.
std::int64_t RowsApart(std::int64_t h, const Axis& rows) {
  const std::int64_t least = h + std::max(rows.before, rows.after);
  return (least + rows.stride - 1) / rows.stride * rows.stride;
}

ir::Tensor Reshaped(const ir::Tensor& tensor, Shape shape) {
  ir::Tensor copy = tensor;
  copy.shape = std::move(shape);
  return copy;
}

// The weights [oc, ic, kd, kh, kw] of frames side by side: [oc, kd * ic, kh, kw]. In groups each
// channel has its frames together.
ir::Tensor FramesAsChannels(const ir::Tensor& weights, std::int64_t groups) {
  const Shape& s = weights.shape;
  if (groups > 1) return Reshaped(weights, {s[0], s[1] * s[2], s[3], s[4]});
  const std::int64_t taps = s[3] * s[4];
  std::vector<float> data;
  data.reserve(weights.f32.size());
  for (std::int64_t o = 0; o < s[0]; ++o) {
    for (std::int64_t k = 0; k < s[2]; ++k) {
      for (std::int64_t c = 0; c < s[1]; ++c) {
        const auto from = weights.f32.begin() + ((o * s[1] + c) * s[2] + k) * taps;
        data.insert(data.end(), from, from + taps);
      }
    }
  }
  return ir::Tensor::Float({s[0], s[2] * s[1], s[3], s[4]}, std::move(data));
}

// Frames of `maps` [n, c, d + before + after, x] that windows over them read, one copy for each
// tap: [n, kernel * c, count, x], in the order of FramesAsChannels.
ValueId GatherFrames(Replacement& r, ValueId maps, const Axis& frames, std::int64_t count,
                     std::int64_t groups) {
  std::vector<ValueId> taps;
  for (std::int64_t k = 0; k < frames.kernel; ++k)
    taps.push_back(r.Slice("frames", maps, 2, k * frames.dilation, count, frames.stride));
  if (taps.size() == 1) return taps[0];
  const Shape one = r.ShapeOf(taps[0]);
  const Shape all = {one[0], frames.kernel * one[1], one[2], one[3]};
  const ValueId joined =
      r.Add(OpKind::kConcat, "side_by_side", std::move(taps), {{"axis", std::int64_t{1}}}, all);
  if (groups == 1) return joined;
  const ValueId split =
      r.Reshape("split", joined, {one[0], frames.kernel, one[1], one[2] * one[3]});
  const ValueId together =
      r.Add(OpKind::kTranspose, "together", {split}, {{"perm", Ints{0, 2, 1, 3}}},
            {one[0], one[1], frames.kernel, one[2] * one[3]});
  return r.Reshape("by_channel", together, all);
}

bool RewriteConv(Graph& graph, std::size_t index) {
  const Node node = graph.nodes[index];
  if (!graph.IsConstant(node.inputs[1])) return false;
  const ir::WindowAttrs a = WindowAttrsOf(graph, node);
  const Axis frames = AxisOf(a, 0), rows = AxisOf(a, 1), columns = AxisOf(a, 2);
  // No window lies in the zeros before a frame alone: the one before it would have too few rows.
  if (rows.before >= rows.reach()) return false;
  const Volume in(graph.value(node.inputs[0]).shape);
  const Volume out(graph.value(node.outputs[0]).shape);
  const ir::Tensor& weights = graph.constant(node.inputs[1]);
  const bool over_frames = rows.IsTrivial() && columns.IsTrivial();

  Replacement r(graph, node);
  const ValueId merged = r.Reshape("merged", node.inputs[0], in.Shape4());
  const auto conv = [&](ValueId x, ir::Tensor w, const Axis& v, const Axis& h, Shape shape) {
    Attrs attrs = WindowOver(v, h);
    attrs.insert({"groups", a.groups});
    std::vector<ValueId> inputs = {x, r.Constant("weights", std::move(w))};
    if (node.HasInput(2)) inputs.push_back(node.inputs[2]);
    return r.Add(OpKind::kConv, "map", std::move(inputs), std::move(attrs), std::move(shape));
  };
  ValueId y;
  if (over_frames) {
    const Shape& s = weights.shape;
    y = conv(merged, Reshaped(weights, {s[0], s[1], s[2], 1}), frames, kPoint, out.Shape4());
  } else {
    const std::int64_t apart = RowsApart(in.h, rows);
    const std::int64_t made = apart / rows.stride;  // rows of the result from frame to frame
    TF2_CHECK(made >= out.h, "{}", node.name);
    const std::int64_t zeros = (apart - in.h) * in.w;
    ValueId x = merged;
    if (frames.before + frames.after + zeros > 0) {
      x = r.Add(OpKind::kPad, "padded", {x},
                {{"pads", Ints{0, 0, frames.before, 0, 0, 0, frames.after, zeros}}},
                {in.n, in.c, frames.before + in.d + frames.after, apart * in.w});
    }
    x = GatherFrames(r, x, frames, out.d, a.groups);
    x = r.Reshape("tall", x, {in.n, frames.kernel * in.c, out.d * apart, in.w});
    Axis down = rows;
    down.after = std::max<std::int64_t>(0, rows.reach() - rows.stride - rows.before);
    y = conv(x, FramesAsChannels(weights, a.groups), down, columns,
             {out.n, out.c, out.d * made, out.w});
    y = r.Reshape("by_frame", y, {out.n, out.c, out.d, made * out.w});
    y = r.Slice("rows", y, 3, 0, out.h * out.w, 1);
  }
  r.Reshape("volume", y, out.Shape5());
  r.Finish(index);
  return true;
}

// Whether windows over the rows of frames that lie one below the other stay within their frames.
bool StaysInFrames(const Axis& rows, std::int64_t h, std::int64_t made) {
  if (rows.IsTrivial()) return true;
  return rows.before == 0 && rows.after == 0 && rows.dilation == 1 && rows.kernel <= rows.stride &&
         made * rows.stride == h;
}

bool RewritePool(Graph& graph, std::size_t index) {
  const Node node = graph.nodes[index];
  const ir::WindowAttrs a = WindowAttrsOf(graph, node);
  const Volume in(graph.value(node.inputs[0]).shape);
  const Volume out(graph.value(node.outputs[0]).shape);
  const Axis frames = AxisOf(a, 0), rows = AxisOf(a, 1), columns = AxisOf(a, 2);
  if (frames.IsTrivial() && rows.IsTrivial() && columns.IsTrivial()) return false;
  Replacement r(graph, node);
  const auto pool = [&](const char* part, ValueId x, const Axis& v, const Axis& h, Shape shape) {
    Attrs attrs = WindowOver(v, h);
    attrs.insert({"kernel", Ints{v.kernel, h.kernel}});
    for (const char* kept : {"ceil", "divisor"}) {
      if (const auto it = node.attrs.find(kept); it != node.attrs.end()) attrs.insert(*it);
    }
    const OpKind kind = node.kind == OpKind::kMaxPool3d ? OpKind::kMaxPool : OpKind::kAvgPool;
    return r.Add(kind, part, {x}, std::move(attrs), std::move(shape));
  };
  ValueId y = node.inputs[0];
  if (StaysInFrames(rows, in.h, out.h)) {
    y = pool("map", r.Reshape("tall", y, {in.n, in.c, in.d * in.h, in.w}), rows, columns,
             {in.n, in.c, in.d * out.h, out.w});
  } else {
    // Along the rows, and along the columns where they are rows.
    y = r.Reshape("tall", y, {in.n, in.c, in.d * in.h, in.w});
    if (!columns.IsTrivial())
      y = pool("along_rows", y, kPoint, columns, {in.n, in.c, in.d * in.h, out.w});
    y = r.Reshape("rows", y, {in.n, in.c, in.d, in.h, out.w});
    y = r.Transpose("turned", y, {0, 1, 2, 4, 3});
    y = r.Reshape("wide", y, {in.n, in.c, in.d * out.w, in.h});
    y = pool("along_columns", y, kPoint, rows, {in.n, in.c, in.d * out.w, out.h});
    y = r.Reshape("columns", y, {in.n, in.c, in.d, out.w, out.h});
    y = r.Transpose("turned_back", y, {0, 1, 2, 4, 3});
  }
  y = r.Reshape("merged", y, {in.n, in.c, in.d, out.h * out.w});
  if (!frames.IsTrivial()) y = pool("over_frames", y, frames, kPoint, out.Shape4());
  r.Reshape("volume", y, out.Shape5());
  r.Finish(index);
  return true;
}

}  // namespace

Result<int> VolumesToMaps(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const OpKind kind = graph.nodes[i].kind;
    const bool done = kind == OpKind::kConv3d ? RewriteConv(graph, i)
                      : kind == OpKind::kMaxPool3d || kind == OpKind::kAvgPool3d
                          ? RewritePool(graph, i)
                          : false;
    changes += done ? 1 : 0;
  }
  return changes;
}

}  // namespace tf2::passes
