// Gemm, MatMul, BatchNormalization, Softmax.
#include <algorithm>
#include <utility>

#include "import/onnx/constant_moves.h"
#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

void ScaleBy(ir::Tensor& t, float factor) {
  for (float& v : t.f32) v *= factor;
}

// The weights of a Gemm as [oc, k], alpha included.
Result<ir::ValueId> GemmWeights(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(const float alpha, n.attrs.Float("alpha", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t transposed, n.attrs.Int("transB", 0));
  TF2_RETURN_IF_ERROR(n.ExpectFixed(1, "the weights"));
  if (n.ShapeOf(1).size() != 2)
    return InvalidArgument("the weights are {}, not a matrix", ir::ToString(n.ShapeOf(1)));
  if (alpha == 1 && transposed != 0) return n.inputs[1];
  TF2_ASSIGN_OR_RETURN(const ir::Tensor* b, n.FloatConstant(1, "the weights"));
  ir::Tensor weights = transposed != 0 ? *b : Transposed(*b, {1, 0});
  ScaleBy(weights, alpha);
  return n.AddConstant("weights", std::move(weights));
}

// C of a Gemm as a bias vector of `oc` elements, beta included; none where its shape is of another
// kind.
std::optional<ir::Tensor> BiasVector(const ir::Tensor& c, std::int64_t oc, float beta) {
  const auto n = static_cast<std::int64_t>(c.f32.size());
  const bool per_column = n == oc && !c.shape.empty() && c.shape.back() == oc;
  if (n != 1 && !per_column) return std::nullopt;
  if (c.shape.size() > 2) return std::nullopt;
  ir::Tensor bias = ir::Tensor::Float({oc}, n == 1 ? std::vector<float>(oc, c.f32[0]) : c.f32);
  ScaleBy(bias, beta);
  return bias;
}

// The product of input 0 and the weights, plus `summand`.
Status AddToProduct(NodeImport& n, ir::ValueId weights, ir::ValueId summand) {
  TF2_ASSIGN_OR_RETURN(const ir::ValueId product,
                       n.EmitPart(ir::OpKind::kGemm, "product", {n.inputs[0], weights}));
  return n.EmitResult(ir::OpKind::kAdd, {product, summand});
}

}  // namespace

Status ImportGemm(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  n.attrs.Ignore("broadcast");  // before opset 7; C is broadcast either way
  TF2_ASSIGN_OR_RETURN(const std::int64_t transposed, n.attrs.Int("transA", 0));
  if (transposed != 0) {
    return WithHint(Unsupported("attribute transA is {}", transposed),
                    "the data must be [n, k]: transpose it before the model");
  }
  TF2_ASSIGN_OR_RETURN(const float beta, n.attrs.Float("beta", 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weights, GemmWeights(n));
  if (!n.HasInput(2) || beta == 0) return n.EmitResult(ir::OpKind::kGemm, {n.inputs[0], weights});
  const ir::Tensor* c = n.builder.Constant(n.inputs[2]);
  if (c == nullptr && beta == 1) return AddToProduct(n, weights, n.inputs[2]);
  TF2_ASSIGN_OR_RETURN(c, n.FloatConstant(2, "the bias"));
  if (auto bias = BiasVector(*c, n.builder.ShapeOf(weights)[0], beta)) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId id, n.AddConstant("bias", *std::move(bias)));
    return n.EmitResult(ir::OpKind::kGemm, {n.inputs[0], weights, id});
  }
  ir::Tensor scaled = *c;
  ScaleBy(scaled, beta);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId id, n.AddConstant("bias", std::move(scaled)));
  return AddToProduct(n, weights, id);
}

Status ImportMatMul(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_RETURN_IF_ERROR(n.ExpectFixed(1, "the second operand"));
  if (n.ShapeOf(1).size() != 2) {
    return WithHint(Unsupported("the second operand is {}", ir::ToString(n.ShapeOf(1))),
                    "tf2 multiplies by constant matrices [k, oc]");
  }
  return n.EmitResult(ir::OpKind::kMatMul, {n.inputs[0], n.inputs[1]});
}

Status ImportBatchNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(5, 5));
  TF2_RETURN_IF_ERROR(n.ExpectOneOutput("a statistic of training"));
  for (const char* name : {"momentum", "consumed_inputs", "is_test"}) n.attrs.Ignore(name);
  TF2_ASSIGN_OR_RETURN(const std::int64_t training, n.attrs.Int("training_mode", 0));
  if (training != 0) {
    return WithHint(Unsupported("attribute training_mode is {}", training),
                    "export the model for inference (model.eval() in PyTorch)");
  }
  TF2_ASSIGN_OR_RETURN(const std::int64_t spatial, n.attrs.Int("spatial", 1));
  if (spatial == 0) {
    return WithHint(Unsupported("attribute spatial is 0"),
                    "tf2 normalises per channel; export the model with opset 9 or later");
  }
  TF2_ASSIGN_OR_RETURN(const float epsilon, n.attrs.Float("epsilon", 1e-5F));
  const char* names[] = {"", "scale", "B", "mean", "var"};
  for (std::size_t i = 1; i < 5; ++i) TF2_RETURN_IF_ERROR(n.ExpectFixed(i, names[i]));
  return n.EmitResult(ir::OpKind::kBatchNorm,
                      {n.inputs[0], n.inputs[3], n.inputs[4], n.inputs[1], n.inputs[2]},
                      {{"epsilon", epsilon}});
}

Status ImportSoftmax(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t wanted, n.attrs.Int("axis", n.opset < 13 ? 1 : -1));
  const ir::Shape shape = n.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(wanted, shape.size()));
  const auto axis = static_cast<std::int64_t>(at);
  const bool trailing_ones =
      std::all_of(shape.begin() + axis + 1, shape.end(), [](std::int64_t d) { return d == 1; });
  if (n.opset >= 13 || trailing_ones)
    return n.EmitResult(ir::OpKind::kSoftmax, {n.inputs[0]}, {{"axis", axis}});
  // Before opset 13 the axes from `axis` on are one.
  TF2_ASSIGN_OR_RETURN(const ir::ValueId flat, n.EmitPart(ir::OpKind::kFlatten, "flatten",
                                                          {n.inputs[0]}, {{"axis", axis}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId soft, n.EmitPart(ir::OpKind::kSoftmax, "softmax", {flat},
                                                          {{"axis", std::int64_t{1}}}));
  return n.EmitResult(ir::OpKind::kReshape, {soft}, {{"shape", shape}});
}

}  // namespace tf2::import::onnx
