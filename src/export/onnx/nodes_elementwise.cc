// Element-wise operators, casts, quantisation.
#include <limits>

#include "export/onnx/node_export.h"
#include "ir/functions.h"

namespace tf2::export_onnx {
namespace {

using Type = onnx_pb::Tensor;

std::int64_t Code(Type::DataType type) { return type; }

std::string CastTo(const NodeExport& n, const std::string& value, Type::DataType type,
                   std::string_view part) {
  return n.Part("Cast", {value}, part, {{"to", Code(type)}});
}

bool IsFloat(const NodeExport& n) {
  return n.graph.value(n.node.inputs[0]).dtype == ir::DType::kFloat32;
}

Status Truth(const NodeExport& n, std::string_view op_type,
             const std::vector<std::string>& operands, const NodeAttrs& attrs = {}) {
  EmitAsIntegers(n, n.Part(op_type, operands, "truth", attrs));
  return {};
}

// Logic on integers that are 0 or not.
Status Logic(const NodeExport& n, std::string_view op_type) {
  std::vector<std::string> operands;
  for (const std::string& input : n.inputs) operands.push_back(AsTruth(n, input, "operand"));
  return Truth(n, op_type, operands);
}

// Shifts exist for unsigned numbers only.
Status Shift(const NodeExport& n, const char* direction) {
  const std::string a = CastTo(n, n.inputs[0], Type::UINT64, "a");
  const std::string b = CastTo(n, n.inputs[1], Type::UINT64, "b");
  const std::string shifted =
      n.Part("BitShift", {a, b}, "shifted", {{"direction", std::string(direction)}});
  n.Emit("Cast", {shifted}, {{"to", Code(Type::INT64)}});
  return {};
}

// a - floor(a / b) * b: ONNX has this remainder for integers only.
Status FloatMod(const NodeExport& n) {
  const std::string quotient = n.Part("Div", n.inputs, "quotient");
  const std::string floor = n.Part("Floor", {quotient}, "floor");
  n.Emit("Sub", {n.inputs[0], n.Part("Mul", {floor, n.inputs[1]}, "multiple")});
  return {};
}

Status Gelu(const NodeExport& n, const char* approximate) {
  n.writer.RequireOpset(20);
  return ExportSimple(n, "Gelu", {{"approximate", std::string(approximate)}});
}

struct Range {
  std::int64_t min, max;
  Type::DataType type;
  std::int64_t opset;
};
constexpr Range kRanges[] = {{-128, 127, Type::INT8, 13},
                             {0, 255, Type::UINT8, 13},
                             {-32768, 32767, Type::INT16, 21},
                             {0, 65535, Type::UINT16, 21}};

// The numbers of a cast: of which type they take the range before they are i64 or f32 again.
Type::DataType TypeOfCast(const std::string& to) {
  if (to == "f32") return Type::FLOAT;
  if (to == "bf16") return Type::BFLOAT16;
  if (to == "bool") return Type::BOOL;
  if (to == "i8") return Type::INT8;
  if (to == "u8") return Type::UINT8;
  if (to == "i16") return Type::INT16;
  if (to == "u16") return Type::UINT16;
  if (to == "i32") return Type::INT32;
  if (to == "u32") return Type::UINT32;
  return Type::INT64;
}

}  // namespace

void EmitAsIntegers(const NodeExport& n, const std::string& truth) {
  n.Emit("Cast", {truth}, {{"to", Code(Type::INT64)}});
}

std::string AsTruth(const NodeExport& n, const std::string& name, std::string_view part) {
  return CastTo(n, name, Type::BOOL, part);
}

Status ExportUnary(const NodeExport& n) {
  const float a = n.node.Float("alpha");
  const float b = n.node.Float("beta");
  switch (ir::UnaryFnOf(n.node)) {
    case ir::UnaryFn::kAbs:
      return ExportSimple(n, "Abs");
    case ir::UnaryFn::kNeg:
      return ExportSimple(n, "Neg");
    case ir::UnaryFn::kSign:
      return ExportSimple(n, "Sign");
    case ir::UnaryFn::kNot:
      return Logic(n, "Not");
    case ir::UnaryFn::kBitNot:
      return ExportSimple(n, "BitwiseNot");
    case ir::UnaryFn::kFloor:
      return ExportSimple(n, "Floor");
    case ir::UnaryFn::kCeil:
      return ExportSimple(n, "Ceil");
    case ir::UnaryFn::kRound:
      return ExportSimple(n, "Round");
    case ir::UnaryFn::kReciprocal:
      return ExportSimple(n, "Reciprocal");
    case ir::UnaryFn::kSqrt:
      return ExportSimple(n, "Sqrt");
    case ir::UnaryFn::kExp:
      return ExportSimple(n, "Exp");
    case ir::UnaryFn::kLog:
      return ExportSimple(n, "Log");
    case ir::UnaryFn::kErf:
      return ExportSimple(n, "Erf");
    case ir::UnaryFn::kSin:
      return ExportSimple(n, "Sin");
    case ir::UnaryFn::kCos:
      return ExportSimple(n, "Cos");
    case ir::UnaryFn::kTan:
      return ExportSimple(n, "Tan");
    case ir::UnaryFn::kAsin:
      return ExportSimple(n, "Asin");
    case ir::UnaryFn::kAcos:
      return ExportSimple(n, "Acos");
    case ir::UnaryFn::kAtan:
      return ExportSimple(n, "Atan");
    case ir::UnaryFn::kSinh:
      return ExportSimple(n, "Sinh");
    case ir::UnaryFn::kCosh:
      return ExportSimple(n, "Cosh");
    case ir::UnaryFn::kTanh:
      return ExportSimple(n, "Tanh");
    case ir::UnaryFn::kAsinh:
      return ExportSimple(n, "Asinh");
    case ir::UnaryFn::kAcosh:
      return ExportSimple(n, "Acosh");
    case ir::UnaryFn::kAtanh:
      return ExportSimple(n, "Atanh");
    case ir::UnaryFn::kSigmoid:
      return ExportSimple(n, "Sigmoid");
    case ir::UnaryFn::kHardSigmoid:
      return ExportSimple(n, "HardSigmoid", {{"alpha", a}, {"beta", b}});
    case ir::UnaryFn::kHardSwish:
      return ExportSimple(n, "HardSwish");
    case ir::UnaryFn::kSilu:
      n.Emit("Mul", {n.inputs[0], n.Part("Sigmoid", n.inputs, "sigmoid")});
      return {};
    case ir::UnaryFn::kGelu:
      return Gelu(n, "none");
    case ir::UnaryFn::kGeluTanh:
      return Gelu(n, "tanh");
    case ir::UnaryFn::kMish:
      return ExportSimple(n, "Mish");
    case ir::UnaryFn::kElu:
      return ExportSimple(n, "Elu", {{"alpha", a}});
    case ir::UnaryFn::kCelu:
      return ExportSimple(n, "Celu", {{"alpha", a}});
    case ir::UnaryFn::kSelu:
      return ExportSimple(n, "Selu", {{"alpha", a}, {"gamma", b}});
    case ir::UnaryFn::kSoftplus:
      return ExportSimple(n, "Softplus");
    case ir::UnaryFn::kSoftsign:
      return ExportSimple(n, "Softsign");
    case ir::UnaryFn::kLeakyRelu:
      return ExportSimple(n, "LeakyRelu", {{"alpha", a}});
    case ir::UnaryFn::kThresholdedRelu:
      return ExportSimple(n, "ThresholdedRelu", {{"alpha", a}});
    case ir::UnaryFn::kShrink:
      return ExportSimple(n, "Shrink", {{"lambd", a}, {"bias", b}});
    case ir::UnaryFn::kIsNan:
      return Truth(n, "IsNaN", n.inputs);
    case ir::UnaryFn::kIsInf:
      return Truth(
          n, "IsInf", n.inputs,
          {{"detect_positive", std::int64_t{a != 0}}, {"detect_negative", std::int64_t{b != 0}}});
  }
  TF2_CHECK(false, "no such function");
}

Status ExportBinary(const NodeExport& n) {
  switch (ir::BinaryFnOf(n.node)) {
    case ir::BinaryFn::kPow:
      return ExportSimple(n, "Pow");
    case ir::BinaryFn::kMod:
      return IsFloat(n) ? FloatMod(n) : ExportSimple(n, "Mod");
    case ir::BinaryFn::kFmod:
      return ExportSimple(n, "Mod", {{"fmod", std::int64_t{1}}});
    case ir::BinaryFn::kMax:
      return ExportSimple(n, "Max");
    case ir::BinaryFn::kMin:
      return ExportSimple(n, "Min");
    case ir::BinaryFn::kEqual:
      return Truth(n, "Equal", n.inputs);
    case ir::BinaryFn::kLess:
      return Truth(n, "Less", n.inputs);
    case ir::BinaryFn::kLessOrEqual:
      return Truth(n, "LessOrEqual", n.inputs);
    case ir::BinaryFn::kGreater:
      return Truth(n, "Greater", n.inputs);
    case ir::BinaryFn::kGreaterOrEqual:
      return Truth(n, "GreaterOrEqual", n.inputs);
    case ir::BinaryFn::kAnd:
      return Logic(n, "And");
    case ir::BinaryFn::kOr:
      return Logic(n, "Or");
    case ir::BinaryFn::kXor:
      return Logic(n, "Xor");
    case ir::BinaryFn::kBitAnd:
      return ExportSimple(n, "BitwiseAnd");
    case ir::BinaryFn::kBitOr:
      return ExportSimple(n, "BitwiseOr");
    case ir::BinaryFn::kBitXor:
      return ExportSimple(n, "BitwiseXor");
    case ir::BinaryFn::kShiftLeft:
      return Shift(n, "LEFT");
    case ir::BinaryFn::kShiftRight:
      return Shift(n, "RIGHT");
  }
  TF2_CHECK(false, "no such function");
}

Status ExportClip(const NodeExport& n) {
  const float low = n.node.Float("min");
  const float high = n.node.Float("max");
  std::vector<std::string> operands = {n.inputs[0]};
  operands.push_back(
      low > std::numeric_limits<float>::lowest() ? n.writer.Float(n.PartName("min"), low) : "");
  if (high < std::numeric_limits<float>::max())
    operands.push_back(n.writer.Float(n.PartName("max"), high));
  n.Emit("Clip", operands);
  return {};
}

Status ExportWhere(const NodeExport& n) {
  n.Emit("Where", {AsTruth(n, n.inputs[0], "condition"), n.inputs[1], n.inputs[2]});
  return {};
}

Status ExportCast(const NodeExport& n) {
  const Type::DataType type = TypeOfCast(n.node.String("to"));
  if (type == Type::FLOAT || type == Type::INT64) {
    n.Emit("Cast", {n.inputs[0]}, {{"to", Code(type)}});
    return {};
  }
  const Type::DataType back = type == Type::BFLOAT16 ? Type::FLOAT : Type::INT64;
  n.Emit("Cast", {CastTo(n, n.inputs[0], type, "narrow")}, {{"to", Code(back)}});
  return {};
}

Status ExportQuantizeLinear(const NodeExport& n) {
  for (const Range& range : kRanges) {
    if (n.node.Int("min") != range.min || n.node.Int("max") != range.max) continue;
    n.writer.RequireOpset(range.opset);
    const ir::Shape& shape = n.ShapeOf(1);
    const std::vector<std::int64_t> zeros(static_cast<std::size_t>(ir::ElementCount(shape)), 0);
    const std::string zero =
        n.HasInput(2) ? n.inputs[2] : n.writer.Ints(n.PartName("zero"), shape, zeros);
    const std::string integers = n.Part(
        "QuantizeLinear", {n.inputs[0], n.inputs[1], CastTo(n, zero, range.type, "zero_point")},
        "integers", {{"axis", n.node.Int("axis")}});
    EmitAsIntegers(n, integers);
    return {};
  }
  return WithHint(Unsupported("its integers are {} ... {}, of no type of ONNX", n.node.Int("min"),
                              n.node.Int("max")),
                  "export the model before it");
}

Status ExportDequantizeLinear(const NodeExport& n) {
  // (x - zero) * scale, the parameters as [1, .., c, .., 1] along the axis.
  const bool along_axis = ir::ElementCount(n.ShapeOf(1)) > 1;
  std::int64_t axis = n.node.Int("axis");
  if (axis < 0) axis += static_cast<std::int64_t>(n.Rank());
  ir::Shape shape(along_axis ? n.Rank() : 0, 1);
  if (along_axis) shape[static_cast<std::size_t>(axis)] = n.ShapeOf(1)[0];
  const std::string target = n.IntsOf("shape", shape);
  const auto shaped = [&](std::size_t input, std::string_view part) {
    return n.Part("Reshape", {n.inputs[input], target}, part);
  };
  const std::string x =
      n.HasInput(2) ? n.Part("Sub", {n.inputs[0], shaped(2, "zero")}, "difference") : n.inputs[0];
  n.Emit("Mul", {CastTo(n, x, Type::FLOAT, "real"), shaped(1, "scale")});
  return {};
}

}  // namespace tf2::export_onnx
