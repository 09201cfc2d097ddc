// Eltwise, Axpy, Softmax, ArgMax, Reduction.
#include <algorithm>
#include <utility>

#include "import/caffe/layer_import.h"
#include "ir/shape_math.h"

namespace tf2::import::caffe {
namespace {

using caffe_pb::EltwiseParameter;
using caffe_pb::ReductionParameter;
using Ints = std::vector<std::int64_t>;

// Bottom i times its coefficient.
Result<ir::ValueId> Weighted(const LayerImport& l, std::size_t i) {
  const EltwiseParameter& p = l.layer.eltwise_param();
  const float coeff = p.coeff_size() == 0 ? 1 : p.coeff(static_cast<int>(i));
  if (coeff == 1) return l.bottoms[i];
  const bool has_channels = l.ShapeOf(i).size() >= 2;
  const ir::Shape shape = has_channels ? ir::Shape{l.ShapeOf(i)[1]} : ir::Shape{};
  std::vector<float> all(static_cast<std::size_t>(ir::ElementCount(shape)), coeff);
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId factor,
      l.AddConstant(fmt::format("coeff{}", i), ir::Tensor::Float(shape, std::move(all))));
  return l.EmitPart(has_channels ? ir::OpKind::kScale : ir::OpKind::kMul,
                    fmt::format("scaled{}", i), {l.bottoms[i], factor});
}

// ((b0 op b1) op b2) ...
Status Chain(LayerImport& l, ir::OpKind kind, const std::vector<ir::ValueId>& operands,
             const ir::AttrMap& attrs = {}) {
  ir::ValueId sum = operands[0];
  for (std::size_t i = 1; i + 1 < operands.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(sum,
                         l.EmitPart(kind, fmt::format("part{}", i), {sum, operands[i]}, attrs));
  }
  return l.EmitResult(kind, {sum, operands.back()}, attrs);
}

Moments SumOf(const std::vector<Moments>& terms) {
  Moments sum = {0, 0};
  for (const Moments& m : terms) {
    sum.mean += m.mean;
    sum.variance += m.variance;
  }
  return sum;
}

Status Sum(LayerImport& l) {
  const EltwiseParameter& p = l.layer.eltwise_param();
  l.moment = SumOf(l.moments);
  if (p.coeff_size() == 2 && p.coeff(0) == 1 && p.coeff(1) == -1)
    return l.EmitResult(ir::OpKind::kSub, l.bottoms);
  std::vector<ir::ValueId> operands;
  for (std::size_t i = 0; i < l.bottoms.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId id, Weighted(l, i));
    operands.push_back(id);
  }
  return Chain(l, ir::OpKind::kAdd, operands);
}

// The `k` largest of each sample, their positions first: [n, 1 or 2, k].
Status ArgMaxOfSample(LayerImport& l, std::int64_t k, bool values) {
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId flat,
      l.EmitPart(ir::OpKind::kFlatten, "flatten", {l.bottoms[0]}, {{"axis", std::int64_t{1}}}));
  const std::int64_t n = l.ShapeOf(0)[0];
  const auto part = [&](const char* result) -> Result<ir::ValueId> {
    TF2_ASSIGN_OR_RETURN(
        ir::ValueId top,
        l.EmitPart(ir::OpKind::kTopK, result, {flat},
                   {{"k", k}, {"axis", std::int64_t{1}}, {"result", std::string(result)}}));
    if (std::string_view(result) == "indices") {
      TF2_ASSIGN_OR_RETURN(
          top, l.EmitPart(ir::OpKind::kCast, "positions", {top}, {{"to", std::string("f32")}}));
    }
    return l.EmitPart(ir::OpKind::kReshape, fmt::format("{}/rows", result), {top},
                      {{"shape", Ints{n, 1, k}}});
  };
  TF2_ASSIGN_OR_RETURN(const ir::ValueId indices, part("indices"));
  if (!values) return l.EmitResult(ir::OpKind::kIdentity, {indices});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId maxima, part("values"));
  return l.EmitResult(ir::OpKind::kConcat, {indices, maxima}, {{"axis", std::int64_t{1}}});
}

Status ArgMaxAlong(LayerImport& l, std::int64_t axis, std::int64_t k, bool values) {
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId top,
      l.EmitPart(
          ir::OpKind::kTopK, "top", {l.bottoms[0]},
          {{"k", k}, {"axis", axis}, {"result", std::string(values ? "values" : "indices")}}));
  if (values) return l.EmitResult(ir::OpKind::kIdentity, {top});
  return l.EmitResult(ir::OpKind::kCast, {top}, {{"to", std::string("f32")}});
}

std::string ReduceName(ReductionParameter::ReductionOp op) {
  switch (op) {
    case ReductionParameter::SUM:
      return "sum";
    case ReductionParameter::ASUM:
      return "l1";
    case ReductionParameter::SUMSQ:
      return "sum_square";
    case ReductionParameter::MEAN:
      return "mean";
  }
  return "";
}

}  // namespace

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
  if (p.coeff_size() != 0 && p.operation() != EltwiseParameter::SUM)
    return InvalidArgument("only a sum has coefficients");
  switch (p.operation()) {
    case EltwiseParameter::PROD:
      return Chain(l, ir::OpKind::kMul, l.bottoms);
    case EltwiseParameter::SUM:
      return Sum(l);
    case EltwiseParameter::MAX:
      return Chain(l, ir::OpKind::kBinary, l.bottoms, {{"fn", std::string("max")}});
  }
  TF2_CHECK(false, "no such operation");
}

// bottom 0, one number per sample and channel, times bottom 1, plus bottom 2
Status ImportAxpy(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(3, 3));
  ir::Shape shape = l.ShapeOf(0);
  const ir::Shape& x = l.ShapeOf(1);
  if (shape.size() < 2 || x.size() < 2 || ir::ElementCount(shape) != x[0] * x[1] ||
      x != l.ShapeOf(2)) {
    return InvalidArgument("its bottoms are {}, {} and {}", ir::ToString(shape), ir::ToString(x),
                           ir::ToString(l.ShapeOf(2)));
  }
  shape.assign(x.size(), 1);
  shape[0] = x[0];
  shape[1] = x[1];
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId factor,
      l.EmitPart(ir::OpKind::kReshape, "factor", {l.bottoms[0]}, {{"shape", std::move(shape)}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId product,
                       l.EmitPart(ir::OpKind::kMul, "product", {l.bottoms[1], factor}));
  l.moment = SumOf({l.moments[1], l.moments[2]});
  return l.EmitResult(ir::OpKind::kAdd, {product, l.bottoms[2]});
}

Status ImportSoftmax(LayerImport& l) {
  if (l.bottoms.empty()) return InvalidArgument("it has no bottom");
  return l.EmitResult(ir::OpKind::kSoftmax, {l.bottoms[0]},
                      {{"axis", std::int64_t{l.layer.softmax_param().axis()}}});
}

Status ImportArgMax(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const caffe_pb::ArgMaxParameter& p = l.layer.argmax_param();
  if (p.top_k() == 0) return InvalidArgument("top_k is 0");
  const std::int64_t k = p.top_k();
  if (p.has_axis()) return ArgMaxAlong(l, p.axis(), k, p.out_max_val());
  if (l.ShapeOf(0).empty()) return InvalidArgument("its bottom is a single number");
  return ArgMaxOfSample(l, k, p.out_max_val());
}

// Over all axes from `axis` on.
Status ImportReduction(LayerImport& l) {
  TF2_RETURN_IF_ERROR(l.ExpectBottoms(1, 1));
  const ReductionParameter& p = l.layer.reduction_param();
  const std::size_t rank = l.ShapeOf(0).size();
  TF2_ASSIGN_OR_RETURN(const std::size_t first, ir::NormalizeAxis(p.axis(), rank));
  Ints axes;
  for (std::size_t a = first; a < rank; ++a) axes.push_back(static_cast<std::int64_t>(a));
  ir::AttrMap attrs = {
      {"fn", ReduceName(p.operation())}, {"axes", std::move(axes)}, {"keep", std::int64_t{0}}};
  if (p.coeff() == 1) return l.EmitResult(ir::OpKind::kReduce, {l.bottoms[0]}, std::move(attrs));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId reduced, l.EmitPart(ir::OpKind::kReduce, "reduced",
                                                             {l.bottoms[0]}, std::move(attrs)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId coeff,
                       l.AddConstant("coeff", ir::Tensor::Float({}, {p.coeff()})));
  return l.EmitResult(ir::OpKind::kMul, {reduced, coeff});
}

}  // namespace tf2::import::caffe
