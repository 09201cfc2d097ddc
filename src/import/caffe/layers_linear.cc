// Convolution, InnerProduct, BatchNorm, Scale, Bias.
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

// The axes that a Scale or Bias of one bottom covers must be the channels, or none (one number for
// all).
Result<bool> IsPerChannel(const LayerImport& l, std::int64_t axis, std::int64_t num_axes) {
  if (num_axes == 0) return false;
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(axis, l.ShapeOf(0).size()));
  if (at == 1 && (num_axes == 1 || (num_axes == -1 && l.ShapeOf(0).size() == 2))) return true;
  return WithHint(Unsupported("axis {} with num_axes {} is not per channel", axis, num_axes),
                  "tf2 scales and shifts along axis 1");
}

// Blob `index` as one number per channel.
Result<ir::ValueId> ChannelWeight(const LayerImport& l, std::size_t index, const char* part,
                                  bool per_channel, const Fill& fill) {
  const std::int64_t channels = l.ShapeOf(0)[1];
  if (per_channel) return l.Weight(index, part, {channels}, fill);
  TF2_ASSIGN_OR_RETURN(const ir::Tensor one, l.Read(index, {}, fill));
  std::vector<float> all(static_cast<std::size_t>(channels), one.f32[0]);
  return l.AddConstant(part, ir::Tensor::Float({channels}, std::move(all)));
}

Status ExpectChannels(const LayerImport& l) {
  if (l.ShapeOf(0).size() >= 2) return {};
  return InvalidArgument("its bottom is {}, which has no channels", ir::ToString(l.ShapeOf(0)));
}

// The second bottom, aligned at `axis` of the first.
Result<ir::ValueId> AlignSecond(const LayerImport& l, std::int64_t axis) {
  const ir::Shape& x = l.ShapeOf(0);
  ir::Shape shape = l.ShapeOf(1);
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(axis, x.size()));
  if (at + shape.size() > x.size()) {
    return InvalidArgument("{} does not fit {} from axis {}", ir::ToString(shape), ir::ToString(x),
                           axis);
  }
  shape.insert(shape.end(), x.size() - at - shape.size(), 1);
  return l.EmitPart(ir::OpKind::kReshape, "align", {l.bottoms[1]}, {{"shape", std::move(shape)}});
}

}  // namespace

Status ImportConvolution(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::ConvolutionParameter& p = l.layer.convolution_param();
  TF2_ASSIGN_OR_RETURN(const auto kernel, Pair("kernel_size", p.kernel_size(), p.has_kernel_h(),
                                               p.has_kernel_w(), p.kernel_h(), p.kernel_w(), 0));
  if (kernel[0] == 0 || kernel[1] == 0) return InvalidArgument("kernel_size is missing or 0");
  if (p.num_output() == 0) return InvalidArgument("num_output is missing or 0");
  if (p.axis() != 1 && p.axis() != -3) return Unsupported("axis is {}, not 1", p.axis());
  TF2_ASSIGN_OR_RETURN(ir::AttrMap attrs, ConvAttrs(p));
  const std::int64_t channels = l.ShapeOf(0)[1];
  const std::int64_t groups = p.group();
  if (groups == 0 || channels % groups != 0 || p.num_output() % groups != 0) {
    return InvalidArgument("{} input and {} output channels do not divide into {} groups", channels,
                           p.num_output(), groups);
  }
  const ir::Shape shape = {p.num_output(), channels / groups, kernel[0], kernel[1]};
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weights,
                       l.Weight(0, "weights", shape, l.KernelFill(shape[1] * shape[2] * shape[3])));
  l.moment = Moments();
  std::vector<ir::ValueId> operands = {l.bottoms[0], weights};
  if (p.bias_term()) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, l.Weight(1, "bias", {shape[0]}, kBiasFill));
    operands.push_back(bias);
  }
  return l.EmitResult(ir::OpKind::kConv, std::move(operands), std::move(attrs));
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
  TF2_ASSIGN_OR_RETURN(ir::Tensor weights, l.Read(0, stored, l.KernelFill(k)));
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

Status ImportBatchNorm(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(ExpectChannels(l));
  const caffe_pb::BatchNormParameter& p = l.layer.batch_norm_param();
  if (p.has_use_global_stats() && !p.use_global_stats()) {
    return WithHint(Unsupported("use_global_stats is false"),
                    "the statistics of the batch are not known at inference: set it to true");
  }
  const ir::Shape channels = {l.ShapeOf(0)[1]};
  const auto [x_mean, x_variance] = l.moments[0];
  const Fill mean_fill = {x_mean, 0.1 * std::sqrt(x_variance)};
  TF2_ASSIGN_OR_RETURN(ir::Tensor mean, l.Read(0, channels, mean_fill));
  TF2_ASSIGN_OR_RETURN(ir::Tensor variance, l.Read(1, channels, {x_variance, 0.1 * x_variance}));
  TF2_ASSIGN_OR_RETURN(const ir::Tensor sum, l.Read(2, {}, {1, 0}));
  l.moment = Moments();
  // The file holds moving sums and, in the third blob, the sum of their weights.
  const float factor = sum.f32[0] == 0 ? 0 : 1 / sum.f32[0];
  for (float& v : mean.f32) v *= factor;
  for (float& v : variance.f32) v *= factor;
  TF2_ASSIGN_OR_RETURN(const ir::ValueId m, l.AddConstant("mean", std::move(mean)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId v, l.AddConstant("variance", std::move(variance)));
  return l.EmitResult(ir::OpKind::kBatchNorm, {l.bottoms[0], m, v}, {{"epsilon", p.eps()}});
}

Status ImportScale(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 2));
  TF2_RETURN_IF_ERROR(ExpectChannels(l));
  const caffe_pb::ScaleParameter& p = l.layer.scale_param();
  if (l.bottoms.size() == 2) {
    if (p.bias_term()) return Unsupported("bias_term with two bottoms");
    TF2_ASSIGN_OR_RETURN(const ir::ValueId factor, AlignSecond(l, p.axis()));
    return l.EmitResult(ir::OpKind::kMul, {l.bottoms[0], factor});
  }
  TF2_ASSIGN_OR_RETURN(const bool per_channel, IsPerChannel(l, p.axis(), p.num_axes()));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId factor,
                       ChannelWeight(l, 0, "factor", per_channel, kFactorFill));
  std::vector<ir::ValueId> operands = {l.bottoms[0], factor};
  if (p.bias_term()) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias,
                         ChannelWeight(l, 1, "bias", per_channel, kBiasFill));
    operands.push_back(bias);
  }
  return l.EmitResult(ir::OpKind::kScale, std::move(operands));
}

Status ImportBias(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 2));
  TF2_RETURN_IF_ERROR(ExpectChannels(l));
  const caffe_pb::BiasParameter& p = l.layer.bias_param();
  if (l.bottoms.size() == 2) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, AlignSecond(l, p.axis()));
    return l.EmitResult(ir::OpKind::kAdd, {l.bottoms[0], bias});
  }
  TF2_ASSIGN_OR_RETURN(const bool per_channel, IsPerChannel(l, p.axis(), p.num_axes()));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, ChannelWeight(l, 0, "bias", per_channel, kBiasFill));
  return l.EmitResult(ir::OpKind::kScale, {l.bottoms[0], ir::kNoValue, bias});
}

}  // namespace tf2::import::caffe
