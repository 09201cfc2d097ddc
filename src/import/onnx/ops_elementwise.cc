// Element-wise operators and those that do nothing at inference.
#include <limits>
#include <utility>

#include "import/onnx/node_import.h"

namespace tf2::import::onnx {
namespace {

// Before opset 7 the second operand is aligned at `axis` of the first instead of at its end.
Status AlignLegacy(NodeImport& n) {
  if (n.opset >= 7) return {};
  n.attrs.Ignore("consumed_inputs");
  TF2_ASSIGN_OR_RETURN(const std::int64_t broadcast, n.attrs.Int("broadcast", 0));
  const bool aligned = n.attrs.Has("axis");
  TF2_ASSIGN_OR_RETURN(std::int64_t axis, n.attrs.Int("axis", 0));
  if (broadcast == 0 || !aligned) return {};
  const auto rank = static_cast<std::int64_t>(n.ShapeOf(0).size());
  ir::Shape shape = n.ShapeOf(1);
  if (axis < 0) axis += rank;
  const std::int64_t trailing = rank - axis - static_cast<std::int64_t>(shape.size());
  if (axis < 0 || trailing < 0) {
    return InvalidArgument("{} does not broadcast to {} from axis {}", ir::ToString(shape),
                           ir::ToString(n.ShapeOf(0)), axis);
  }
  shape.insert(shape.end(), static_cast<std::size_t>(trailing), 1);
  TF2_ASSIGN_OR_RETURN(n.inputs[1], n.EmitPart(ir::OpKind::kReshape, "align", {n.inputs[1]},
                                               {{"shape", std::move(shape)}}));
  return {};
}

Status ImportBinary(NodeImport& n, ir::OpKind kind) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_RETURN_IF_ERROR(AlignLegacy(n));
  return n.EmitResult(kind, {n.inputs[0], n.inputs[1]});
}

// A bound of Clip: attribute `name` before opset 11, input `i` since; `fallback` where absent.
Result<float> ClipBound(NodeImport& n, const char* name, std::size_t i, float fallback) {
  if (n.opset < 11) return n.attrs.Float(name, fallback);
  if (!n.HasInput(i)) return fallback;
  TF2_ASSIGN_OR_RETURN(const ir::Tensor* bound, n.FloatConstant(i, name));
  if (bound->f32.size() != 1) return InvalidArgument("{} is not a single number", name);
  return bound->f32[0];
}

}  // namespace

Status ImportAdd(NodeImport& n) { return ImportBinary(n, ir::OpKind::kAdd); }
Status ImportSub(NodeImport& n) { return ImportBinary(n, ir::OpKind::kSub); }
Status ImportMul(NodeImport& n) { return ImportBinary(n, ir::OpKind::kMul); }
Status ImportDiv(NodeImport& n) { return ImportBinary(n, ir::OpKind::kDiv); }

Status ImportSum(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1024));
  n.attrs.Ignore("consumed_inputs");
  if (n.inputs.size() == 1) return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  TF2_RETURN_IF_ERROR(n.ExpectInputs(n.inputs.size(), n.inputs.size()));
  ir::ValueId sum = n.inputs[0];
  for (std::size_t i = 1; i + 1 < n.inputs.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(sum,
                         n.EmitPart(ir::OpKind::kAdd, fmt::format("sum{}", i), {sum, n.inputs[i]}));
  }
  return n.EmitResult(ir::OpKind::kAdd, {sum, n.inputs.back()});
}

Status ImportRelu(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  n.attrs.Ignore("consumed_inputs");
  return n.EmitResult(ir::OpKind::kRelu, {n.inputs[0]});
}

Status ImportClip(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, n.opset < 11 ? 1 : 3));
  n.attrs.Ignore("consumed_inputs");
  constexpr float kLargest = std::numeric_limits<float>::max();
  TF2_ASSIGN_OR_RETURN(const float low, ClipBound(n, "min", 1, -kLargest));
  TF2_ASSIGN_OR_RETURN(const float high, ClipBound(n, "max", 2, kLargest));
  if (high >= kLargest && low <= -kLargest)
    return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  if (high >= kLargest && low == 0) return n.EmitResult(ir::OpKind::kRelu, {n.inputs[0]});
  return WithHint(Unsupported("it clips to {} ... {}; only 0 ... infinity is supported", low, high),
                  "train the model with Relu instead");
}

Status ImportIdentity(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
}

Status ImportDropout(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 3));
  TF2_RETURN_IF_ERROR(n.ExpectOneOutput("the mask"));
  for (const char* name : {"ratio", "seed", "is_test", "consumed_inputs"}) n.attrs.Ignore(name);
  if (n.HasInput(2)) {
    TF2_ASSIGN_OR_RETURN(const auto training, n.KnownInts(2, "the values of training_mode"));
    if (training.size() != 1 || training[0] != 0) {
      return WithHint(Unsupported("training_mode is set"),
                      "export the model for inference (model.eval() in PyTorch)");
    }
  }
  return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
}

}  // namespace tf2::import::onnx
