// Functions of one tensor, element by element.
#include <algorithm>
#include <limits>
#include <utility>

#include "import/onnx/node_import.h"
#include "ir/functions.h"

namespace tf2::import::onnx {
namespace {

using ir::UnaryFn;

// An operator that is a function of one number with up to two attributes as parameters.
struct UnaryRow {
  std::string_view op_type;
  UnaryFn fn;
  const char* alpha = nullptr;  // name of the attribute
  float alpha_default = 0;
  const char* beta = nullptr;
  float beta_default = 0;
};

constexpr UnaryRow kUnary[] = {
    {"Abs", UnaryFn::kAbs},
    {"Acos", UnaryFn::kAcos},
    {"Acosh", UnaryFn::kAcosh},
    {"Asin", UnaryFn::kAsin},
    {"Asinh", UnaryFn::kAsinh},
    {"Atan", UnaryFn::kAtan},
    {"Atanh", UnaryFn::kAtanh},
    {"BitwiseNot", UnaryFn::kBitNot},
    {"Ceil", UnaryFn::kCeil},
    {"Celu", UnaryFn::kCelu, "alpha", 1},
    {"Cos", UnaryFn::kCos},
    {"Cosh", UnaryFn::kCosh},
    {"Elu", UnaryFn::kElu, "alpha", 1},
    {"Erf", UnaryFn::kErf},
    {"Exp", UnaryFn::kExp},
    {"Floor", UnaryFn::kFloor},
    {"HardSigmoid", UnaryFn::kHardSigmoid, "alpha", 0.2F, "beta", 0.5F},
    {"HardSwish", UnaryFn::kHardSwish},
    {"IsNaN", UnaryFn::kIsNan},
    {"LeakyRelu", UnaryFn::kLeakyRelu, "alpha", 0.01F},
    {"Log", UnaryFn::kLog},
    {"Mish", UnaryFn::kMish},
    {"Neg", UnaryFn::kNeg},
    {"Not", UnaryFn::kNot},
    {"Reciprocal", UnaryFn::kReciprocal},
    {"Round", UnaryFn::kRound},
    {"Selu", UnaryFn::kSelu, "alpha", 1.67326319F, "gamma", 1.05070102F},
    {"Shrink", UnaryFn::kShrink, "lambd", 0.5F, "bias", 0},
    {"Sigmoid", UnaryFn::kSigmoid},
    {"Sign", UnaryFn::kSign},
    {"Sin", UnaryFn::kSin},
    {"Sinh", UnaryFn::kSinh},
    {"Softplus", UnaryFn::kSoftplus},
    {"Softsign", UnaryFn::kSoftsign},
    {"Sqrt", UnaryFn::kSqrt},
    {"Tan", UnaryFn::kTan},
    {"Tanh", UnaryFn::kTanh},
    {"ThresholdedRelu", UnaryFn::kThresholdedRelu, "alpha", 1},
};

Status EmitUnary(NodeImport& n, UnaryFn fn, float alpha, float beta) {
  ir::AttrMap attrs = {{"fn", std::string(NameOf(fn))}};
  if (alpha != 0) attrs["alpha"] = alpha;
  if (beta != 0) attrs["beta"] = beta;
  return n.EmitResult(ir::OpKind::kUnary, {n.inputs[0]}, std::move(attrs));
}

Status ImportUnary(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  n.attrs.Ignore("consumed_inputs");
  const auto* row = std::find_if(std::begin(kUnary), std::end(kUnary),
                                 [&](const UnaryRow& r) { return r.op_type == n.op_type; });
  TF2_CHECK(row != std::end(kUnary), "{}", n.op_type);
  float alpha = 0;
  float beta = 0;
  if (row->alpha != nullptr) {
    TF2_ASSIGN_OR_RETURN(alpha, n.attrs.Float(row->alpha, row->alpha_default));
  }
  if (row->beta != nullptr) {
    TF2_ASSIGN_OR_RETURN(beta, n.attrs.Float(row->beta, row->beta_default));
  }
  if (GivesTruth(row->fn)) n.result_type = onnx_pb::Tensor::BOOL;
  return EmitUnary(n, row->fn, alpha, beta);
}

Status ImportIsInf(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t positive, n.attrs.Int("detect_positive", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t negative, n.attrs.Int("detect_negative", 1));
  n.result_type = onnx_pb::Tensor::BOOL;
  return EmitUnary(n, UnaryFn::kIsInf, positive != 0 ? 1.0F : 0.0F, negative != 0 ? 1.0F : 0.0F);
}

// x * sigmoid(alpha * x).
Status EmitSwish(NodeImport& n, float alpha) {
  if (alpha == 1) return EmitUnary(n, UnaryFn::kSilu, 0, 0);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId factor,
                       n.AddConstant("alpha", ir::Tensor::Float({}, {alpha})));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId scaled,
                       n.EmitPart(ir::OpKind::kMul, "scaled", {n.inputs[0], factor}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId gate, n.EmitPart(ir::OpKind::kUnary, "gate", {scaled},
                                                          {{"fn", std::string("sigmoid")}}));
  return n.EmitResult(ir::OpKind::kMul, {n.inputs[0], gate});
}

Status ImportSwish(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const float alpha, n.attrs.Float("alpha", 1));
  return EmitSwish(n, alpha);
}

Status ImportQuickGelu(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const float alpha, n.attrs.Float("alpha", 1.702F));
  return EmitSwish(n, alpha);
}

Status ImportGelu(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const auto approximate = n.attrs.String("approximate", "none");
  if (!approximate.ok()) return approximate.error();
  if (*approximate == "tanh") return EmitUnary(n, UnaryFn::kGeluTanh, 0, 0);
  if (*approximate == "none") return EmitUnary(n, UnaryFn::kGelu, 0, 0);
  return InvalidArgument("attribute approximate is '{}'", *approximate);
}

Status ImportFastGelu(NodeImport& n) {  // of com.microsoft: gelu(x + bias)
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 2));
  if (n.HasInput(1)) {
    TF2_ASSIGN_OR_RETURN(n.inputs[0],
                         n.EmitPart(ir::OpKind::kAdd, "biased", {n.inputs[0], n.inputs[1]}));
  }
  return EmitUnary(n, n.op_type == "BiasGelu" ? UnaryFn::kGelu : UnaryFn::kGeluTanh, 0, 0);
}

Status ImportPRelu(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  n.attrs.Ignore("consumed_inputs");
  const ir::Shape& x = n.ShapeOf(0);
  const ir::Shape& slope = n.ShapeOf(1);
  // Before opset 7 a vector of slopes lies along the channels.
  if (n.opset < 7 && x.size() > 2 && slope.size() == 1 && slope[0] == x[1]) {
    ir::Shape aligned(x.size() - 1, 1);
    aligned[0] = slope[0];
    TF2_ASSIGN_OR_RETURN(n.inputs[1], n.EmitPart(ir::OpKind::kReshape, "slope", {n.inputs[1]},
                                                 {{"shape", std::move(aligned)}}));
  }
  return n.EmitResult(ir::OpKind::kPrelu, {n.inputs[0], n.inputs[1]});
}

// A bound of Clip that is known while importing, or an operand.
struct ClipBound {
  std::optional<float> value;
  ir::ValueId operand = ir::kNoValue;  // where it is given but not known
};

Result<ClipBound> BoundOf(NodeImport& n, const char* name, std::size_t i, float fallback) {
  if (n.opset < 11) {
    TF2_ASSIGN_OR_RETURN(const float value, n.attrs.Float(name, fallback));
    return ClipBound{value};
  }
  if (!n.HasInput(i)) return ClipBound{fallback};
  const ir::Tensor* known = n.builder.KnownOf(n.inputs[i]);
  if (known == nullptr || known->f32.size() != 1) return ClipBound{{}, n.inputs[i]};
  return ClipBound{known->f32[0]};
}

Result<ir::ValueId> Bounded(const NodeImport& n, const char* fn, ir::ValueId x, std::size_t i) {
  if (!n.HasInput(i)) return x;
  return n.EmitPart(ir::OpKind::kBinary, fn, {x, n.inputs[i]}, {{"fn", std::string(fn)}});
}

Status ImportClip(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, n.opset < 11 ? 1 : 3));
  n.attrs.Ignore("consumed_inputs");
  constexpr float kLargest = std::numeric_limits<float>::max();
  TF2_ASSIGN_OR_RETURN(const ClipBound low, BoundOf(n, "min", 1, -kLargest));
  TF2_ASSIGN_OR_RETURN(const ClipBound high, BoundOf(n, "max", 2, kLargest));
  const bool is_float = n.builder.DTypeOf(n.inputs[0]) == ir::DType::kFloat32;
  if (!low.value || !high.value || !is_float) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId above, Bounded(n, "max", n.inputs[0], 1));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId both, Bounded(n, "min", above, 2));
    return n.EmitResult(ir::OpKind::kIdentity, {both});
  }
  const bool open = *high.value >= kLargest;
  if (open && *low.value <= -kLargest) return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  if (open && *low.value == 0) return n.EmitResult(ir::OpKind::kRelu, {n.inputs[0]});
  ir::AttrMap attrs;
  if (*low.value > -kLargest) attrs["min"] = *low.value;
  if (!open) attrs["max"] = *high.value;
  return n.EmitResult(ir::OpKind::kClip, {n.inputs[0]}, std::move(attrs));
}

}  // namespace

std::vector<OperatorRow> ActivationOperators() {
  std::vector<OperatorRow> rows = {
      {"Clip", ImportClip},
      {"Gelu", ImportGelu},
      {"IsInf", ImportIsInf},
      {"PRelu", ImportPRelu},
      {"Swish", ImportSwish},
      {"com.microsoft.BiasGelu", ImportFastGelu},
      {"com.microsoft.FastGelu", ImportFastGelu},
      {"com.microsoft.Gelu", ImportGelu},
      {"com.microsoft.QuickGelu", ImportQuickGelu},
  };
  for (const UnaryRow& row : kUnary) rows.push_back({row.op_type, ImportUnary});
  return rows;
}

}  // namespace tf2::import::onnx
