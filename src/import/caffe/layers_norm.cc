// BatchNorm and BN, Scale, Bias, LRN, MVN, Normalize.
#include <cmath>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using Ints = std::vector<std::int64_t>;

Status ExpectChannels(const LayerImport& l) {
  if (l.ShapeOf(0).size() >= 2) return {};
  return InvalidArgument("its bottom is {}, which has no channels", ir::ToString(l.ShapeOf(0)));
}

// The part of the first bottom's shape that a Scale or Bias of one bottom has numbers for.
struct Span {
  ir::Shape shape;       // of the blob
  std::size_t axis = 0;  // of the first bottom
  bool per_channel = false;
};

Result<Span> SpanOf(const LayerImport& l, std::int64_t axis, std::int64_t num_axes) {
  const ir::Shape& x = l.ShapeOf(0);
  if (num_axes == 0) return Span{.shape = {}, .axis = 0, .per_channel = false};
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(axis, x.size()));
  const std::int64_t last = num_axes == -1 ? static_cast<std::int64_t>(x.size())
                                           : static_cast<std::int64_t>(at) + num_axes;
  if (num_axes < -1 || last > static_cast<std::int64_t>(x.size())) {
    return InvalidArgument("axis {} and num_axes {} do not fit its bottom {}", axis, num_axes,
                           ir::ToString(x));
  }
  const ir::Shape shape(x.begin() + static_cast<std::ptrdiff_t>(at), x.begin() + last);
  return Span{shape, at, at == 1 && shape.size() == 1};
}

// Blob `index` as one number per channel, where the span is that or one number for all.
Result<ir::ValueId> ChannelWeight(const LayerImport& l, std::size_t index, const char* part,
                                  const Span& span, const Fill& fill) {
  const std::int64_t channels = l.ShapeOf(0)[1];
  if (span.per_channel) return l.Weight(index, part, {channels}, fill);
  TF2_ASSIGN_OR_RETURN(const ir::Tensor one, l.Read(index, {}, fill));
  std::vector<float> all(static_cast<std::size_t>(channels), one.f32[0]);
  return l.AddConstant(part, ir::Tensor::Float({channels}, std::move(all)));
}

// Blob `index`, of the shape of the span, with axes of 1 behind it so that it broadcasts.
Result<ir::ValueId> SpanWeight(const LayerImport& l, std::size_t index, const char* part,
                               const Span& span, const Fill& fill) {
  TF2_ASSIGN_OR_RETURN(ir::Tensor blob, l.Read(index, span.shape, fill));
  blob.shape.resize(l.ShapeOf(0).size() - span.axis, 1);
  return l.AddConstant(part, std::move(blob));
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

// The product of both bottoms, and the bias if there is one.
Status ScaleBySecond(LayerImport& l, const caffe_pb::ScaleParameter& p) {
  TF2_ASSIGN_OR_RETURN(const ir::ValueId factor, AlignSecond(l, p.axis()));
  if (!p.bias_term()) return l.EmitResult(ir::OpKind::kMul, {l.bottoms[0], factor});
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(p.axis(), l.ShapeOf(0).size()));
  const Span span = {l.ShapeOf(1), at, false};
  TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, SpanWeight(l, 0, "bias", span, kBiasFill));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId product,
                       l.EmitPart(ir::OpKind::kMul, "product", {l.bottoms[0], factor}));
  return l.EmitResult(ir::OpKind::kAdd, {product, bias});
}

// Blob 2 of a BatchNorm divides the others, which are moving sums.
Status DivideBySum(const LayerImport& l, ir::Tensor& mean, ir::Tensor& variance) {
  TF2_ASSIGN_OR_RETURN(const ir::Tensor sum, l.Read(2, {}, {1, 0}));
  const float factor = sum.f32[0] == 0 ? 0 : 1 / sum.f32[0];
  for (float& v : mean.f32) v *= factor;
  for (float& v : variance.f32) v *= factor;
  return {};
}

// The statistics of a normalisation without data: those of its bottom.
Fill MeanFill(const LayerImport& l) {
  return {l.moments[0].mean, 0.1 * std::sqrt(l.moments[0].variance)};
}
Fill VarianceFill(const LayerImport& l) {
  return {l.moments[0].variance, 0.1 * l.moments[0].variance};
}

}  // namespace

Status ImportBatchNorm(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(ExpectChannels(l));
  const caffe_pb::BatchNormParameter& p = l.layer.batch_norm_param();
  if (p.has_use_global_stats() && !p.use_global_stats()) {
    return WithHint(Unsupported("use_global_stats is false"),
                    "the statistics of the batch are not known at inference: set it to true");
  }
  const ir::Shape channels = {l.ShapeOf(0)[1]};
  TF2_ASSIGN_OR_RETURN(ir::Tensor mean, l.Read(0, channels, MeanFill(l)));
  TF2_ASSIGN_OR_RETURN(ir::Tensor variance, l.Read(1, channels, VarianceFill(l)));
  TF2_RETURN_IF_ERROR(DivideBySum(l, mean, variance));
  l.moment = Moments();
  TF2_ASSIGN_OR_RETURN(const ir::ValueId m, l.AddConstant("mean", std::move(mean)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId v, l.AddConstant("variance", std::move(variance)));
  std::vector<ir::ValueId> operands = {l.bottoms[0], m, v};
  if (p.scale_bias()) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId gamma, l.Weight(3, "gamma", channels, kFactorFill));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId beta, l.Weight(4, "beta", channels, kBiasFill));
    operands.insert(operands.end(), {gamma, beta});
  }
  return l.EmitResult(ir::OpKind::kBatchNorm, std::move(operands), {{"epsilon", p.eps()}});
}

// Of two forks: blobs are factor, bias, mean, variance, or factor and bias with the statistics in
// them.
Status ImportBN(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(ExpectChannels(l));
  const ir::Shape channels = {l.ShapeOf(0)[1]};
  l.moment = Moments();
  TF2_ASSIGN_OR_RETURN(const ir::ValueId gamma, l.Weight(0, "gamma", channels, kFactorFill));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId beta, l.Weight(1, "beta", channels, kBiasFill));
  if (!l.weights.random() && l.weights.CountOf(l.layer.name()) == 2)
    return l.EmitResult(ir::OpKind::kScale, {l.bottoms[0], gamma, beta});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId mean, l.Weight(2, "mean", channels, MeanFill(l)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId variance,
                       l.Weight(3, "variance", channels, VarianceFill(l)));
  return l.EmitResult(ir::OpKind::kBatchNorm, {l.bottoms[0], mean, variance, gamma, beta},
                      {{"epsilon", l.layer.bn_param().eps()}});
}

Status ImportScale(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 2));
  const caffe_pb::ScaleParameter& p = l.layer.scale_param();
  if (l.bottoms.size() == 2) return ScaleBySecond(l, p);
  TF2_ASSIGN_OR_RETURN(const Span span, SpanOf(l, p.axis(), p.num_axes()));
  if ((span.per_channel || p.num_axes() == 0) && l.ShapeOf(0).size() >= 2) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId factor,
                         ChannelWeight(l, 0, "factor", span, kFactorFill));
    std::vector<ir::ValueId> operands = {l.bottoms[0], factor};
    if (p.bias_term()) {
      TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, ChannelWeight(l, 1, "bias", span, kBiasFill));
      operands.push_back(bias);
    }
    return l.EmitResult(ir::OpKind::kScale, std::move(operands));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId factor, SpanWeight(l, 0, "factor", span, kFactorFill));
  if (!p.bias_term()) return l.EmitResult(ir::OpKind::kMul, {l.bottoms[0], factor});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, SpanWeight(l, 1, "bias", span, kBiasFill));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId product,
                       l.EmitPart(ir::OpKind::kMul, "product", {l.bottoms[0], factor}));
  return l.EmitResult(ir::OpKind::kAdd, {product, bias});
}

Status ImportBias(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 2));
  const caffe_pb::BiasParameter& p = l.layer.bias_param();
  if (l.bottoms.size() == 2) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, AlignSecond(l, p.axis()));
    return l.EmitResult(ir::OpKind::kAdd, {l.bottoms[0], bias});
  }
  TF2_ASSIGN_OR_RETURN(const Span span, SpanOf(l, p.axis(), p.num_axes()));
  if ((span.per_channel || p.num_axes() == 0) && l.ShapeOf(0).size() >= 2) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, ChannelWeight(l, 0, "bias", span, kBiasFill));
    return l.EmitResult(ir::OpKind::kScale, {l.bottoms[0], ir::kNoValue, bias});
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, SpanWeight(l, 0, "bias", span, kBiasFill));
  return l.EmitResult(ir::OpKind::kAdd, {l.bottoms[0], bias});
}

Status ImportLRN(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::LRNParameter& p = l.layer.lrn_param();
  if (p.local_size() % 2 == 0 || p.local_size() > ir::kMaxDimension)
    return InvalidArgument("local_size is {}, an odd number is needed", p.local_size());
  const bool within = p.norm_region() == caffe_pb::LRNParameter::WITHIN_CHANNEL;
  // Within a channel Caffe adds 1, whatever k is.
  return l.EmitResult(ir::OpKind::kLrn, {l.bottoms[0]},
                      {{"size", std::int64_t{p.local_size()}},
                       {"alpha", p.alpha()},
                       {"beta", p.beta()},
                       {"bias", within ? 1.0F : p.k()},
                       {"region", std::string(within ? "within" : "across")}});
}

Status ImportMVN(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::MVNParameter& p = l.layer.mvn_param();
  l.moment = Moments();
  return l.EmitResult(ir::OpKind::kMvn, {l.bottoms[0]},
                      {{"axes", p.across_channels() ? Ints{1, 2, 3} : Ints{2, 3}},
                       {"variance", std::int64_t{p.normalize_variance()}},
                       {"epsilon", p.eps()}});
}

Status ImportNormalize(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::NormalizeParameter& p = l.layer.norm_param();
  const double scale = p.has_scale_filler() ? p.scale_filler().value() : 1;
  const Span span = {p.channel_shared() ? ir::Shape{} : ir::Shape{l.ShapeOf(0)[1]}, 1,
                     !p.channel_shared()};
  TF2_ASSIGN_OR_RETURN(const ir::ValueId factor, ChannelWeight(l, 0, "factor", span, {scale, 0}));
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId unit,
      l.EmitPart(ir::OpKind::kL2Normalize, "unit", {l.bottoms[0]},
                 {{"axes", p.across_spatial() ? Ints{1, 2, 3} : Ints{1}}, {"epsilon", p.eps()}}));
  const double terms = static_cast<double>(l.ShapeOf(0)[1]);
  l.moment = Moments{.mean = 0, .variance = scale * scale / terms};
  return l.EmitResult(ir::OpKind::kScale, {unit, factor});
}

}  // namespace tf2::import::caffe
