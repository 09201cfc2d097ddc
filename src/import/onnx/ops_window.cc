// Conv and the pools.
#include <algorithm>
#include <utility>

#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

Status ExpectImage(const NodeImport& n) {
  if (n.ShapeOf(0).size() == 4) return {};
  return WithHint(
      Unsupported("its input is {}; only [n, c, h, w] is supported", ir::ToString(n.ShapeOf(0))),
      "reshape one-dimensional data to [n, c, 1, w] in the model");
}

// A list attribute of `count` numbers in min..kMaxDimension, or `fallback`.
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

// Padding so that the output has ceil(in / stride) elements.
std::pair<std::int64_t, std::int64_t> SamePads(std::int64_t in, std::int64_t kernel,
                                               std::int64_t stride, std::int64_t dilation,
                                               bool upper) {
  const std::int64_t out = (in + stride - 1) / stride;
  const std::int64_t extent = dilation * (kernel - 1) + 1;
  const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride + extent - in);
  const std::int64_t small = total / 2;
  return upper ? std::pair(small, total - small) : std::pair(total - small, small);
}

// strides, dilations and pads of a node whose kernel is [kh, kw].
Result<ir::AttrMap> WindowAttrs(NodeImport& n, const Ints& kernel) {
  TF2_ASSIGN_OR_RETURN(const Ints strides, WindowInts(n, "strides", {1, 1}, 1));
  TF2_ASSIGN_OR_RETURN(const Ints dilations, WindowInts(n, "dilations", {1, 1}, 1));
  TF2_ASSIGN_OR_RETURN(Ints pads, WindowInts(n, "pads", {0, 0, 0, 0}, 0));
  TF2_ASSIGN_OR_RETURN(const std::string auto_pad, n.attrs.String("auto_pad", "NOTSET"));
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    const ir::Shape& x = n.ShapeOf(0);
    for (std::size_t d = 0; d < 2; ++d) {
      std::tie(pads[d], pads[d + 2]) =
          SamePads(x[d + 2], kernel[d], strides[d], dilations[d], auto_pad == "SAME_UPPER");
    }
  } else if (auto_pad == "VALID") {
    pads = {0, 0, 0, 0};
  } else if (auto_pad != "NOTSET") {
    return InvalidArgument("attribute auto_pad is '{}'", auto_pad);
  }
  return ir::AttrMap{{"strides", strides}, {"dilations", dilations}, {"pads", pads}};
}

Result<ir::AttrMap> PoolAttrs(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_RETURN_IF_ERROR(ExpectImage(n));
  if (!n.attrs.Has("kernel_shape")) return InvalidArgument("attribute kernel_shape is missing");
  TF2_ASSIGN_OR_RETURN(const Ints kernel, WindowInts(n, "kernel_shape", {0, 0}, 1));
  if (kernel[0] == 0) return InvalidArgument("attribute kernel_shape is empty");
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, WindowAttrs(n, kernel));
  TF2_ASSIGN_OR_RETURN(const std::int64_t ceil, n.attrs.Int("ceil_mode", 0));
  attrs["kernel"] = kernel;
  attrs["ceil"] = std::int64_t{ceil != 0};
  return attrs;
}

}  // namespace

Status ImportConv(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_RETURN_IF_ERROR(ExpectImage(n));
  TF2_RETURN_IF_ERROR(n.ExpectFixed(1, "the weights"));
  const ir::Shape& w = n.ShapeOf(1);
  if (w.size() != 4)
    return InvalidArgument("the weights are {}, not [oc, ic, kh, kw]", ir::ToString(w));
  const Ints kernel = {w[2], w[3]};
  TF2_ASSIGN_OR_RETURN(const Ints stated, WindowInts(n, "kernel_shape", kernel, 1));
  if (stated != kernel) {
    return InvalidArgument("attribute kernel_shape is [{}] but the weights are {}",
                           fmt::join(stated, ", "), ir::ToString(w));
  }
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, WindowAttrs(n, kernel));
  TF2_ASSIGN_OR_RETURN(const std::int64_t groups, n.attrs.Int("group", 1));
  attrs["groups"] = groups;
  std::vector<ir::ValueId> operands = {n.inputs[0], n.inputs[1]};
  if (n.HasInput(2)) {
    TF2_RETURN_IF_ERROR(n.ExpectFixed(2, "the biases"));
    operands.push_back(n.inputs[2]);
  }
  return n.EmitResult(ir::OpKind::kConv, std::move(operands), std::move(attrs));
}

Status ImportMaxPool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectOneOutput("indices"));
  n.attrs.Ignore("storage_order");  // of the indices
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, PoolAttrs(n));
  return n.EmitResult(ir::OpKind::kMaxPool, {n.inputs[0]}, std::move(attrs));
}

Status ImportAveragePool(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, PoolAttrs(n));
  TF2_ASSIGN_OR_RETURN(const std::int64_t with_padding, n.attrs.Int("count_include_pad", 0));
  // A window that ceil_mode lets hang over the padding counts what lies inside it, as in PyTorch.
  attrs["divisor"] = std::string(with_padding == 0 ? "valid" : "caffe");
  return n.EmitResult(ir::OpKind::kAvgPool, {n.inputs[0]}, std::move(attrs));
}

Status ImportGlobalMaxPool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_RETURN_IF_ERROR(ExpectImage(n));
  return n.EmitResult(ir::OpKind::kGlobalMaxPool, {n.inputs[0]});
}

Status ImportGlobalAveragePool(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_RETURN_IF_ERROR(ExpectImage(n));
  return n.EmitResult(ir::OpKind::kGlobalAvgPool, {n.inputs[0]});
}

}  // namespace tf2::import::onnx
