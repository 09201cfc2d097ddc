// Convolution, Deconvolution, InnerProduct, Embed.
#include <algorithm>
#include <cmath>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using Repeated = google::protobuf::RepeatedField<std::uint32_t>;

// A height and width that are given together, once per axis, or by name; `fallback` where not at
// all.
Result<std::vector<std::int64_t>> Pair(const char* what, const Repeated& list, bool has_h,
                                       bool has_w, std::uint32_t h, std::uint32_t w,
                                       std::int64_t fallback) {
  std::vector<std::int64_t> pair;
  if (has_h || has_w) {
    if (!list.empty()) return InvalidArgument("{} is given twice, also as {}_h or _w", what, what);
    pair = {has_h ? h : fallback, has_w ? w : fallback};
  } else if (list.empty()) {
    pair = {fallback, fallback};
  } else if (list.size() <= 2) {
    pair = {list.Get(0), list.Get(list.size() - 1)};
  } else {
    return Unsupported("{} has {} numbers; two dimensions are supported", what, list.size());
  }
  for (std::int64_t v : pair) {
    if (v > ir::kMaxDimension) return Unsupported("{} {} is too large", what, v);
  }
  return pair;
}

Result<ir::AttrMap> ConvAttrs(const caffe_pb::ConvolutionParameter& p) {
  TF2_ASSIGN_OR_RETURN(const auto pad,
                       Pair("pad", p.pad(), p.has_pad_h(), p.has_pad_w(), p.pad_h(), p.pad_w(), 0));
  TF2_ASSIGN_OR_RETURN(auto stride, Pair("stride", p.stride(), p.has_stride_h(), p.has_stride_w(),
                                         p.stride_h(), p.stride_w(), 1));
  TF2_ASSIGN_OR_RETURN(auto dilation, Pair("dilation", p.dilation(), false, false, 0, 0, 1));
  return ir::AttrMap{{"pads", std::vector<std::int64_t>{pad[0], pad[1], pad[0], pad[1]}},
                     {"strides", std::move(stride)},
                     {"dilations", std::move(dilation)},
                     {"groups", std::int64_t{p.group()}}};
}

// Without a group given, a depthwise layer has one for each channel.
std::int64_t GroupsOf(const LayerImport& l) {
  const std::string& type = l.layer.type();
  const bool depthwise = type == "ConvolutionDepthwise" || type == "DepthwiseConvolution";
  const std::int64_t group = l.layer.convolution_param().group();
  return depthwise && group == 1 ? l.ShapeOf(0)[1] : group;
}

struct Kernel {
  std::int64_t kh, kw, oc, ic, groups;
  ir::AttrMap attrs;

  double Area() const { return static_cast<double>(kh) * static_cast<double>(kw); }
};

// What Convolution and Deconvolution have in common.
Result<Kernel> KernelOf(const LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::ConvolutionParameter& p = l.layer.convolution_param();
  TF2_ASSIGN_OR_RETURN(const auto size, Pair("kernel_size", p.kernel_size(), p.has_kernel_h(),
                                             p.has_kernel_w(), p.kernel_h(), p.kernel_w(), 0));
  if (size[0] == 0 || size[1] == 0) return InvalidArgument("kernel_size is missing or 0");
  if (p.num_output() == 0) return InvalidArgument("num_output is missing or 0");
  if (p.axis() != 1 && p.axis() != -3) return Unsupported("axis is {}, not 1", p.axis());
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, ConvAttrs(p));
  const std::int64_t channels = l.ShapeOf(0)[1];
  const std::int64_t groups = GroupsOf(l);
  if (groups == 0 || channels % groups != 0 || p.num_output() % groups != 0) {
    return InvalidArgument("{} input and {} output channels do not divide into {} groups", channels,
                           p.num_output(), groups);
  }
  attrs["groups"] = groups;
  return Kernel{size[0], size[1], p.num_output(), channels, groups, std::move(attrs)};
}

// The weights that enlarge a picture by linear interpolation, which some prototxts ask for instead
// of training them.
ir::Tensor Bilinear(const ir::Shape& shape) {
  const std::int64_t k = shape[3];
  const std::int64_t half = (k + 1) / 2;
  const auto factor = static_cast<double>(half);
  const double centre = static_cast<double>(k - 1) / (2 * factor);
  const auto weight = [&](std::int64_t i) {
    return 1 - std::fabs(static_cast<double>(i) / factor - centre);
  };
  std::vector<float> values;
  for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i) {
    for (std::int64_t y = 0; y < k; ++y) {
      for (std::int64_t x = 0; x < k; ++x)
        values.push_back(static_cast<float>(weight(y) * weight(x)));
    }
  }
  return ir::Tensor::Float(shape, std::move(values));
}

Result<ir::ValueId> DeconvolutionWeights(const LayerImport& l, const Kernel& k, double terms) {
  const ir::Shape shape = {k.ic, k.oc / k.groups, k.kh, k.kw};
  const bool absent = l.weights.random() || l.weights.CountOf(l.layer.name()) == 0;
  const bool bilinear = l.layer.convolution_param().weight_filler().type() == "bilinear";
  if (!absent || !bilinear || k.kh != k.kw)
    return l.Weight(0, "weights", shape, l.KernelFill(terms));
  TF2_RETURN_IF_ERROR(CheckBlobShape(shape));
  TF2_RETURN_IF_ERROR(l.builder.Reserve(ir::DType::kFloat32, ir::ElementCount(shape)));
  return l.AddConstant("weights", Bilinear(shape));
}

}  // namespace

Status ImportConvolution(LayerImport& l) {
  TF2_ASSIGN_OR_RETURN(Kernel k, KernelOf(l));
  const ir::Shape shape = {k.oc, k.ic / k.groups, k.kh, k.kw};
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId weights,
      l.Weight(0, "weights", shape, l.KernelFill(k.Area() * static_cast<double>(shape[1]))));
  l.moment = Moments();
  std::vector<ir::ValueId> operands = {l.bottoms[0], weights};
  if (l.layer.convolution_param().bias_term()) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, l.Weight(1, "bias", {k.oc}, kBiasFill));
    operands.push_back(bias);
  }
  return l.EmitResult(ir::OpKind::kConv, std::move(operands), std::move(k.attrs));
}

Status ImportDeconvolution(LayerImport& l) {
  TF2_ASSIGN_OR_RETURN(Kernel k, KernelOf(l));
  const auto strides = std::get<std::vector<std::int64_t>>(k.attrs.at("strides"));
  // Each output gets that part of the windows which the stride leaves.
  const double step =
      std::max(static_cast<double>(strides[0]) * static_cast<double>(strides[1]), 1.0);
  const std::int64_t channels_of_group = k.ic / k.groups;
  const double terms = k.Area() / step * static_cast<double>(channels_of_group);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weights, DeconvolutionWeights(l, k, terms));
  l.moment = Moments();
  std::vector<ir::ValueId> operands = {l.bottoms[0], weights};
  if (l.layer.convolution_param().bias_term()) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, l.Weight(1, "bias", {k.oc}, kBiasFill));
    operands.push_back(bias);
  }
  return l.EmitResult(ir::OpKind::kConvTranspose, std::move(operands), std::move(k.attrs));
}

// Row x of the weights for every element x.
Status ImportEmbed(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::EmbedParameter& p = l.layer.embed_param();
  if (p.num_output() == 0 || p.input_dim() == 0)
    return InvalidArgument("num_output or input_dim is missing or 0");
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weights,
                       l.Weight(0, "weights", {p.input_dim(), p.num_output()}, {0, 1}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId rows, l.EmitPart(ir::OpKind::kCast, "rows", {l.bottoms[0]},
                                                          {{"to", std::string("i64")}}));
  l.moment = Moments();
  if (!p.bias_term()) return l.EmitResult(ir::OpKind::kGather, {weights, rows});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId taken,
                       l.EmitPart(ir::OpKind::kGather, "taken", {weights, rows}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, l.Weight(1, "bias", {p.num_output()}, kBiasFill));
  return l.EmitResult(ir::OpKind::kAdd, {taken, bias});
}

Status ImportInnerProduct(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::InnerProductParameter& p = l.layer.inner_product_param();
  if (p.num_output() == 0) return InvalidArgument("num_output is missing or 0");
  const ir::Shape x = l.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(p.axis(), x.size()));
  const auto split = x.begin() + static_cast<std::ptrdiff_t>(axis);
  const std::int64_t k = ir::ElementCount({split, x.end()});
  const std::int64_t oc = p.num_output();
  const ir::Shape stored = p.transpose() ? ir::Shape{k, oc} : ir::Shape{oc, k};
  TF2_ASSIGN_OR_RETURN(ir::Tensor weights, l.Read(0, stored, l.KernelFill(static_cast<double>(k))));
  l.moment = Moments();
  if (p.transpose()) {
    std::vector<float> turned(weights.f32.size());
    for (std::int64_t i = 0; i < k; ++i) {
      for (std::int64_t o = 0; o < oc; ++o)
        turned[static_cast<std::size_t>(o * k + i)] =
            weights.f32[static_cast<std::size_t>(i * oc + o)];
    }
    weights = ir::Tensor::Float({oc, k}, std::move(turned));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId w, l.AddConstant("weights", std::move(weights)));
  std::vector<ir::ValueId> operands = {l.bottoms[0], w};
  if (p.bias_term()) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, l.Weight(1, "bias", {oc}, kBiasFill));
    operands.push_back(bias);
  }
  if (axis != 1 || x.size() != 2) {
    TF2_ASSIGN_OR_RETURN(operands[0], l.EmitPart(ir::OpKind::kFlatten, "flatten", {l.bottoms[0]},
                                                 {{"axis", static_cast<std::int64_t>(axis)}}));
  }
  if (axis == 1) return l.EmitResult(ir::OpKind::kGemm, std::move(operands));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, l.EmitPart(ir::OpKind::kGemm, "gemm", operands));
  ir::Shape shape(x.begin(), split);
  shape.push_back(oc);
  return l.EmitResult(ir::OpKind::kReshape, {y}, {{"shape", std::move(shape)}});
}

}  // namespace tf2::import::caffe
