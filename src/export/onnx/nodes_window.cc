// Convolutions and pools, over two or three axes.
#include <algorithm>

#include "export/onnx/node_export.h"

namespace tf2::export_onnx {
namespace {

using Ints = std::vector<std::int64_t>;

// One spatial axis of a window.
struct Axis {
  std::int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;

  // The padding that the windows touch at the end: with it, sizes rounded down give `out`.
  std::int64_t NeededPad() const {
    return std::max<std::int64_t>(
        0, (out - 1) * stride + dilation * (kernel - 1) + 1 - in - pad_begin);
  }
  // Taps of window `o` inside the padded input.
  std::int64_t Taps(std::int64_t o) const {
    const std::int64_t start = o * stride - pad_begin;
    const std::int64_t end = in + pad_end;
    if (start >= end) return 0;
    return std::min(kernel, (end - start + dilation - 1) / dilation);
  }
};

std::vector<Axis> AxesOf(const NodeExport& n, const ir::WindowAttrs& a) {
  std::vector<Axis> axes;
  const std::size_t count = a.kernel.size();
  for (std::size_t d = 0; d < count; ++d) {
    axes.push_back({n.ShapeOf(0)[d + 2], n.OutputShape()[d + 2], a.kernel[d], a.strides[d],
                    a.dilations[d], a.pads[d], a.pads[d + count]});
  }
  return axes;
}

// Kernel, strides, pads without rounding up; dilations where there are some.
NodeAttrs PoolAttrs(const ir::WindowAttrs& a, const std::vector<Axis>& axes) {
  Ints pads;
  for (const Axis& axis : axes) pads.push_back(axis.pad_begin);
  for (const Axis& axis : axes) pads.push_back(axis.NeededPad());
  NodeAttrs attrs = {{"kernel_shape", a.kernel}, {"strides", a.strides}, {"pads", pads}};
  if (std::ranges::any_of(a.dilations, [](std::int64_t d) { return d != 1; }))
    attrs["dilations"] = a.dilations;
  return attrs;
}

// What ONNX's division by the kernel must be multiplied by at each position; empty where by
// nothing.
std::vector<float> DivisorCorrection(const std::vector<Axis>& axes) {
  std::vector<double> factors = {1};
  for (const Axis& axis : axes) {
    std::vector<double> next;
    for (const double f : factors) {
      for (std::int64_t o = 0; o < axis.out; ++o)
        next.push_back(f * static_cast<double>(axis.kernel) / static_cast<double>(axis.Taps(o)));
    }
    factors = std::move(next);
  }
  if (std::ranges::all_of(factors, [](double f) { return f == 1; })) return {};
  return {factors.begin(), factors.end()};
}

}  // namespace

Status ExportConv(const NodeExport& n) {
  const ir::WindowAttrs a = ir::WindowAttrsOf(n.graph, n.node);
  const bool transposed =
      n.node.kind == ir::OpKind::kConvTranspose || n.node.kind == ir::OpKind::kConvTranspose3d;
  NodeAttrs attrs = {{"kernel_shape", a.kernel},
                     {"strides", a.strides},
                     {"dilations", a.dilations},
                     {"pads", a.pads},
                     {"group", a.groups}};
  if (transposed) attrs["output_padding"] = a.output_padding;
  const char* op_type = transposed ? "ConvTranspose" : "Conv";
  std::vector<std::string> operands = {n.inputs[0], n.inputs[1]};
  if (n.HasInput(2)) operands.push_back(n.inputs[2]);
  const bool plain = n.node.kind == ir::OpKind::kConv;
  const bool relu = plain && n.node.Int("relu") != 0;
  if (const float around = plain ? n.node.Float("pad_value") : 0; around != 0) {
    const Ints pads = {0, 0, a.pads[0], a.pads[1], 0, 0, a.pads[2], a.pads[3]};
    operands[0] = n.Part(
        "Pad",
        {operands[0], n.IntsOf("pads", pads), n.writer.Float(n.PartName("pad_value"), around)},
        "padded");
    attrs["pads"] = Ints{0, 0, 0, 0};
  }
  if (n.HasInput(3)) {
    n.Emit("Add", {n.Part(op_type, operands, "conv", attrs), n.inputs[3]}, {}, relu);
  } else {
    n.Emit(op_type, operands, attrs, relu);
  }
  return {};
}

Status ExportMaxPool(const NodeExport& n) {
  const ir::WindowAttrs a = ir::WindowAttrsOf(n.graph, n.node);
  n.Emit("MaxPool", {n.inputs[0]}, PoolAttrs(a, AxesOf(n, a)));
  return {};
}

Status ExportMaxPoolIndices(const NodeExport& n) {
  const ir::WindowAttrs a = ir::WindowAttrsOf(n.graph, n.node);
  NodeAttrs attrs = PoolAttrs(a, AxesOf(n, a));
  attrs["storage_order"] = n.node.Int("column_major");
  n.writer.NodeOf("MaxPool", {n.inputs[0]}, {n.writer.Unique(n.PartName("values")), n.output},
                  attrs);
  return {};
}

Status ExportAvgPool(const NodeExport& n) {
  const ir::WindowAttrs a = ir::WindowAttrsOf(n.graph, n.node);
  const std::vector<Axis> axes = AxesOf(n, a);
  NodeAttrs attrs = PoolAttrs(a, axes);
  if (attrs.contains("dilations")) n.writer.RequireOpset(19);
  attrs["count_include_pad"] = std::int64_t{a.divisor != ir::PoolDivisor::kValid};
  const std::vector<float> correction =
      a.divisor == ir::PoolDivisor::kCaffe ? DivisorCorrection(axes) : std::vector<float>();
  if (correction.empty()) {
    n.Emit("AveragePool", {n.inputs[0]}, attrs);
    return {};
  }
  ir::Shape shape = n.OutputShape();
  shape[0] = shape[1] = 1;
  const std::string mean = n.Part("AveragePool", {n.inputs[0]}, "mean", attrs);
  n.Emit("Mul", {mean, n.writer.Floats(n.PartName("divisor"), shape, correction)});
  return {};
}

}  // namespace tf2::export_onnx
