// Functions of one element: ReLU and its relatives, Sigmoid, TanH, Power, Exp, Log, AbsVal, BNLL,
// Threshold, Clip, Swish.
#include <cmath>
#include <numbers>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

// max(0, x) of a normal x.
Moments Rectified(const Moments& x) {
  const double deviation = std::sqrt(std::max(x.variance, 1e-12));
  const double t = x.mean / deviation;
  const double density = std::exp(-t * t / 2) / std::sqrt(2 * std::numbers::pi);
  const double positive = std::erfc(-t / std::numbers::sqrt2) / 2;
  const double mean = x.mean * positive + deviation * density;
  const double square = x.Square() * positive + x.mean * deviation * density;
  return {.mean = mean, .variance = std::max(square - mean * mean, 0.0)};
}

ir::AttrMap Fn(const char* name, float alpha = 0) {
  return {{"fn", std::string(name)}, {"alpha", alpha}};
}

Status Unary(LayerImport& l, const char* name, float alpha = 0) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  return l.EmitResult(ir::OpKind::kUnary, {l.bottoms[0]}, Fn(name, alpha));
}

// x * scale + shift, leaving out what changes nothing.
Result<ir::ValueId> Affine(const LayerImport& l, ir::ValueId x, double scale, double shift) {
  const auto constant = [&l](const char* part, double value) {
    return l.AddConstant(part, ir::Tensor::Float({}, {static_cast<float>(value)}));
  };
  if (scale != 1) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId factor, constant("scale", scale));
    TF2_ASSIGN_OR_RETURN(x, l.EmitPart(ir::OpKind::kMul, "scaled", {x, factor}));
  }
  if (shift != 0) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bias, constant("shift", shift));
    TF2_ASSIGN_OR_RETURN(x, l.EmitPart(ir::OpKind::kAdd, "shifted", {x, bias}));
  }
  return x;
}

Status CheckFinite(std::initializer_list<std::pair<const char*, float>> parameters) {
  for (const auto& [name, value] : parameters) {
    if (!std::isfinite(value)) return InvalidArgument("{} is {}", name, value);
  }
  return {};
}

// The natural logarithm of the base, -1 standing for e.
Result<double> LogOfBase(float base) {
  if (base == -1) return 1.0;
  if (!(base > 0) || base == 1 || !std::isfinite(base))
    return InvalidArgument("base is {}; it must be positive and not 1, or -1 for e", base);
  return std::log(static_cast<double>(base));
}

}  // namespace

Status ImportReLU(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const float slope = l.layer.relu_param().negative_slope();
  TF2_RETURN_IF_ERROR(CheckFinite({{"negative_slope", slope}}));
  l.moment = Rectified(l.moments[0]);
  if (slope == 0) return l.EmitResult(ir::OpKind::kRelu, {l.bottoms[0]});
  return Unary(l, "leaky_relu", slope);
}

Status ImportReLU6(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const float most = l.layer.relu6_param().threshold();
  if (!(most > 0) || !std::isfinite(most)) return InvalidArgument("threshold is {}", most);
  l.moment = Rectified(l.moments[0]);
  return l.EmitResult(ir::OpKind::kClip, {l.bottoms[0]}, {{"min", 0.0F}, {"max", most}});
}

Status ImportPReLU(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const ir::Shape& x = l.ShapeOf(0);
  if (x.size() < 2)
    return InvalidArgument("its bottom is {}, which has no channels", ir::ToString(x));
  const bool shared = l.layer.prelu_param().channel_shared();
  TF2_ASSIGN_OR_RETURN(ir::Tensor slope,
                       l.Read(0, shared ? ir::Shape{} : ir::Shape{x[1]}, {0.25, 0.05}));
  slope.shape.resize(x.size() - 1, 1);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId alpha, l.AddConstant("slope", std::move(slope)));
  l.moment = Rectified(l.moments[0]);
  return l.EmitResult(ir::OpKind::kPrelu, {l.bottoms[0], alpha});
}

Status ImportELU(LayerImport& l) {
  const float alpha = l.layer.elu_param().alpha();
  TF2_RETURN_IF_ERROR(CheckFinite({{"alpha", alpha}}));
  return Unary(l, "elu", alpha);
}

Status ImportSigmoid(LayerImport& l) {
  l.moment = Moments{.mean = 0.5, .variance = 0.05};
  return Unary(l, "sigmoid");
}

Status ImportTanH(LayerImport& l) { return Unary(l, "tanh"); }
Status ImportAbsVal(LayerImport& l) { return Unary(l, "abs"); }
Status ImportBNLL(LayerImport& l) { return Unary(l, "softplus"); }

Status ImportSwish(LayerImport& l) {
  const float beta = l.layer.swish_param().beta();
  TF2_RETURN_IF_ERROR(CheckFinite({{"beta", beta}}));
  if (beta == 1) return Unary(l, "silu");
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId scaled, Affine(l, l.bottoms[0], beta, 0));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId gate,
                       l.EmitPart(ir::OpKind::kUnary, "gate", {scaled}, Fn("sigmoid")));
  return l.EmitResult(ir::OpKind::kMul, {l.bottoms[0], gate});
}

Status ImportClip(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::ClipParameter& p = l.layer.clip_param();
  if (!p.has_min() || !p.has_max()) return InvalidArgument("min or max is missing");
  if (!(p.min() <= p.max())) return InvalidArgument("min is {} and max {}", p.min(), p.max());
  return l.EmitResult(ir::OpKind::kClip, {l.bottoms[0]}, {{"min", p.min()}, {"max", p.max()}});
}

// (shift + scale x)^power
Status ImportPower(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::PowerParameter& p = l.layer.power_param();
  TF2_RETURN_IF_ERROR(
      CheckFinite({{"power", p.power()}, {"scale", p.scale()}, {"shift", p.shift()}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Affine(l, l.bottoms[0], p.scale(), p.shift()));
  if (p.power() == 1) return l.EmitResult(ir::OpKind::kIdentity, {x});
  if (p.power() == 2) return l.EmitResult(ir::OpKind::kMul, {x, x});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId power,
                       l.AddConstant("power", ir::Tensor::Float({}, {p.power()})));
  return l.EmitResult(ir::OpKind::kBinary, {x, power}, {{"fn", std::string("pow")}});
}

// base^(shift + scale x)
Status ImportExp(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::ExpParameter& p = l.layer.exp_param();
  TF2_RETURN_IF_ERROR(CheckFinite({{"scale", p.scale()}, {"shift", p.shift()}}));
  TF2_ASSIGN_OR_RETURN(const double log_base, LogOfBase(p.base()));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x,
                       Affine(l, l.bottoms[0], p.scale() * log_base, p.shift() * log_base));
  return l.EmitResult(ir::OpKind::kUnary, {x}, Fn("exp"));
}

// log_base(shift + scale x)
Status ImportLog(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::LogParameter& p = l.layer.log_param();
  TF2_RETURN_IF_ERROR(CheckFinite({{"scale", p.scale()}, {"shift", p.shift()}}));
  TF2_ASSIGN_OR_RETURN(const double log_base, LogOfBase(p.base()));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Affine(l, l.bottoms[0], p.scale(), p.shift()));
  if (log_base == 1) return l.EmitResult(ir::OpKind::kUnary, {x}, Fn("log"));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId log,
                       l.EmitPart(ir::OpKind::kUnary, "log", {x}, Fn("log")));
  const auto factor = static_cast<float>(1 / log_base);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId base,
                       l.AddConstant("factor", ir::Tensor::Float({}, {factor})));
  return l.EmitResult(ir::OpKind::kMul, {log, base});
}

// x > threshold, as 0 or 1
Status ImportThreshold(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const float threshold = l.layer.threshold_param().threshold();
  TF2_RETURN_IF_ERROR(CheckFinite({{"threshold", threshold}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId limit,
                       l.AddConstant("threshold", ir::Tensor::Float({}, {threshold})));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId above,
                       l.EmitPart(ir::OpKind::kBinary, "above", {l.bottoms[0], limit},
                                  {{"fn", std::string("greater")}}));
  return l.EmitResult(ir::OpKind::kCast, {above}, {{"to", std::string("f32")}});
}

}  // namespace tf2::import::caffe
