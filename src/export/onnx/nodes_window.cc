// Convolutions and pools.
#include <algorithm>

#include "export/onnx/node_export.h"

namespace tf2::export_onnx {
namespace {

struct Axis {
  std::int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;

  // The padding that the windows touch at the end: with it, sizes rounded down give `out`.
  std::int64_t NeededPad() const {
    return std::max<std::int64_t>(
        0, (out - 1) * stride + dilation * (kernel - 1) + 1 - in - pad_begin);
  }
  // Taps of window `o` that lie before `end`; 0 is the first element.
  std::int64_t TapsBefore(std::int64_t o, std::int64_t end) const {
    const std::int64_t start = o * stride - pad_begin;
    if (start >= end) return 0;
    return std::min(kernel, (end - start + dilation - 1) / dilation);
  }
};

struct PoolAxes {
  Axis h, w;
  ir::PoolAttrs a;
};

PoolAxes AxesOf(const NodeExport& n) {
  const ir::PoolAttrs a = ir::PoolAttrsOf(n.graph, n.node);
  const ir::Shape& x = n.ShapeOf(0);
  const ir::Shape& y = n.OutputShape();
  return {
      {x[2], y[2], a.kh, a.sh, a.dh, a.pt, a.pb}, {x[3], y[3], a.kw, a.sw, a.dw, a.pl, a.pr}, a};
}

NodeAttrs WindowAttrs(const PoolAxes& axes) {
  const ir::PoolAttrs& a = axes.a;
  NodeAttrs attrs = {
      {"kernel_shape", std::vector<std::int64_t>{a.kh, a.kw}},
      {"strides", std::vector<std::int64_t>{a.sh, a.sw}},
      {"pads", std::vector<std::int64_t>{a.pt, a.pl, axes.h.NeededPad(), axes.w.NeededPad()}}};
  if (a.dh != 1 || a.dw != 1) attrs["dilations"] = std::vector<std::int64_t>{a.dh, a.dw};
  return attrs;
}

// What ONNX's kernel-wide division must be multiplied by at each position [oh, ow]; empty where by
// nothing.
std::vector<float> DivisorCorrection(const PoolAxes& axes) {
  const ir::PoolAttrs& a = axes.a;
  std::vector<float> factors;
  bool needed = false;
  for (std::int64_t y = 0; y < axes.h.out; ++y) {
    const std::int64_t rows = axes.h.TapsBefore(y, axes.h.in + a.pb);
    for (std::int64_t x = 0; x < axes.w.out; ++x) {
      const std::int64_t columns = axes.w.TapsBefore(x, axes.w.in + a.pr);
      needed = needed || rows * columns != a.kh * a.kw;
      factors.push_back(static_cast<float>(static_cast<double>(a.kh * a.kw) /
                                           static_cast<double>(rows * columns)));
    }
  }
  if (!needed) factors.clear();
  return factors;
}

}  // namespace

Status ExportConv(const NodeExport& n) {
  const ir::ConvAttrs a = ir::ConvAttrsOf(n.graph, n.node);
  const NodeAttrs attrs = {{"kernel_shape", std::vector<std::int64_t>{a.kh, a.kw}},
                           {"strides", std::vector<std::int64_t>{a.sh, a.sw}},
                           {"dilations", std::vector<std::int64_t>{a.dh, a.dw}},
                           {"pads", std::vector<std::int64_t>{a.pt, a.pl, a.pb, a.pr}},
                           {"group", a.groups}};
  std::vector<std::string> operands = {n.inputs[0], n.inputs[1]};
  if (n.HasInput(2)) operands.push_back(n.inputs[2]);
  if (n.HasInput(3)) {
    n.Emit("Add", {n.Part("Conv", operands, "conv", attrs), n.inputs[3]}, {}, a.relu);
  } else {
    n.Emit("Conv", operands, attrs, a.relu);
  }
  return {};
}

Status ExportMaxPool(const NodeExport& n) {
  n.Emit("MaxPool", {n.inputs[0]}, WindowAttrs(AxesOf(n)));
  return {};
}

Status ExportAvgPool(const NodeExport& n) {
  const PoolAxes axes = AxesOf(n);
  NodeAttrs attrs = WindowAttrs(axes);
  if (attrs.contains("dilations")) n.writer.RequireOpset(19);
  attrs["count_include_pad"] = std::int64_t{axes.a.divisor != ir::PoolDivisor::kValid};
  const std::vector<float> correction =
      axes.a.divisor == ir::PoolDivisor::kCaffe ? DivisorCorrection(axes) : std::vector<float>();
  if (correction.empty()) {
    n.Emit("AveragePool", {n.inputs[0]}, attrs);
    return {};
  }
  const std::string mean = n.Part("AveragePool", {n.inputs[0]}, "mean", attrs);
  n.Emit("Mul", {mean, n.writer.Floats(n.PartName("divisor"), {1, 1, axes.h.out, axes.w.out},
                                       correction)});
  return {};
}

}  // namespace tf2::export_onnx
