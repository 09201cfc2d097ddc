// Convolutions and pools. One spatial axis becomes two of which the first has one element.
#include <algorithm>
#include <numeric>
#include <utility>

#include "import/onnx/node_import.h"
#include "import/onnx/tensor_reader.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

// Errors unless the data has one to three spatial axes; returns their number.
Result<std::size_t> SpatialAxes(const NodeImport& n) {
  const std::size_t rank = n.ShapeOf(0).size();
  if (rank >= 3 && rank <= 5) return rank - 2;
  return WithHint(Unsupported("its input is {}; one to three axes behind [n, c] are supported",
                              ir::ToString(n.ShapeOf(0))),
                  "reshape the data to [n, c, h, w] in the model");
}

// A list attribute of as many numbers as `fallback`, each in min..kMaxDimension, or `fallback`.
Result<Ints> WindowInts(NodeImport& n, const char* name, const Ints& fallback, std::int64_t min) {
  TF2_ASSIGN_OR_RETURN(auto given, n.attrs.Ints(name));
  if (!given || given->empty()) return fallback;
  if (given->size() != fallback.size()) {
    return InvalidArgument("attribute {} has {} numbers instead of {}", name, given->size(),
                           fallback.size());
  }
  for (std::int64_t v : *given) {
    if (v < min || v > ir::kMaxDimension) {
      return Unsupported("attribute {} is [{}]; {} to {} are supported", name,
                         fmt::join(*given, ", "), min, ir::kMaxDimension);
    }
  }
  return *std::move(given);
}

std::pair<std::int64_t, std::int64_t> Halves(std::int64_t total, bool more_at_end) {
  const std::int64_t small = total / 2;
  return more_at_end ? std::pair(small, total - small) : std::pair(total - small, small);
}

// Padding so that the output has ceil(in / stride) elements.
std::pair<std::int64_t, std::int64_t> SamePads(std::int64_t in, std::int64_t kernel,
                                               std::int64_t stride, std::int64_t dilation,
                                               bool upper) {
  const std::int64_t out = (in + stride - 1) / stride;
  const std::int64_t extent = dilation * (kernel - 1) + 1;
  return Halves(std::max<std::int64_t>(0, (out - 1) * stride + extent - in), upper);
}

struct Window {
  Ints kernel, strides, dilations, pads;
};

// Attributes that every window has, without the padding that auto_pad asks for.
Result<Window> WindowOf(NodeImport& n, Ints kernel) {
  const std::size_t axes = kernel.size();
  Window w{std::move(kernel), {}, {}, {}};
  TF2_ASSIGN_OR_RETURN(w.strides, WindowInts(n, "strides", Ints(axes, 1), 1));
  TF2_ASSIGN_OR_RETURN(w.dilations, WindowInts(n, "dilations", Ints(axes, 1), 1));
  TF2_ASSIGN_OR_RETURN(w.pads, WindowInts(n, "pads", Ints(2 * axes, 0), 0));
  return w;
}

Result<std::string> AutoPad(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(const std::string mode, n.attrs.String("auto_pad", "NOTSET"));
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER")
    return InvalidArgument("attribute auto_pad is '{}'", mode);
  return mode;
}

Status ApplyAutoPad(NodeImport& n, Window& w) {
  TF2_ASSIGN_OR_RETURN(const std::string mode, AutoPad(n));
  const std::size_t axes = w.kernel.size();
  if (mode == "VALID") w.pads.assign(2 * axes, 0);
  if (!mode.starts_with("SAME")) return {};
  for (std::size_t d = 0; d < axes; ++d) {
    std::tie(w.pads[d], w.pads[d + axes]) = SamePads(n.ShapeOf(0)[d + 2], w.kernel[d], w.strides[d],
                                                     w.dilations[d], mode == "SAME_UPPER");
  }
  return {};
}

// Numbers for a spatial axis before the first: of one spatial axis two are made.
Ints Lifted(Ints values, std::int64_t first) {
  if (values.size() == 1) values.insert(values.begin(), first);
  return values;
}

ir::AttrMap AttrsOf(const Window& w) {
  Ints pads = w.pads;
  if (pads.size() == 2) pads = {0, pads[0], 0, pads[1]};
  return {{"strides", Lifted(w.strides, 1)},
          {"dilations", Lifted(w.dilations, 1)},
          {"pads", std::move(pads)}};
}

// [n, c, w] as [n, c, 1, w]; others as they are.
Result<ir::ValueId> Lift(const NodeImport& n, ir::ValueId x, const char* part) {
  if (n.builder.ShapeOf(x).size() != 3) return x;
  return n.EmitPart(ir::OpKind::kUnsqueeze, part, {x}, {{"axes", Ints{2}}});
}

// The result as output 0; of lifted data with axis 2 removed again.
Status EmitLowered(NodeImport& n, ir::OpKind kind, std::vector<ir::ValueId> operands,
                   ir::AttrMap attrs, bool lifted, std::size_t output = 0) {
  if (!lifted) return n.EmitOutput(output, kind, std::move(operands), std::move(attrs));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y,
                       n.EmitPart(kind, output == 0 ? "lifted" : "lifted_indices",
                                  std::move(operands), std::move(attrs)));
  return n.EmitOutput(output, ir::OpKind::kSqueeze, {y}, {{"axes", Ints{2}}});
}

// The kernel of weights [a, b, k...], which kernel_shape must repeat.
Result<Ints> WeightKernel(NodeImport& n, std::size_t axes) {
  const ir::Shape& w = n.ShapeOf(1);
  if (w.size() != axes + 2) {
    return InvalidArgument("the weights are {}, not of {} axes as the data {}", ir::ToString(w),
                           axes + 2, ir::ToString(n.ShapeOf(0)));
  }
  const Ints kernel(w.begin() + 2, w.end());
  TF2_ASSIGN_OR_RETURN(const Ints stated, WindowInts(n, "kernel_shape", kernel, 1));
  if (stated != kernel) {
    return InvalidArgument("attribute kernel_shape is [{}] but the weights are {}",
                           fmt::join(stated, ", "), ir::ToString(w));
  }
  return kernel;
}

// x, weights and bias, lifted to two spatial axes where they have one.
Result<std::vector<ir::ValueId>> WeightedOperands(const NodeImport& n) {
  std::vector<ir::ValueId> operands(2);
  TF2_ASSIGN_OR_RETURN(operands[0], Lift(n, n.inputs[0], "data"));
  TF2_ASSIGN_OR_RETURN(operands[1], Lift(n, n.inputs[1], "weights"));
  if (n.HasInput(2)) operands.push_back(n.inputs[2]);
  return operands;
}

}  // namespace

Status ImportConv(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_ASSIGN_OR_RETURN(const std::size_t axes, SpatialAxes(n));
  TF2_ASSIGN_OR_RETURN(const Ints kernel, WeightKernel(n, axes));
  TF2_ASSIGN_OR_RETURN(Window w, WindowOf(n, kernel));
  TF2_RETURN_IF_ERROR(ApplyAutoPad(n, w));
  TF2_ASSIGN_OR_RETURN(const std::int64_t groups, n.attrs.Int("group", 1));
  ir::AttrMap attrs = AttrsOf(w);
  attrs["groups"] = groups;
  TF2_ASSIGN_OR_RETURN(auto operands, WeightedOperands(n));
  return EmitLowered(n, axes == 3 ? ir::OpKind::kConv3d : ir::OpKind::kConv, std::move(operands),
                     std::move(attrs), axes == 1);
}

namespace {

// Pads of a transposed convolution that make the output as large as asked for; where even no pad
// is too small, elements are added at the end.
Status FitOutput(const ir::Shape& x, const Ints& wanted, bool upper, Window& w,
                 Ints& output_padding) {
  const std::size_t axes = w.kernel.size();
  for (std::size_t d = 0; d < axes; ++d) {
    const std::int64_t size =
        w.strides[d] * (x[d + 2] - 1) + w.dilations[d] * (w.kernel[d] - 1) + 1 + output_padding[d];
    if (wanted[d] < 1 || wanted[d] > ir::kMaxDimension)
      return InvalidArgument("attribute output_shape has {}", wanted[d]);
    output_padding[d] += std::max<std::int64_t>(0, wanted[d] - size);
    std::tie(w.pads[d], w.pads[d + axes]) =
        Halves(std::max<std::int64_t>(0, size - wanted[d]), upper);
  }
  return {};
}

Status ImportConvTranspose(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_ASSIGN_OR_RETURN(const std::size_t axes, SpatialAxes(n));
  TF2_ASSIGN_OR_RETURN(const Ints kernel, WeightKernel(n, axes));
  TF2_ASSIGN_OR_RETURN(Window w, WindowOf(n, kernel));
  TF2_ASSIGN_OR_RETURN(Ints output_padding, WindowInts(n, "output_padding", Ints(axes, 0), 0));
  TF2_ASSIGN_OR_RETURN(const std::string auto_pad, AutoPad(n));
  TF2_ASSIGN_OR_RETURN(auto wanted, n.attrs.Ints("output_shape"));
  const ir::Shape x = n.ShapeOf(0);
  if (auto_pad == "VALID") w.pads.assign(2 * axes, 0);
  if ((!wanted || wanted->empty()) && auto_pad.starts_with("SAME")) {
    wanted = Ints(axes);
    for (std::size_t d = 0; d < axes; ++d) (*wanted)[d] = x[d + 2] * w.strides[d];
  }
  if (wanted && !wanted->empty()) {
    if (wanted->size() == axes + 2) wanted->erase(wanted->begin(), wanted->begin() + 2);
    if (wanted->size() != axes)
      return InvalidArgument("attribute output_shape has {} numbers", wanted->size());
    TF2_RETURN_IF_ERROR(
        FitOutput(x, *wanted, auto_pad == "SAME_UPPER" || auto_pad == "NOTSET", w, output_padding));
  }
  TF2_ASSIGN_OR_RETURN(const std::int64_t groups, n.attrs.Int("group", 1));
  ir::AttrMap attrs = AttrsOf(w);
  attrs["groups"] = groups;
  attrs["output_padding"] = Lifted(std::move(output_padding), 0);
  TF2_ASSIGN_OR_RETURN(auto operands, WeightedOperands(n));
  return EmitLowered(n, axes == 3 ? ir::OpKind::kConvTranspose3d : ir::OpKind::kConvTranspose,
                     std::move(operands), std::move(attrs), axes == 1);
}

Result<ir::AttrMap> PoolAttrs(NodeImport& n, std::size_t axes) {
  if (!n.attrs.Has("kernel_shape")) return InvalidArgument("attribute kernel_shape is missing");
  TF2_ASSIGN_OR_RETURN(const Ints kernel, WindowInts(n, "kernel_shape", Ints(axes, 0), 1));
  if (kernel[0] == 0) return InvalidArgument("attribute kernel_shape is empty");
  TF2_ASSIGN_OR_RETURN(Window w, WindowOf(n, kernel));
  TF2_RETURN_IF_ERROR(ApplyAutoPad(n, w));
  TF2_ASSIGN_OR_RETURN(const std::int64_t ceil, n.attrs.Int("ceil_mode", 0));
  ir::AttrMap attrs = AttrsOf(w);
  attrs["kernel"] = Lifted(kernel, 1);
  attrs["ceil"] = std::int64_t{ceil != 0};
  return attrs;
}

Result<ir::ValueId> AsFloat(const NodeImport& n, ir::ValueId x) {
  if (n.builder.DTypeOf(x) == ir::DType::kFloat32) return x;
  return n.EmitPart(ir::OpKind::kCast, "float", {x}, {{"to", std::string("f32")}});
}

}  // namespace

Status ImportMaxPool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::size_t axes, SpatialAxes(n));
  TF2_ASSIGN_OR_RETURN(const std::int64_t column_major, n.attrs.Int("storage_order", 0));
  TF2_ASSIGN_OR_RETURN(const ir::AttrMap attrs, PoolAttrs(n, axes));
  const bool is_float = n.builder.DTypeOf(n.inputs[0]) == ir::DType::kFloat32;
  TF2_ASSIGN_OR_RETURN(const ir::ValueId data, AsFloat(n, n.inputs[0]));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Lift(n, data, "data"));
  if (n.Reads(1)) {
    if (axes == 3) return Unsupported("its indices over three axes are read");
    ir::AttrMap with_order = attrs;
    with_order["column_major"] = std::int64_t{column_major != 0};
    TF2_RETURN_IF_ERROR(
        EmitLowered(n, ir::OpKind::kMaxPoolIndices, {x}, std::move(with_order), axes == 1, 1));
  }
  const ir::OpKind kind = axes == 3 ? ir::OpKind::kMaxPool3d : ir::OpKind::kMaxPool;
  if (is_float) return EmitLowered(n, kind, {x}, attrs, axes == 1);
  TF2_ASSIGN_OR_RETURN(ir::ValueId y, n.EmitPart(kind, "pooled", {x}, attrs));
  if (axes == 1) {
    TF2_ASSIGN_OR_RETURN(y, n.EmitPart(ir::OpKind::kSqueeze, "lowered", {y}, {{"axes", Ints{2}}}));
  }
  return n.EmitResult(ir::OpKind::kCast, {y}, {{"to", CastName(n.TypeOf(0))}});
}

namespace {

Status ImportAveragePool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::size_t axes, SpatialAxes(n));
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, PoolAttrs(n, axes));
  TF2_ASSIGN_OR_RETURN(const std::int64_t with_padding, n.attrs.Int("count_include_pad", 0));
  // A window that ceil_mode lets hang over the padding counts what lies inside it, as in PyTorch.
  attrs["divisor"] = std::string(with_padding == 0 ? "valid" : "caffe");
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Lift(n, n.inputs[0], "data"));
  return EmitLowered(n, axes == 3 ? ir::OpKind::kAvgPool3d : ir::OpKind::kAvgPool, {x},
                     std::move(attrs), axes == 1);
}

// (sum of |x|^p)^(1/p): the average of the powers over the whole kernel, times its size.
Status ImportLpPool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::size_t axes, SpatialAxes(n));
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, PoolAttrs(n, axes));
  TF2_ASSIGN_OR_RETURN(const std::int64_t p, n.attrs.Int("p", 2));
  if (p < 1 || p > 64) return InvalidArgument("attribute p is {}", p);
  attrs["divisor"] = std::string("kernel");
  float taps = 1;
  for (std::int64_t k : std::get<Ints>(attrs["kernel"])) taps *= static_cast<float>(k);
  const auto constant = [&](const char* part, float v) {
    return n.AddConstant(part, ir::Tensor::Float({}, {v}));
  };
  const ir::AttrMap pow = {{"fn", std::string("pow")}};
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId magnitude,
      n.EmitPart(ir::OpKind::kUnary, "magnitude", {n.inputs[0]}, {{"fn", std::string("abs")}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId exponent, constant("p", static_cast<float>(p)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId powers,
                       n.EmitPart(ir::OpKind::kBinary, "powers", {magnitude, exponent}, pow));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Lift(n, powers, "data"));
  TF2_ASSIGN_OR_RETURN(ir::ValueId mean,
                       n.EmitPart(axes == 3 ? ir::OpKind::kAvgPool3d : ir::OpKind::kAvgPool, "mean",
                                  {x}, std::move(attrs)));
  if (axes == 1) {
    TF2_ASSIGN_OR_RETURN(mean,
                         n.EmitPart(ir::OpKind::kSqueeze, "lowered", {mean}, {{"axes", Ints{2}}}));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId size, constant("taps", taps));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId sum, n.EmitPart(ir::OpKind::kMul, "sum", {mean, size}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId root, constant("root", 1.0F / static_cast<float>(p)));
  return n.EmitResult(ir::OpKind::kBinary, {sum, root}, pow);
}

Status ImportGlobalPool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const bool takes_max = n.op_type == "GlobalMaxPool";
  const std::size_t rank = n.ShapeOf(0).size();
  if (rank < 3) {
    return InvalidArgument("its input is {}, not [n, c, ...]", ir::ToString(n.ShapeOf(0)));
  }
  if (rank > 4) {
    Ints axes(rank - 2);
    std::iota(axes.begin(), axes.end(), 2);
    return n.EmitResult(
        ir::OpKind::kReduce, {n.inputs[0]},
        {{"fn", std::string(takes_max ? "max" : "mean")}, {"axes", std::move(axes)}});
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Lift(n, n.inputs[0], "data"));
  return EmitLowered(n, takes_max ? ir::OpKind::kGlobalMaxPool : ir::OpKind::kGlobalAvgPool, {x},
                     {}, rank == 3);
}

// The elements at their indices among zeros; a larger output_shape adds zeros at the ends.
Status ImportMaxUnpool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_ASSIGN_OR_RETURN(const std::size_t axes, SpatialAxes(n));
  if (!n.attrs.Has("kernel_shape")) return InvalidArgument("attribute kernel_shape is missing");
  TF2_ASSIGN_OR_RETURN(const Ints kernel, WindowInts(n, "kernel_shape", Ints(axes, 1), 1));
  TF2_ASSIGN_OR_RETURN(const Window w, WindowOf(n, kernel));
  ir::Shape shape = n.ShapeOf(0);
  for (std::size_t d = 0; d < axes; ++d)
    shape[d + 2] = (shape[d + 2] - 1) * w.strides[d] + kernel[d] - w.pads[d] - w.pads[d + axes];
  TF2_ASSIGN_OR_RETURN(const std::int64_t count, CheckedElementCount(shape));
  TF2_RETURN_IF_ERROR(n.builder.Reserve(ir::DType::kFloat32, count));
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId zeros,
      n.AddConstant("zeros", ir::Tensor::Float(
                                 {count}, std::vector<float>(static_cast<std::size_t>(count), 0))));
  std::vector<ir::ValueId> flat(2);
  for (std::size_t i = 0; i < 2; ++i) {
    TF2_ASSIGN_OR_RETURN(flat[i], n.EmitPart(ir::OpKind::kReshape, fmt::format("flat{}", i),
                                             {n.inputs[i]}, {{"shape", Ints{-1}}}));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId filled, n.EmitPart(ir::OpKind::kScatterElements, "filled",
                                                            {zeros, flat[1], flat[0]}));
  if (!n.HasInput(2)) return n.EmitResult(ir::OpKind::kReshape, {filled}, {{"shape", shape}});
  TF2_ASSIGN_OR_RETURN(const Ints wanted, n.KnownInts(2, "the numbers of output_shape"));
  if (wanted.size() != shape.size())
    return InvalidArgument("output_shape has {} numbers", wanted.size());
  TF2_ASSIGN_OR_RETURN(const ir::ValueId small,
                       n.EmitPart(ir::OpKind::kReshape, "small", {filled}, {{"shape", shape}}));
  Ints pads(2 * shape.size(), 0);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (wanted[d] < 1 || wanted[d] > ir::kMaxDimension)
      return InvalidArgument("output_shape has {}", wanted[d]);
    pads[d + shape.size()] = wanted[d] - shape[d];
  }
  return n.EmitResult(ir::OpKind::kPad, {small}, {{"pads", std::move(pads)}});
}

}  // namespace

std::vector<OperatorRow> WindowOperators() {
  return {
      {"AveragePool", ImportAveragePool},
      {"Conv", ImportConv},
      {"ConvTranspose", ImportConvTranspose},
      {"GlobalAveragePool", ImportGlobalPool},
      {"GlobalMaxPool", ImportGlobalPool},
      {"LpPool", ImportLpPool},
      {"MaxPool", ImportMaxPool},
      {"MaxUnpool", ImportMaxUnpool},
  };
}

}  // namespace tf2::import::onnx
