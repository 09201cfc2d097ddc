// Normalisations that depend on the data.
#include <numeric>
#include <utility>

#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

Status ImportLrn(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t size, n.attrs.Int("size", 0));
  if (size < 1) return InvalidArgument("attribute size is missing or {}", size);
  TF2_ASSIGN_OR_RETURN(const float alpha, n.attrs.Float("alpha", 1e-4F));
  TF2_ASSIGN_OR_RETURN(const float beta, n.attrs.Float("beta", 0.75F));
  TF2_ASSIGN_OR_RETURN(const float bias, n.attrs.Float("bias", 1));
  return n.EmitResult(ir::OpKind::kLrn, {n.inputs[0]},
                      {{"size", size}, {"alpha", alpha}, {"beta", beta}, {"bias", bias}});
}

Status ImportInstanceNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  n.attrs.Ignore("consumed_inputs");
  TF2_ASSIGN_OR_RETURN(const float epsilon, n.attrs.Float("epsilon", 1e-5F));
  if (n.ShapeOf(0).size() < 3)
    return InvalidArgument("its input is {}, not [n, c, ...]", ir::ToString(n.ShapeOf(0)));
  return n.EmitResult(ir::OpKind::kGroupNorm, {n.inputs[0], n.inputs[1], n.inputs[2]},
                      {{"groups", n.ShapeOf(0)[1]}, {"epsilon", epsilon}});
}

// One value per channel from one per group.
Result<ir::ValueId> PerChannel(const NodeImport& n, std::size_t i, std::int64_t groups,
                               std::int64_t channels, const char* what) {
  const ir::ValueId x = n.inputs[i];
  if (n.opset >= 21 || groups == channels) return x;
  const std::string name(what);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId column, n.EmitPart(ir::OpKind::kReshape, name + "_column",
                                                            {x}, {{"shape", Ints{groups, 1}}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId wide,
                       n.EmitPart(ir::OpKind::kExpand, name + "_wide", {column},
                                  {{"shape", Ints{groups, channels / groups}}}));
  return n.EmitPart(ir::OpKind::kReshape, name, {wide}, {{"shape", Ints{channels}}});
}

Status ImportGroupNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  n.attrs.Ignore("stash_type");
  TF2_ASSIGN_OR_RETURN(const float epsilon, n.attrs.Float("epsilon", 1e-5F));
  TF2_ASSIGN_OR_RETURN(const std::int64_t groups, n.attrs.Int("num_groups", 0));
  const ir::Shape& x = n.ShapeOf(0);
  if (x.size() < 2 || groups < 1 || x[1] % groups != 0) {
    return InvalidArgument("{} does not divide into {} groups of channels", ir::ToString(x),
                           groups);
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId gamma, PerChannel(n, 1, groups, x[1], "scale"));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId beta, PerChannel(n, 2, groups, n.ShapeOf(0)[1], "bias"));
  return n.EmitResult(ir::OpKind::kGroupNorm, {n.inputs[0], gamma, beta},
                      {{"groups", groups}, {"epsilon", epsilon}});
}

Result<ir::ValueId> ReduceOver(const NodeImport& n, const char* part, const char* fn, ir::ValueId x,
                               const Ints& axes) {
  return n.EmitPart(ir::OpKind::kReduce, part, {x}, {{"fn", std::string(fn)}, {"axes", axes}});
}

Result<ir::ValueId> UnaryPart(const NodeImport& n, const char* part, const char* fn,
                              ir::ValueId x) {
  return n.EmitPart(ir::OpKind::kUnary, part, {x}, {{"fn", std::string(fn)}});
}

// Outputs 1 and 2 of LayerNormalization: the mean and 1 / sqrt(variance + epsilon).
Status EmitMoments(NodeImport& n, const Ints& axes, float epsilon) {
  if (!n.Reads(1) && !n.Reads(2)) return {};
  TF2_ASSIGN_OR_RETURN(const ir::ValueId mean, ReduceOver(n, "mean", "mean", n.inputs[0], axes));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId centred,
                       n.EmitPart(ir::OpKind::kSub, "centred", {n.inputs[0], mean}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId squares,
                       n.EmitPart(ir::OpKind::kMul, "squares", {centred, centred}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId variance,
                       ReduceOver(n, "variance", "mean", squares, axes));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId small,
                       n.AddConstant("epsilon", ir::Tensor::Float({}, {epsilon})));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId sum,
                       n.EmitPart(ir::OpKind::kAdd, "spread", {variance, small}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId root, UnaryPart(n, "deviation", "sqrt", sum));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId inverse, UnaryPart(n, "inverse", "reciprocal", root));
  n.SetOutput(1, mean);
  n.SetOutput(2, inverse);
  return {};
}

// The axes from `axis` to the last.
Result<Ints> AxesFrom(std::int64_t axis, std::size_t rank) {
  TF2_ASSIGN_OR_RETURN(const std::size_t first, ir::NormalizeAxis(axis, rank));
  Ints axes(rank - first);
  std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(first));
  return axes;
}

Status ImportLayerNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  n.attrs.Ignore("stash_type");
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", -1));
  TF2_ASSIGN_OR_RETURN(const float epsilon, n.attrs.Float("epsilon", 1e-5F));
  TF2_ASSIGN_OR_RETURN(const Ints axes, AxesFrom(axis, n.ShapeOf(0).size()));
  TF2_RETURN_IF_ERROR(EmitMoments(n, axes, epsilon));
  std::vector<ir::ValueId> operands = {n.inputs[0], n.inputs[1]};
  if (n.HasInput(2)) operands.push_back(n.inputs[2]);
  return n.EmitResult(ir::OpKind::kLayerNorm, std::move(operands),
                      {{"axis", axis}, {"epsilon", epsilon}});
}

// x / sqrt(mean(x^2) + epsilon) * scale.
Status ImportRmsNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  n.attrs.Ignore("stash_type");
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", -1));
  TF2_ASSIGN_OR_RETURN(const float epsilon, n.attrs.Float("epsilon", 1e-5F));
  TF2_RETURN_IF_ERROR(n.ExpectOneOutput("the inverse deviation"));
  TF2_ASSIGN_OR_RETURN(const Ints axes, AxesFrom(axis, n.ShapeOf(0).size()));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId squares,
                       n.EmitPart(ir::OpKind::kMul, "squares", {n.inputs[0], n.inputs[0]}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId mean, ReduceOver(n, "mean", "mean", squares, axes));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId small,
                       n.AddConstant("epsilon", ir::Tensor::Float({}, {epsilon})));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId sum,
                       n.EmitPart(ir::OpKind::kAdd, "spread", {mean, small}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId root, UnaryPart(n, "deviation", "sqrt", sum));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId normal,
                       n.EmitPart(ir::OpKind::kDiv, "normal", {n.inputs[0], root}));
  return n.EmitResult(ir::OpKind::kMul, {normal, n.inputs[1]});
}

Status ImportMvn(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(auto axes, n.attrs.Ints("axes"));
  return n.EmitResult(ir::OpKind::kMvn, {n.inputs[0]}, {{"axes", axes.value_or(Ints{0, 2, 3})}});
}

Status ImportLpNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", -1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t p, n.attrs.Int("p", 2));
  if (p == 2) return n.EmitResult(ir::OpKind::kL2Normalize, {n.inputs[0]}, {{"axes", Ints{axis}}});
  if (p != 1) return InvalidArgument("attribute p is {}, not 1 or 2", p);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId norm,
                       ReduceOver(n, "norm", "l1", n.inputs[0], Ints{axis}));
  return n.EmitResult(ir::OpKind::kDiv, {n.inputs[0], norm});
}

}  // namespace

std::vector<OperatorRow> NormOperators() {
  return {
      {"GroupNormalization", ImportGroupNormalization},
      {"InstanceNormalization", ImportInstanceNormalization},
      {"LRN", ImportLrn},
      {"LayerNormalization", ImportLayerNormalization},
      {"LpNormalization", ImportLpNormalization},
      {"MeanVarianceNormalization", ImportMvn},
      {"RMSNormalization", ImportRmsNormalization},
      {"SimplifiedLayerNormalization", ImportRmsNormalization},
  };
}

}  // namespace tf2::import::onnx
