// Gemm, MatMul, Einsum, BatchNormalization and the softmaxes.
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

Result<ir::ValueId> Transposed2(const NodeImport& n, ir::ValueId x, const char* part) {
  return n.EmitPart(ir::OpKind::kTranspose, part, {x}, {{"perm", std::vector<std::int64_t>{1, 0}}});
}

Result<ir::ValueId> Scaled(const NodeImport& n, ir::ValueId x, float factor, const char* part) {
  if (factor == 1) return x;
  TF2_ASSIGN_OR_RETURN(const ir::ValueId c, n.AddConstant(std::string(part) + "_factor",
                                                          ir::Tensor::Float({}, {factor})));
  return n.EmitPart(ir::OpKind::kMul, part, {x, c});
}

// The weights of a Gemm as [oc, k], alpha included.
Result<ir::ValueId> GemmWeights(NodeImport& n, float alpha, bool transposed) {
  if (alpha == 1 && transposed) return n.inputs[1];
  const ir::Tensor* b = n.builder.Constant(n.inputs[1]);
  if (b == nullptr) {
    ir::ValueId w = n.inputs[1];
    if (!transposed) {
      TF2_ASSIGN_OR_RETURN(w, Transposed2(n, w, "transposed"));
    }
    return Scaled(n, w, alpha, "weights");
  }
  ir::Tensor weights = transposed ? *b : Transposed(*b, {1, 0});
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

// The product of two integer matrices plus C; alpha and beta must be 1.
Status EmitIntegerGemm(NodeImport& n, float alpha, float beta, bool transposed) {
  if (alpha != 1 || beta != 1)
    return Unsupported("it multiplies integers by alpha {} or beta {}", alpha, beta);
  ir::ValueId b = n.inputs[1];
  if (transposed) {
    TF2_ASSIGN_OR_RETURN(b, Transposed2(n, b, "transposed"));
  }
  if (!n.HasInput(2)) return n.EmitResult(ir::OpKind::kMatMul, {n.inputs[0], b});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId product,
                       n.EmitPart(ir::OpKind::kMatMul, "product", {n.inputs[0], b}));
  return n.EmitResult(ir::OpKind::kAdd, {product, n.inputs[2]});
}

Status ImportGemm(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  n.attrs.Ignore("broadcast");  // before opset 7; C is broadcast either way
  TF2_ASSIGN_OR_RETURN(const std::int64_t trans_a, n.attrs.Int("transA", 0));
  TF2_ASSIGN_OR_RETURN(const std::int64_t trans_b, n.attrs.Int("transB", 0));
  TF2_ASSIGN_OR_RETURN(const float alpha, n.attrs.Float("alpha", 1));
  TF2_ASSIGN_OR_RETURN(const float beta, n.attrs.Float("beta", 1));
  for (std::size_t i = 0; i < 2; ++i) {
    if (n.ShapeOf(i).size() != 2)
      return InvalidArgument("{} are {}, not a matrix", i == 0 ? "the data" : "the weights",
                             ir::ToString(n.ShapeOf(i)));
  }
  if (trans_a != 0) {
    TF2_ASSIGN_OR_RETURN(n.inputs[0], Transposed2(n, n.inputs[0], "data"));
  }
  if (n.builder.DTypeOf(n.inputs[0]) != ir::DType::kFloat32)
    return EmitIntegerGemm(n, alpha, beta, trans_b != 0);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId weights, GemmWeights(n, alpha, trans_b != 0));
  if (!n.HasInput(2) || beta == 0) return n.EmitResult(ir::OpKind::kGemm, {n.inputs[0], weights});
  const ir::Tensor* c = n.builder.Constant(n.inputs[2]);
  if (c != nullptr) {
    if (auto bias = BiasVector(*c, n.builder.ShapeOf(weights)[0], beta)) {
      TF2_ASSIGN_OR_RETURN(const ir::ValueId id, n.AddConstant("bias", *std::move(bias)));
      return n.EmitResult(ir::OpKind::kGemm, {n.inputs[0], weights, id});
    }
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId summand, Scaled(n, n.inputs[2], beta, "bias"));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId product,
                       n.EmitPart(ir::OpKind::kGemm, "product", {n.inputs[0], weights}));
  return n.EmitResult(ir::OpKind::kAdd, {product, summand});
}

Status ImportMatMul(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  return n.EmitResult(ir::OpKind::kMatMul, {n.inputs[0], n.inputs[1]});
}

Status ImportEinsum(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 16));
  TF2_RETURN_IF_ERROR(n.ExpectInputs(n.inputs.size(), n.inputs.size()));
  TF2_ASSIGN_OR_RETURN(const std::string equation, n.attrs.String("equation", ""));
  return n.EmitResult(ir::OpKind::kEinsum, n.inputs, {{"equation", equation}});
}

Status ImportBatchNormalization(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(5, 5));
  for (const char* name : {"momentum", "consumed_inputs", "is_test"}) n.attrs.Ignore(name);
  TF2_ASSIGN_OR_RETURN(const std::int64_t training, n.attrs.Int("training_mode", 0));
  // Weights that a layer normalises by their own statistics, which are constants.
  const bool of_weights = training == 1 && n.builder.IsFixed(n.inputs[0]) &&
                          n.ShapeOf(0).size() >= 3 && n.ShapeOf(0)[0] == 1;
  if (training != 0 && !of_weights) {
    return WithHint(Unsupported("attribute training_mode is {}", training),
                    "export the model for inference (model.eval() in PyTorch)");
  }
  TF2_RETURN_IF_ERROR(n.ExpectOneOutput("a statistic of training"));
  TF2_ASSIGN_OR_RETURN(const std::int64_t spatial, n.attrs.Int("spatial", 1));
  if (spatial == 0) {
    return WithHint(Unsupported("attribute spatial is 0"),
                    "tf2 normalises per channel; export the model with opset 9 or later");
  }
  TF2_ASSIGN_OR_RETURN(const float epsilon, n.attrs.Float("epsilon", 1e-5F));
  if (of_weights) {
    return n.EmitResult(ir::OpKind::kGroupNorm, {n.inputs[0], n.inputs[1], n.inputs[2]},
                        {{"groups", n.ShapeOf(0)[1]}, {"epsilon", epsilon}});
  }
  return n.EmitResult(ir::OpKind::kBatchNorm,
                      {n.inputs[0], n.inputs[3], n.inputs[4], n.inputs[1], n.inputs[2]},
                      {{"epsilon", epsilon}});
}

Status ImportSoftmax(NodeImport& n) {
  const ir::OpKind kind = n.op_type == "Softmax"      ? ir::OpKind::kSoftmax
                          : n.op_type == "LogSoftmax" ? ir::OpKind::kLogSoftmax
                                                      : ir::OpKind::kHardmax;
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t wanted, n.attrs.Int("axis", n.opset < 13 ? 1 : -1));
  const ir::Shape shape = n.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(wanted, shape.size()));
  const auto axis = static_cast<std::int64_t>(at);
  const bool trailing_ones =
      std::all_of(shape.begin() + axis + 1, shape.end(), [](std::int64_t d) { return d == 1; });
  if (n.opset >= 13 || trailing_ones) return n.EmitResult(kind, {n.inputs[0]}, {{"axis", axis}});
  // Before opset 13 the axes from `axis` on are one.
  TF2_ASSIGN_OR_RETURN(const ir::ValueId flat, n.EmitPart(ir::OpKind::kFlatten, "flatten",
                                                          {n.inputs[0]}, {{"axis", axis}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId soft,
                       n.EmitPart(kind, "softmax", {flat}, {{"axis", std::int64_t{1}}}));
  return n.EmitResult(ir::OpKind::kReshape, {soft}, {{"shape", shape}});
}

}  // namespace

std::vector<OperatorRow> LinearOperators() {
  return {
      {"BatchNormalization", ImportBatchNormalization},
      {"Einsum", ImportEinsum},
      {"Gemm", ImportGemm},
      {"Hardmax", ImportSoftmax},
      {"LogSoftmax", ImportSoftmax},
      {"MatMul", ImportMatMul},
      {"Softmax", ImportSoftmax},
  };
}

}  // namespace tf2::import::onnx
