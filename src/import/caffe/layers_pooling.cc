// Pooling, SPP.
#include <algorithm>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::PoolingParameter;
using Ints = std::vector<std::int64_t>;

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

std::pair<ir::OpKind, ir::AttrMap> PoolNode(const PoolWindow& w, bool max, bool ceil) {
  ir::AttrMap attrs = {{"kernel", Ints{w.kh, w.kw}},
                       {"strides", Ints{w.sh, w.sw}},
                       {"pads", Ints{w.ph, w.pw, w.ph, w.pw}},
                       {"ceil", std::int64_t{ceil}}};
  if (max) return {ir::OpKind::kMaxPool, std::move(attrs)};
  attrs["divisor"] = std::string("caffe");
  return {ir::OpKind::kAvgPool, std::move(attrs)};
}

}  // namespace

Status ImportPooling(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const PoolingParameter& p = l.layer.pooling_param();
  if (p.pool() == PoolingParameter::STOCHASTIC) {
    return WithHint(Unsupported("pool is STOCHASTIC"), "MAX and AVE can be imported");
  }
  if (p.global_pooling()) return ImportGlobalPooling(l, p);
  TF2_ASSIGN_OR_RETURN(const PoolWindow w, WindowOf(p));
  const bool ceil = p.round_mode() == PoolingParameter::CEIL && p.ceil_mode();
  auto [kind, attrs] = PoolNode(w, p.pool() == PoolingParameter::MAX, ceil);
  return l.EmitResult(kind, {l.bottoms[0]}, std::move(attrs));
}

// Level i pools into 2^i x 2^i bins; the levels are flattened and joined.
Status ImportSPP(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  TF2_RETURN_IF_ERROR(l.ExpectImage());
  const caffe_pb::SPPParameter& p = l.layer.spp_param();
  if (p.pool() == caffe_pb::SPPParameter::STOCHASTIC)
    return WithHint(Unsupported("pool is STOCHASTIC"), "MAX and AVE can be imported");
  if (p.pyramid_height() == 0) return InvalidArgument("pyramid_height is missing or 0");
  const std::int64_t h = l.ShapeOf(0)[2];
  const std::int64_t w = l.ShapeOf(0)[3];
  std::vector<ir::ValueId> levels;
  for (std::uint32_t i = 0; i < p.pyramid_height(); ++i) {
    const std::int64_t bins = i < 20 ? std::int64_t{1} << i : ir::kMaxDimension;
    if (bins > h || bins > w)
      return InvalidArgument("level {} has more bins than its bottom {} has rows or columns", i,
                             ir::ToString(l.ShapeOf(0)));
    const std::int64_t kh = (h + bins - 1) / bins;
    const std::int64_t kw = (w + bins - 1) / bins;
    const PoolWindow window = {kh, kw, kh, kw, (kh * bins - h + 1) / 2, (kw * bins - w + 1) / 2};
    if (window.ph >= kh || window.pw >= kw)
      return InvalidArgument("level {} has bins without elements", i);
    auto [kind, attrs] = PoolNode(window, p.pool() == caffe_pb::SPPParameter::MAX, true);
    TF2_ASSIGN_OR_RETURN(const ir::ValueId pooled, l.EmitPart(kind, fmt::format("level{}", i),
                                                              {l.bottoms[0]}, std::move(attrs)));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId flat,
                         l.EmitPart(ir::OpKind::kFlatten, fmt::format("flat{}", i), {pooled},
                                    {{"axis", std::int64_t{1}}}));
    levels.push_back(flat);
  }
  return l.EmitResult(ir::OpKind::kConcat, std::move(levels), {{"axis", std::int64_t{1}}});
}

}  // namespace tf2::import::caffe
