// Functions of several tensors that broadcast, and operators that do nothing at inference.
#include <algorithm>
#include <limits>
#include <utility>

#include "import/onnx/node_import.h"
#include "import/onnx/tensor_reader.h"
#include "ir/functions.h"

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

// The result of integer arithmetic wrapped to the type of the model, where that is narrower than
// what shapes are made of.
Status EmitNarrow(NodeImport& n, ir::OpKind kind, std::vector<ir::ValueId> operands,
                  ir::AttrMap attrs) {
  const std::string name = CastName(n.TypeOf(0));
  if (name == "f32" || name == "bf16" || name == "i64" || name == "i32" || name == "bool")
    return n.EmitResult(kind, std::move(operands), std::move(attrs));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId wide,
                       n.EmitPart(kind, "wide", std::move(operands), std::move(attrs)));
  return n.EmitResult(ir::OpKind::kCast, {wide}, {{"to", name}});
}

Status ImportArithmetic(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_RETURN_IF_ERROR(AlignLegacy(n));
  const ir::OpKind kind = n.op_type == "Add"   ? ir::OpKind::kAdd
                          : n.op_type == "Sub" ? ir::OpKind::kSub
                          : n.op_type == "Mul" ? ir::OpKind::kMul
                                               : ir::OpKind::kDiv;
  return EmitNarrow(n, kind, {n.inputs[0], n.inputs[1]}, {});
}

struct BinaryRow {
  std::string_view op_type;
  const char* fn;
};

constexpr BinaryRow kBinary[] = {
    {"And", "and"},
    {"BitwiseAnd", "bit_and"},
    {"BitwiseOr", "bit_or"},
    {"BitwiseXor", "bit_xor"},
    {"Equal", "equal"},
    {"Greater", "greater"},
    {"GreaterOrEqual", "greater_equal"},
    {"Less", "less"},
    {"LessOrEqual", "less_equal"},
    {"Or", "or"},
    {"Xor", "xor"},
};

Status ImportBinary(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_RETURN_IF_ERROR(AlignLegacy(n));
  const auto* row = std::find_if(std::begin(kBinary), std::end(kBinary),
                                 [&](const BinaryRow& r) { return r.op_type == n.op_type; });
  TF2_CHECK(row != std::end(kBinary), "{}", n.op_type);
  if (!n.op_type.starts_with("Bitwise")) n.result_type = onnx_pb::Tensor::BOOL;
  return n.EmitResult(ir::OpKind::kBinary, {n.inputs[0], n.inputs[1]},
                      {{"fn", std::string(row->fn)}});
}

// A binary function of any number of tensors, from left to right.
Status EmitChain(NodeImport& n, ir::OpKind kind, const ir::AttrMap& attrs) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1024));
  TF2_RETURN_IF_ERROR(n.ExpectInputs(n.inputs.size(), n.inputs.size()));
  n.attrs.Ignore("consumed_inputs");
  if (n.inputs.size() == 1) return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  ir::ValueId sum = n.inputs[0];
  for (std::size_t i = 1; i + 1 < n.inputs.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(sum,
                         n.EmitPart(kind, fmt::format("part{}", i), {sum, n.inputs[i]}, attrs));
  }
  return n.EmitResult(kind, {sum, n.inputs.back()}, attrs);
}

Status ImportSum(NodeImport& n) { return EmitChain(n, ir::OpKind::kAdd, {}); }
Status ImportMax(NodeImport& n) {
  return EmitChain(n, ir::OpKind::kBinary, {{"fn", std::string("max")}});
}
Status ImportMin(NodeImport& n) {
  return EmitChain(n, ir::OpKind::kBinary, {{"fn", std::string("min")}});
}

Status ImportMean(NodeImport& n) {
  const auto count = static_cast<float>(n.inputs.size());
  const std::vector<std::string> outputs = std::exchange(n.outputs, {n.name + "/sum"});
  const std::string name = std::exchange(n.name, n.name + "/sum");
  TF2_RETURN_IF_ERROR(EmitChain(n, ir::OpKind::kAdd, {}));
  n.outputs = outputs;
  n.name = name;
  TF2_ASSIGN_OR_RETURN(const ir::ValueId divisor,
                       n.AddConstant("count", ir::Tensor::Float({}, {count})));
  return n.EmitResult(ir::OpKind::kDiv, {n.result, divisor});
}

Status ImportPow(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_RETURN_IF_ERROR(AlignLegacy(n));
  const ir::DType base = n.builder.DTypeOf(n.inputs[0]);
  const ir::DType exponent = n.builder.DTypeOf(n.inputs[1]);
  const ir::AttrMap attrs = {{"fn", std::string("pow")}};
  const ir::AttrMap to_float = {{"to", std::string("f32")}};
  if (exponent != base && exponent == ir::DType::kInt64) {
    TF2_ASSIGN_OR_RETURN(n.inputs[1],
                         n.EmitPart(ir::OpKind::kCast, "exponent", {n.inputs[1]}, to_float));
  }
  if (exponent == base || base == ir::DType::kFloat32)
    return n.EmitResult(ir::OpKind::kBinary, {n.inputs[0], n.inputs[1]}, attrs);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x,
                       n.EmitPart(ir::OpKind::kCast, "base", {n.inputs[0]}, to_float));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId power,
                       n.EmitPart(ir::OpKind::kBinary, "power", {x, n.inputs[1]}, attrs));
  return n.EmitResult(ir::OpKind::kCast, {power}, {{"to", CastName(n.TypeOf(0))}});
}

Status ImportMod(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t fmod, n.attrs.Int("fmod", 0));
  return n.EmitResult(ir::OpKind::kBinary, {n.inputs[0], n.inputs[1]},
                      {{"fn", std::string(fmod != 0 ? "fmod" : "mod")}});
}

Status ImportBitShift(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::string direction, n.attrs.String("direction", ""));
  if (direction != "LEFT" && direction != "RIGHT")
    return InvalidArgument("attribute direction is '{}', not LEFT or RIGHT", direction);
  return EmitNarrow(n, ir::OpKind::kBinary, {n.inputs[0], n.inputs[1]},
                    {{"fn", std::string(direction == "LEFT" ? "shift_left" : "shift_right")}});
}

Status ImportWhere(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  n.result_type = n.TypeOf(1);
  return n.EmitResult(ir::OpKind::kWhere, {n.inputs[0], n.inputs[1], n.inputs[2]});
}

Status ImportRelu(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  n.attrs.Ignore("consumed_inputs");
  if (n.builder.DTypeOf(n.inputs[0]) == ir::DType::kFloat32)
    return n.EmitResult(ir::OpKind::kRelu, {n.inputs[0]});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId zero, n.AddConstant("zero", ir::Tensor::Int({}, {0})));
  return n.EmitResult(ir::OpKind::kBinary, {n.inputs[0], zero}, {{"fn", std::string("max")}});
}

Status ImportIdentity(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
}

// At inference the mask is all true: x == x.
Status EmitMask(NodeImport& n) {
  if (!n.Reads(1)) return {};
  const ir::Shape& shape = n.ShapeOf(0);
  TF2_ASSIGN_OR_RETURN(const std::int64_t count, CheckedElementCount(shape));
  TF2_RETURN_IF_ERROR(n.builder.Reserve(ir::DType::kInt64, count));
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId mask,
      n.AddConstant("mask", ir::Tensor::Int(shape, std::vector<std::int64_t>(
                                                       static_cast<std::size_t>(count), 1))));
  n.SetOutput(1, mask, onnx_pb::Tensor::BOOL);
  return {};
}

Status ImportDropout(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 3));
  for (const char* name : {"ratio", "seed", "is_test", "consumed_inputs"}) n.attrs.Ignore(name);
  bool trains = false;
  if (n.HasInput(2)) {
    TF2_ASSIGN_OR_RETURN(const auto training, n.KnownInts(2, "the values of training_mode"));
    trains = training.size() != 1 || training[0] != 0;
  }
  if (trains && n.HasInput(1)) {  // a ratio of 0 drops nothing
    const ir::Tensor* ratio = n.builder.KnownOf(n.inputs[1]);
    trains = ratio == nullptr || ratio->f32 != std::vector<float>{0};
  }
  if (trains) {
    return WithHint(Unsupported("training_mode is set"),
                    "export the model for inference (model.eval() in PyTorch)");
  }
  TF2_RETURN_IF_ERROR(EmitMask(n));
  return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
}

}  // namespace

std::vector<OperatorRow> ElementwiseOperators() {
  std::vector<OperatorRow> rows = {
      {"Add", ImportArithmetic},  {"BitShift", ImportBitShift}, {"Div", ImportArithmetic},
      {"Dropout", ImportDropout}, {"Identity", ImportIdentity}, {"Max", ImportMax},
      {"Mean", ImportMean},       {"Min", ImportMin},           {"Mod", ImportMod},
      {"Mul", ImportArithmetic},  {"Pow", ImportPow},           {"Relu", ImportRelu},
      {"Sub", ImportArithmetic},  {"Sum", ImportSum},           {"Where", ImportWhere},
  };
  for (const BinaryRow& row : kBinary) rows.push_back({row.op_type, ImportBinary});
  return rows;
}

}  // namespace tf2::import::onnx
