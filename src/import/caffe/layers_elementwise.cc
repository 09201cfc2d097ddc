// ReLU, Pooling, Eltwise, Softmax.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::EltwiseParameter;
using caffe_pb::PoolingParameter;

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

struct PoolWindow {
  std::int64_t kh, kw, sh, sw, ph, pw;
};

Result<PoolWindow> WindowOf(const PoolingParameter& p) {
  const bool by_axis = p.has_kernel_h() || p.has_kernel_w();
  PoolWindow w = {p.kernel_size(), p.kernel_size(), p.stride(), p.stride(), p.pad(), p.pad()};
  if (by_axis == p.has_kernel_size())
    return InvalidArgument("either kernel_size or kernel_h and kernel_w must be given");
  if (by_axis) {
    w.kh = p.kernel_h();
    w.kw = p.kernel_w();
  }
  if (p.has_stride_h() || p.has_stride_w()) {
    w.sh = p.stride_h();
    w.sw = p.stride_w();
  }
  if (p.has_pad_h() || p.has_pad_w()) {
    w.ph = p.pad_h();
    w.pw = p.pad_w();
  }
  if (w.kh == 0 || w.kw == 0) return InvalidArgument("the kernel has no height or width");
  if (w.sh == 0 || w.sw == 0) return InvalidArgument("the stride is 0");
  if (w.ph >= w.kh || w.pw >= w.kw) return InvalidArgument("the padding is as large as the kernel");
  if (std::max({w.kh, w.kw, w.sh, w.sw}) > ir::kMaxDimension)
    return Unsupported("kernel or stride is too large");
  return w;
}

Status ImportGlobalPooling(LayerImport& l, const PoolingParameter& p) {
  if (p.pad() != 0 || p.pad_h() != 0 || p.pad_w() != 0 || p.stride() != 1)
    return InvalidArgument("global_pooling has padding or a stride");
  return l.EmitResult(
      p.pool() == PoolingParameter::MAX ? ir::OpKind::kGlobalMaxPool : ir::OpKind::kGlobalAvgPool,
      {l.bottoms[0]});
}

// Bottom i times its coefficient.
Result<ir::ValueId> Weighted(const LayerImport& l, std::size_t i) {
  const EltwiseParameter& p = l.layer.eltwise_param();
  const float coeff = p.coeff_size() == 0 ? 1 : p.coeff(static_cast<int>(i));
  if (coeff == 1) return l.bottoms[i];
  if (l.ShapeOf(i).size() < 2)
    return Unsupported("a coefficient for {}", ir::ToString(l.ShapeOf(i)));
  const std::int64_t channels = l.ShapeOf(i)[1];
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId factor,
      l.AddConstant(fmt::format("coeff{}", i),
                    ir::Tensor::Float({channels}, std::vector<float>(channels, coeff))));
  return l.EmitPart(ir::OpKind::kScale, fmt::format("scaled{}", i), {l.bottoms[i], factor});
}

// ((b0 op b1) op b2) ...
Status Chain(LayerImport& l, ir::OpKind kind, const std::vector<ir::ValueId>& operands) {
  ir::ValueId sum = operands[0];
  for (std::size_t i = 1; i + 1 < operands.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(sum, l.EmitPart(kind, fmt::format("part{}", i), {sum, operands[i]}));
  }
  return l.EmitResult(kind, {sum, operands.back()});
}

}  // namespace

Status ImportReLU(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const float slope = l.layer.relu_param().negative_slope();
  if (slope != 0) {
    return WithHint(Unsupported("negative_slope is {}", slope),
                    "only ReLU without a slope can be imported: retrain the network with it");
  }
  l.moment = Rectified(l.moments[0]);
  return l.EmitResult(ir::OpKind::kRelu, {l.bottoms[0]});
}

Status ImportPooling(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const PoolingParameter& p = l.layer.pooling_param();
  if (p.pool() == PoolingParameter::STOCHASTIC) {
    return WithHint(Unsupported("pool is STOCHASTIC"), "MAX and AVE can be imported");
  }
  if (p.global_pooling()) return ImportGlobalPooling(l, p);
  TF2_ASSIGN_OR_RETURN(const PoolWindow w, WindowOf(p));
  using Ints = std::vector<std::int64_t>;
  const bool ceil = p.round_mode() == PoolingParameter::CEIL && p.ceil_mode();
  ir::AttrMap attrs = {{"kernel", Ints{w.kh, w.kw}},
                       {"strides", Ints{w.sh, w.sw}},
                       {"pads", Ints{w.ph, w.pw, w.ph, w.pw}},
                       {"ceil", std::int64_t{ceil}}};
  if (p.pool() == PoolingParameter::MAX)
    return l.EmitResult(ir::OpKind::kMaxPool, {l.bottoms[0]}, std::move(attrs));
  attrs["divisor"] = std::string("caffe");
  return l.EmitResult(ir::OpKind::kAvgPool, {l.bottoms[0]}, std::move(attrs));
}

Status ImportEltwise(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(2, 1024));
  const EltwiseParameter& p = l.layer.eltwise_param();
  for (std::size_t i = 1; i < l.bottoms.size(); ++i) {
    if (l.ShapeOf(i) == l.ShapeOf(0)) continue;
    return InvalidArgument("its bottoms are {} and {}", ir::ToString(l.ShapeOf(0)),
                           ir::ToString(l.ShapeOf(i)));
  }
  if (p.coeff_size() != 0 && static_cast<std::size_t>(p.coeff_size()) != l.bottoms.size())
    return InvalidArgument("{} coefficients for {} bottoms", p.coeff_size(), l.bottoms.size());
  for (std::size_t i = 1; i < l.moments.size(); ++i) {
    if (!l.moment) l.moment = l.moments[0];
    l.moment->mean += l.moments[i].mean;
    l.moment->variance += l.moments[i].variance;
  }
  switch (p.operation()) {
    case EltwiseParameter::PROD:
      return Chain(l, ir::OpKind::kMul, l.bottoms);
    case EltwiseParameter::SUM: {
      if (p.coeff_size() == 2 && p.coeff(0) == 1 && p.coeff(1) == -1)
        return l.EmitResult(ir::OpKind::kSub, l.bottoms);
      std::vector<ir::ValueId> operands;
      for (std::size_t i = 0; i < l.bottoms.size(); ++i) {
        TF2_ASSIGN_OR_RETURN(const ir::ValueId id, Weighted(l, i));
        operands.push_back(id);
      }
      return Chain(l, ir::OpKind::kAdd, operands);
    }
    case EltwiseParameter::MAX:
      return WithHint(Unsupported("operation is MAX"), "SUM and PROD can be imported");
  }
  TF2_CHECK(false, "no such operation");
}

Status ImportSoftmax(LayerImport& l) {
  if (l.bottoms.empty()) return InvalidArgument("it has no bottom");
  return l.EmitResult(ir::OpKind::kSoftmax, {l.bottoms[0]},
                      {{"axis", std::int64_t{l.layer.softmax_param().axis()}}});
}

}  // namespace tf2::import::caffe
