// Quantised operators, as what they mean in floats: integers are dequantised, the float operator
// runs, its result is quantised. Also the quantisers of QONNX and FINN.
#include <algorithm>
#include <cmath>
#include <utility>

#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Type = onnx_pb::Tensor;
using Ints = std::vector<std::int64_t>;

// The integers of a type that quantised values may have.
struct Range {
  std::int64_t low, high;
};

Result<Range> RangeOf(std::int32_t type) {
  switch (type) {
    case Type::UINT8:
      return Range{0, 255};
    case Type::INT8:
      return Range{-128, 127};
    case Type::UINT16:
      return Range{0, 65535};
    case Type::INT16:
      return Range{-32768, 32767};
    case Type::UINT4:
      return Range{0, 15};
    case Type::INT4:
      return Range{-8, 7};
    case Type::INT32:
      return Range{INT32_MIN, INT32_MAX};
    default:
      return Unsupported("it quantises to element type {}", type);
  }
}

Result<ir::ValueId> FloatScalar(const NodeImport& n, const char* part, float v) {
  return n.AddConstant(part, ir::Tensor::Float({}, {v}));
}

// (x - zero) * scale, per element of scale along `axis`.
Result<ir::ValueId> Dequantize(const NodeImport& n, const char* part, ir::ValueId x,
                               ir::ValueId scale, ir::ValueId zero, std::int64_t axis) {
  std::vector<ir::ValueId> operands = {x, scale};
  if (zero != ir::kNoValue) operands.push_back(zero);
  return n.EmitPart(ir::OpKind::kDequantizeLinear, part, std::move(operands), {{"axis", axis}});
}

// y / scale + zero as the integers of `type`, the result of the node.
Status QuantizeResult(NodeImport& n, ir::ValueId y, ir::ValueId scale, ir::ValueId zero,
                      std::int64_t axis, std::int32_t type) {
  TF2_ASSIGN_OR_RETURN(const Range range, RangeOf(type));
  std::vector<ir::ValueId> operands = {y, scale};
  if (zero != ir::kNoValue) operands.push_back(zero);
  n.result_type = type;
  return n.EmitResult(ir::OpKind::kQuantizeLinear, std::move(operands),
                      {{"axis", axis}, {"min", range.low}, {"max", range.high}});
}

ir::ValueId Optional(const NodeImport& n, std::size_t i) {
  return n.HasInput(i) ? n.inputs[i] : ir::kNoValue;
}

Status RefuseBlocks(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(const std::int64_t block, n.attrs.Int("block_size", 0));
  if (block != 0)
    return WithHint(Unsupported("attribute block_size is {}", block),
                    "export the model with scales per tensor or per axis");
  return {};
}

Status ImportQuantizeLinear(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_RETURN_IF_ERROR(RefuseBlocks(n));
  n.attrs.Ignore("saturate");   // of 8-bit floats
  n.attrs.Ignore("precision");  // of the division
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 1));
  TF2_ASSIGN_OR_RETURN(std::int64_t type, n.attrs.Int("output_dtype", 0));
  if (n.HasInput(2)) type = n.TypeOf(2);
  if (type == 0) type = Type::UINT8;
  if (n.builder.DTypeOf(n.inputs[0]) != ir::DType::kFloat32) {
    TF2_ASSIGN_OR_RETURN(n.inputs[0], n.EmitPart(ir::OpKind::kCast, "float", {n.inputs[0]},
                                                 {{"to", std::string("f32")}}));
  }
  return QuantizeResult(n, n.inputs[0], n.inputs[1], Optional(n, 2), axis,
                        static_cast<std::int32_t>(type));
}

Status ImportDequantizeLinear(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 3));
  TF2_RETURN_IF_ERROR(RefuseBlocks(n));
  n.attrs.Ignore("output_dtype");
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 1));
  std::vector<ir::ValueId> operands = {n.inputs[0], n.inputs[1]};
  if (n.HasInput(2)) operands.push_back(n.inputs[2]);
  n.result_type = Type::FLOAT;
  return n.EmitResult(ir::OpKind::kDequantizeLinear, std::move(operands), {{"axis", axis}});
}

// The range of the data, zero included, in 255 steps.
Status ImportDynamicQuantizeLinear(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const auto extreme = [&](const char* fn) -> Result<ir::ValueId> {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId zero, FloatScalar(n, fn, 0));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId bound,
                         n.EmitPart(ir::OpKind::kReduce, std::string("data_") + fn, {n.inputs[0]},
                                    {{"fn", std::string(fn)}, {"keep", std::int64_t{0}}}));
    return n.EmitPart(ir::OpKind::kBinary, std::string("range_") + fn, {bound, zero},
                      {{"fn", std::string(fn)}});
  };
  TF2_ASSIGN_OR_RETURN(const ir::ValueId low, extreme("min"));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId high, extreme("max"));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId range, n.EmitPart(ir::OpKind::kSub, "range", {high, low}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId steps, FloatScalar(n, "steps", 255));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId scale,
                       n.EmitPart(ir::OpKind::kDiv, "scale", {range, steps}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId negative, n.EmitPart(ir::OpKind::kUnary, "negative", {low},
                                                              {{"fn", std::string("neg")}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId zero,
                       n.EmitPart(ir::OpKind::kQuantizeLinear, "zero", {negative, scale},
                                  {{"min", std::int64_t{0}}, {"max", std::int64_t{255}}}));
  n.SetOutput(1, scale, Type::FLOAT);
  n.SetOutput(2, zero, Type::UINT8);
  return QuantizeResult(n, n.inputs[0], scale, zero, 1, Type::UINT8);
}

// A convolution or product of floats under the name of a part of this node.
Result<ir::ValueId> FloatConv(NodeImport& n, ir::ValueId x, ir::ValueId w, ir::ValueId bias) {
  n.inputs = {x, w};
  if (bias != ir::kNoValue) n.inputs.push_back(bias);
  return n.AsPart("float", ImportConv);
}

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias of scale x_scale * w_scale.
Status ImportQLinearConv(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(8, 9));
  const std::vector<ir::ValueId> in = n.inputs;
  const std::int32_t type = n.TypeOf(7);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Dequantize(n, "data", in[0], in[1], in[2], 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId w, Dequantize(n, "weights", in[3], in[4], in[5], 0));
  ir::ValueId bias = ir::kNoValue;
  if (n.HasInput(8)) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId scale,
                         n.EmitPart(ir::OpKind::kMul, "bias_scale", {in[1], in[4]}));
    TF2_ASSIGN_OR_RETURN(bias, Dequantize(n, "bias", in[8], scale, ir::kNoValue, 0));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, FloatConv(n, x, w, bias));
  return QuantizeResult(n, y, in[6], in[7], 1, type);
}

// a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero; scales of a per row, of b per column.
Status ImportQLinearMatMul(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(8, 8));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId a,
                       Dequantize(n, "a", n.inputs[0], n.inputs[1], n.inputs[2], -2));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId b,
                       Dequantize(n, "b", n.inputs[3], n.inputs[4], n.inputs[5], -1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, n.EmitPart(ir::OpKind::kMatMul, "product", {a, b}));
  return QuantizeResult(n, y, n.inputs[6], n.inputs[7], -1, n.TypeOf(7));
}

// x, w, x_zero, w_zero: the integers of a convolution, exact below 2^24.
Status ImportConvInteger(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 4));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId one, FloatScalar(n, "one", 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x,
                       Dequantize(n, "data", n.inputs[0], one, Optional(n, 2), 1));
  ir::ValueId scale = one;
  const ir::ValueId zero = Optional(n, 3);
  const std::int64_t zeros = zero == ir::kNoValue ? 1 : ir::ElementCount(n.builder.ShapeOf(zero));
  if (zeros != 1) {
    TF2_ASSIGN_OR_RETURN(
        scale, n.AddConstant(
                   "ones", ir::Tensor::Float({zeros}, std::vector<float>(
                                                          static_cast<std::size_t>(zeros), 1.0F))));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId w, Dequantize(n, "weights", n.inputs[1], scale, zero, 0));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, FloatConv(n, x, w, ir::kNoValue));
  n.result_type = Type::INT32;
  return n.EmitResult(ir::OpKind::kCast, {y}, {{"to", std::string("i64")}});
}

// a, b, a_zero (per row), b_zero (per column).
Status ImportMatMulInteger(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 4));
  std::vector<ir::ValueId> operands = {n.inputs[0], n.inputs[1]};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!n.HasInput(i + 2)) continue;
    ir::ValueId zero = n.inputs[i + 2];
    if (i == 0 && n.builder.ShapeOf(zero).size() == 1 && n.builder.ShapeOf(zero)[0] != 1) {
      TF2_ASSIGN_OR_RETURN(zero,
                           n.EmitPart(ir::OpKind::kUnsqueeze, "rows", {zero}, {{"axes", Ints{1}}}));
    }
    TF2_ASSIGN_OR_RETURN(operands[i],
                         n.EmitPart(ir::OpKind::kSub, i == 0 ? "a" : "b", {operands[i], zero}));
  }
  n.result_type = Type::INT32;
  return n.EmitResult(ir::OpKind::kMatMul, std::move(operands));
}

// Operators of com.microsoft on (x, scale, zero) triples: a and b for the binary ones.
Status ImportQLinearBinary(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(7, 8));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId a,
                       Dequantize(n, "a", n.inputs[0], n.inputs[1], Optional(n, 2), 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId b,
                       Dequantize(n, "b", n.inputs[3], n.inputs[4], Optional(n, 5), 1));
  const bool adds = n.op_type.ends_with("Add");
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y,
                       n.EmitPart(adds ? ir::OpKind::kAdd : ir::OpKind::kMul, "float", {a, b}));
  return QuantizeResult(n, y, n.inputs[6], Optional(n, 7), 1, n.TypeOf(0));
}

// Makes this node, with its attributes, an operator of the default domain on floats.
void BecomeFloat(NodeImport& n, std::string_view op_type, std::int64_t opset,
                 std::vector<ir::ValueId> operands) {
  n.op_type = op_type;
  n.opset = opset;
  n.types.assign(operands.size(), Type::FLOAT);
  n.inputs = std::move(operands);
}

// x, x_scale, x_zero, y_scale, y_zero: the operator that the name says behind "QLinear".
Status ImportQLinearUnary(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(4, 5));
  const std::vector<ir::ValueId> in = n.inputs;
  const ir::ValueId zero = Optional(n, 4);
  const std::int32_t type = n.TypeOf(0);
  const std::string op_type = n.op_type.substr(n.op_type.find("QLinear") + 7);
  std::int64_t opset = 13;  // the axes of a reduction are an attribute
  if (op_type == "Softmax") {
    TF2_ASSIGN_OR_RETURN(opset, n.attrs.Int("opset", 13));
  }
  if (op_type.ends_with("AveragePool")) {
    TF2_ASSIGN_OR_RETURN(const std::int64_t last, n.attrs.Int("channels_last", 0));
    if (last != 0) {
      return WithHint(Unsupported("attribute channels_last is {}", last),
                      "quantise the model before its layout is changed to channels last");
    }
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, Dequantize(n, "data", in[0], in[1], Optional(n, 2), 1));
  BecomeFloat(n, op_type, opset, {x});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, n.AsPart("float", FindOperator(op_type)));
  return QuantizeResult(n, y, in[3], zero, 1, type);
}

// a, a_scale, a_zero, b, b_scale, b_zero (scales of b per column), c of scale alpha * a_scale *
// b_scale or none, y_scale and y_zero, or a result of floats.
Status ImportQGemm(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(6, 9));
  const std::vector<ir::ValueId> in = n.inputs;
  const ir::ValueId y_scale = Optional(n, 7), y_zero = Optional(n, 8);
  const bool has_bias = n.HasInput(6);
  const std::int32_t type = n.TypeOf(0);
  TF2_ASSIGN_OR_RETURN(const std::int64_t trans_b, n.attrs.Int("transB", 0));
  TF2_ASSIGN_OR_RETURN(const float alpha, n.attrs.Float("alpha", 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId a, Dequantize(n, "a", in[0], in[1], in[2], 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId b,
                       Dequantize(n, "b", in[3], in[4], in[5], trans_b != 0 ? 0 : 1));
  std::vector<ir::ValueId> operands = {a, b};
  if (has_bias) {
    TF2_ASSIGN_OR_RETURN(const ir::ValueId factor, FloatScalar(n, "alpha", alpha));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId steps,
                         n.EmitPart(ir::OpKind::kMul, "product_scale", {in[1], in[4]}));
    TF2_ASSIGN_OR_RETURN(const ir::ValueId scale,
                         n.EmitPart(ir::OpKind::kMul, "bias_scale", {steps, factor}));
    TF2_ASSIGN_OR_RETURN(operands.emplace_back(),
                         Dequantize(n, "bias", in[6], scale, ir::kNoValue, -1));
  }
  BecomeFloat(n, "Gemm", n.opset, std::move(operands));
  const ImportFunction gemm = FindOperator("Gemm");
  if (y_scale == ir::kNoValue) return gemm(n);
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, n.AsPart("float", gemm));
  return QuantizeResult(n, y, y_scale, y_zero, 1, type);
}

// condition, x and y with their scales and zeros, z_scale, z_zero.
Status ImportQLinearWhere(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(9, 9));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x,
                       Dequantize(n, "x", n.inputs[1], n.inputs[2], n.inputs[3], 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y,
                       Dequantize(n, "y", n.inputs[4], n.inputs[5], n.inputs[6], 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId z,
                       n.EmitPart(ir::OpKind::kWhere, "float", {n.inputs[0], x, y}));
  return QuantizeResult(n, z, n.inputs[7], n.inputs[8], 1, n.TypeOf(1));
}

// y_scale, y_zero, then triples.
Status ImportQLinearConcat(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(5, 1024));
  if (n.inputs.size() % 3 != 2) return InvalidArgument("it has {} inputs", n.inputs.size());
  TF2_RETURN_IF_ERROR(n.ExpectInputs(n.inputs.size(), n.inputs.size()));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 1));
  std::vector<ir::ValueId> parts;
  for (std::size_t i = 2; i < n.inputs.size(); i += 3) {
    const std::string part = fmt::format("part{}", i / 3);
    TF2_ASSIGN_OR_RETURN(parts.emplace_back(), Dequantize(n, part.c_str(), n.inputs[i],
                                                          n.inputs[i + 1], n.inputs[i + 2], 1));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, n.EmitPart(ir::OpKind::kConcat, "float",
                                                       std::move(parts), {{"axis", axis}}));
  return QuantizeResult(n, y, n.inputs[0], n.inputs[1], 1, n.TypeOf(2));
}

// The number that input i is known to hold.
Result<float> KnownNumber(const NodeImport& n, std::size_t i, const char* what) {
  const ir::Tensor* known = n.builder.KnownOf(n.inputs[i]);
  if (known == nullptr || known->f32.size() + known->i64.size() != 1) {
    return WithHint(Unsupported("{} (input {}) is no constant number", what, i),
                    "tf2 needs an initialiser or a Constant node there");
  }
  return known->f32.empty() ? static_cast<float>(known->i64[0]) : known->f32[0];
}

bool IsKnownAs(const NodeImport& n, ir::ValueId id, float value) {
  const ir::Tensor* known = n.builder.KnownOf(id);
  return known != nullptr &&
         std::all_of(known->f32.begin(), known->f32.end(), [value](float v) { return v == value; });
}

Result<const char*> RoundingFn(const std::string& mode) {
  if (mode == "ROUND" || mode == "HALF_EVEN") return "round";
  if (mode == "FLOOR" || mode == "DOWN") return "floor";
  if (mode == "CEIL") return "ceil";
  return Unsupported("attribute rounding_mode is '{}'; ROUND, FLOOR and CEIL are supported", mode);
}

// x / scale + zero; steps that change nothing are left out.
Result<ir::ValueId> ToIntegers(const NodeImport& n, ir::ValueId scale, ir::ValueId zero) {
  ir::ValueId x = n.inputs[0];
  if (!IsKnownAs(n, scale, 1)) {
    TF2_ASSIGN_OR_RETURN(x, n.EmitPart(ir::OpKind::kDiv, "steps", {x, scale}));
  }
  if (IsKnownAs(n, zero, 0)) return x;
  return n.EmitPart(ir::OpKind::kAdd, "shifted", {x, zero});
}

// (q - zero) * scale as the result of the node.
Status FromIntegers(NodeImport& n, ir::ValueId q, ir::ValueId scale, ir::ValueId zero) {
  if (!IsKnownAs(n, zero, 0)) {
    TF2_ASSIGN_OR_RETURN(q, n.EmitPart(ir::OpKind::kSub, "centred", {q, zero}));
  }
  if (IsKnownAs(n, scale, 1)) return n.EmitResult(ir::OpKind::kIdentity, {q});
  return n.EmitResult(ir::OpKind::kMul, {q, scale});
}

// Quant of QONNX: x, scale, zero point, bit width.
Status ImportQuant(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(4, 4));
  TF2_ASSIGN_OR_RETURN(const float bits, KnownNumber(n, 3, "the bit width"));
  if (!(bits >= 1 && bits <= 32)) return InvalidArgument("the bit width is {}", bits);
  TF2_ASSIGN_OR_RETURN(const std::int64_t is_signed, n.attrs.Int("signed", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t narrow, n.attrs.Int("narrow", 0));
  TF2_ASSIGN_OR_RETURN(const std::string mode, n.attrs.String("rounding_mode", "ROUND"));
  TF2_ASSIGN_OR_RETURN(const char* rounding, RoundingFn(mode));
  const double levels = std::exp2(static_cast<double>(bits));
  const double cut = narrow != 0 ? 1 : 0;
  const double low = is_signed != 0 ? -levels / 2 + cut : 0;
  const double high = is_signed != 0 ? levels / 2 - 1 : levels - 1 - cut;
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, ToIntegers(n, n.inputs[1], n.inputs[2]));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId clipped, n.EmitPart(ir::OpKind::kClip, "clipped", {x},
                                                             {{"min", static_cast<float>(low)},
                                                              {"max", static_cast<float>(high)}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId q, n.EmitPart(ir::OpKind::kUnary, "rounded", {clipped},
                                                       {{"fn", std::string(rounding)}}));
  return FromIntegers(n, q, n.inputs[1], n.inputs[2]);
}

// scale where x >= 0, -scale elsewhere.
Status ImportBipolarQuant(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId zero, FloatScalar(n, "zero", 0));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId up, FloatScalar(n, "one", 1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId down, FloatScalar(n, "minus_one", -1));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId positive,
                       n.EmitPart(ir::OpKind::kBinary, "positive", {n.inputs[0], zero},
                                  {{"fn", std::string("greater_equal")}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId sign,
                       n.EmitPart(ir::OpKind::kWhere, "sign", {positive, up, down}));
  return FromIntegers(n, sign, n.inputs[1], zero);
}

// Trunc of QONNX: x, scale, zero point, input and output bit widths; drops the lowest bits.
Status ImportTrunc(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(5, 5));
  TF2_ASSIGN_OR_RETURN(const float in_bits, KnownNumber(n, 3, "the input bit width"));
  TF2_ASSIGN_OR_RETURN(const float out_bits, KnownNumber(n, 4, "the output bit width"));
  if (!(in_bits >= out_bits && out_bits >= 1 && in_bits <= 64))
    return InvalidArgument("it truncates {} bits to {}", in_bits, out_bits);
  TF2_ASSIGN_OR_RETURN(const std::string mode, n.attrs.String("rounding_mode", "FLOOR"));
  TF2_ASSIGN_OR_RETURN(const char* rounding, RoundingFn(mode));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId x, ToIntegers(n, n.inputs[1], n.inputs[2]));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId whole, n.EmitPart(ir::OpKind::kUnary, "rounded", {x},
                                                           {{"fn", std::string("round")}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId divisor,
                       FloatScalar(n, "dropped", std::exp2(in_bits - out_bits)));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId part,
                       n.EmitPart(ir::OpKind::kDiv, "quotient", {whole, divisor}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId q, n.EmitPart(ir::OpKind::kUnary, "truncated", {part},
                                                       {{"fn", std::string(rounding)}}));
  return FromIntegers(n, q, n.inputs[1], n.inputs[2]);
}

Status ImportMultiThreshold(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  n.attrs.Ignore("out_dtype");  // of the hardware that FINN makes
  TF2_ASSIGN_OR_RETURN(const float scale, n.attrs.Float("out_scale", 1));
  TF2_ASSIGN_OR_RETURN(const float bias, n.attrs.Float("out_bias", 0));
  TF2_ASSIGN_OR_RETURN(const std::string layout, n.attrs.String("data_layout", "NCHW"));
  const ir::AttrMap attrs = {{"out_scale", scale}, {"out_bias", bias}};
  if (layout != "NHWC" || n.ShapeOf(0).size() != 4)
    return n.EmitResult(ir::OpKind::kMultiThreshold, {n.inputs[0], n.inputs[1]}, attrs);
  TF2_ASSIGN_OR_RETURN(
      const ir::ValueId x,
      n.EmitPart(ir::OpKind::kTranspose, "nchw", {n.inputs[0]}, {{"perm", Ints{0, 3, 1, 2}}}));
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y,
                       n.EmitPart(ir::OpKind::kMultiThreshold, "counted", {x, n.inputs[1]}, attrs));
  return n.EmitResult(ir::OpKind::kTranspose, {y}, {{"perm", Ints{0, 2, 3, 1}}});
}

// Conv and MaxPool of QONNX on [n, h, w, c], with weights [oc, kh, kw, ic].
Status ImportChannelsLast(NodeImport& n, ImportFunction import) {
  if (n.inputs.empty() || n.ShapeOf(0).size() != 4)
    return Unsupported("its input is not [n, h, w, c]");
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    if (!n.HasInput(i) || n.ShapeOf(i).size() != 4) continue;
    TF2_ASSIGN_OR_RETURN(n.inputs[i], n.EmitPart(ir::OpKind::kTranspose, fmt::format("nchw{}", i),
                                                 {n.inputs[i]}, {{"perm", Ints{0, 3, 1, 2}}}));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId y, n.AsPart("channels_first", import));
  return n.EmitResult(ir::OpKind::kTranspose, {y}, {{"perm", Ints{0, 2, 3, 1}}});
}

Status ImportChannelsLastConv(NodeImport& n) { return ImportChannelsLast(n, ImportConv); }
Status ImportChannelsLastMaxPool(NodeImport& n) { return ImportChannelsLast(n, ImportMaxPool); }

}  // namespace

std::vector<OperatorRow> QuantizedOperators() {
  return {
      {"ConvInteger", ImportConvInteger},
      {"DequantizeLinear", ImportDequantizeLinear},
      {"DynamicQuantizeLinear", ImportDynamicQuantizeLinear},
      {"MatMulInteger", ImportMatMulInteger},
      {"QLinearConv", ImportQLinearConv},
      {"QLinearMatMul", ImportQLinearMatMul},
      {"QuantizeLinear", ImportQuantizeLinear},
      {"com.microsoft.DequantizeLinear", ImportDequantizeLinear},
      {"com.microsoft.QGemm", ImportQGemm},
      {"com.microsoft.QLinearAdd", ImportQLinearBinary},
      {"com.microsoft.QLinearAveragePool", ImportQLinearUnary},
      {"com.microsoft.QLinearConcat", ImportQLinearConcat},
      {"com.microsoft.QLinearGlobalAveragePool", ImportQLinearUnary},
      {"com.microsoft.QLinearLeakyRelu", ImportQLinearUnary},
      {"com.microsoft.QLinearMul", ImportQLinearBinary},
      {"com.microsoft.QLinearReduceMean", ImportQLinearUnary},
      {"com.microsoft.QLinearSigmoid", ImportQLinearUnary},
      {"com.microsoft.QLinearSoftmax", ImportQLinearUnary},
      {"com.microsoft.QLinearWhere", ImportQLinearWhere},
      {"com.microsoft.QuantizeLinear", ImportQuantizeLinear},
      {"qonnx.BipolarQuant", ImportBipolarQuant},
      {"qonnx.Conv", ImportChannelsLastConv},
      {"qonnx.MaxPool", ImportChannelsLastMaxPool},
      {"qonnx.MultiThreshold", ImportMultiThreshold},
      {"qonnx.Quant", ImportQuant},
      {"qonnx.Trunc", ImportTrunc},
  };
}

}  // namespace tf2::import::onnx
