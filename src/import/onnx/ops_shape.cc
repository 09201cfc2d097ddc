// Constants, shape arithmetic and casts.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "import/onnx/node_import.h"
#include "import/onnx/tensor_reader.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;
using Type = onnx_pb::Tensor;

// The value of a Constant node, whichever attribute holds it; none where there is none.
Result<std::optional<ir::Tensor>> ConstantValue(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(const onnx_pb::Tensor* tensor, n.attrs.Tensor("value"));
  if (tensor != nullptr) {
    n.result_type = tensor->data_type();
    TF2_ASSIGN_OR_RETURN(ir::Tensor value, ReadTensor(*tensor, n.folder));
    return std::optional(std::move(value));
  }
  TF2_ASSIGN_OR_RETURN(auto ints, n.attrs.Ints("value_ints"));
  if (ints) {
    const auto count = static_cast<std::int64_t>(ints->size());
    return std::optional(ir::Tensor::Int({count}, *std::move(ints)));
  }
  TF2_ASSIGN_OR_RETURN(auto floats, n.attrs.Floats("value_floats"));
  if (floats) {
    const auto count = static_cast<std::int64_t>(floats->size());
    return std::optional(ir::Tensor::Float({count}, *std::move(floats)));
  }
  if (n.attrs.Has("value_int")) {
    TF2_ASSIGN_OR_RETURN(const std::int64_t value, n.attrs.Int("value_int", 0));
    return std::optional(ir::Tensor::Int({}, {value}));
  }
  if (n.attrs.Has("value_float")) {
    TF2_ASSIGN_OR_RETURN(const float value, n.attrs.Float("value_float", 0));
    return std::optional(ir::Tensor::Float({}, {value}));
  }
  return std::optional<ir::Tensor>();
}

Status SetConstant(NodeImport& n, ir::Tensor value) {
  TF2_ASSIGN_OR_RETURN(n.result, n.builder.AddConstant(n.outputs[0], std::move(value)));
  return {};
}

Status ImportConstant(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(0, 0));
  TF2_ASSIGN_OR_RETURN(auto value, ConstantValue(n));
  if (!value) {
    TF2_RETURN_IF_ERROR(n.attrs.CheckAllUsed());  // a string or a sparse tensor
    return InvalidArgument("it has no value");
  }
  return SetConstant(n, *std::move(value));
}

// `count` zeros of `dtype`, within the limits on constants.
Result<ir::Tensor> ZeroTensor(const NodeImport& n, ir::DType dtype, ir::Shape shape) {
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  ir::Shape filled = shape;
  std::replace(filled.begin(), filled.end(), std::int64_t{0}, std::int64_t{1});
  TF2_ASSIGN_OR_RETURN(std::int64_t count, CheckedElementCount(filled));
  if (empty) count = 0;
  TF2_RETURN_IF_ERROR(n.builder.Reserve(dtype, count));
  ir::Tensor t;
  t.dtype = dtype;
  t.shape = std::move(shape);
  if (dtype == ir::DType::kFloat32) {
    t.f32.resize(static_cast<std::size_t>(count));
  } else {
    t.i64.resize(static_cast<std::size_t>(count));
  }
  return t;
}

Status ImportConstantOfShape(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(ir::Shape shape, n.KnownInts(0, "the dimensions"));
  ir::Tensor value = ir::Tensor::Float({1}, {0});
  n.result_type = Type::FLOAT;
  TF2_ASSIGN_OR_RETURN(const onnx_pb::Tensor* given, n.attrs.Tensor("value"));
  if (given != nullptr) {
    TF2_ASSIGN_OR_RETURN(value, ReadTensor(*given, n.folder));
    n.result_type = given->data_type();
  }
  if (value.f32.size() + value.i64.size() != 1)
    return InvalidArgument("attribute value is not a single number");
  for (std::int64_t d : shape) {
    if (d < 0) return InvalidArgument("shape {} has the dimension {}", ir::ToString(shape), d);
  }
  TF2_ASSIGN_OR_RETURN(ir::Tensor filled, ZeroTensor(n, value.dtype, std::move(shape)));
  if (!value.f32.empty()) std::fill(filled.f32.begin(), filled.f32.end(), value.f32[0]);
  if (!value.i64.empty()) std::fill(filled.i64.begin(), filled.i64.end(), value.i64[0]);
  return SetConstant(n, std::move(filled));
}

Status ImportShape(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const auto rank = static_cast<std::int64_t>(n.ShapeOf(0).size());
  TF2_ASSIGN_OR_RETURN(const std::int64_t start, n.attrs.Int("start", 0));
  TF2_ASSIGN_OR_RETURN(const std::int64_t end, n.attrs.Int("end", rank));
  n.result_type = Type::INT64;
  if (start == 0 && end == rank) return n.EmitResult(ir::OpKind::kShape, {n.inputs[0]});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId all,
                       n.EmitPart(ir::OpKind::kShape, "shape", {n.inputs[0]}));
  return n.EmitResult(ir::OpKind::kSlice, {all}, {{"starts", Ints{start}}, {"ends", Ints{end}}});
}

Status ImportSize(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  n.result_type = Type::INT64;
  return SetConstant(n, ir::Tensor::Int({}, {ir::ElementCount(n.ShapeOf(0))}));
}

Status ImportUnsqueeze(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 13 ? n.ExpectInputs(1, 1) : n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(auto axes, n.IntsOf("axes", 13, 1));
  if (!axes) return InvalidArgument("attribute axes is missing");
  return n.EmitResult(ir::OpKind::kUnsqueeze, {n.inputs[0]}, {{"axes", *std::move(axes)}});
}

Status ImportSqueeze(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, n.opset < 13 ? 1 : 2));
  TF2_ASSIGN_OR_RETURN(auto axes, n.IntsOf("axes", 13, 1));
  ir::AttrMap attrs;
  if (axes) attrs["axes"] = *std::move(axes);
  return n.EmitResult(ir::OpKind::kSqueeze, {n.inputs[0]}, std::move(attrs));
}

Status ImportSlice(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 10 ? n.ExpectInputs(1, 1) : n.ExpectInputs(3, 5));
  TF2_ASSIGN_OR_RETURN(auto starts, n.IntsOf("starts", 10, 1));
  TF2_ASSIGN_OR_RETURN(auto ends, n.IntsOf("ends", 10, 2));
  if (!starts || !ends) return InvalidArgument("attribute starts or ends is missing");
  TF2_ASSIGN_OR_RETURN(auto axes, n.IntsOf("axes", 10, 3));
  ir::AttrMap attrs = {{"starts", *std::move(starts)}, {"ends", *std::move(ends)}};
  if (axes) attrs["axes"] = *std::move(axes);
  if (n.opset >= 10) {
    TF2_ASSIGN_OR_RETURN(auto steps, n.IntsOf("steps", 10, 4));
    if (steps) attrs["steps"] = *std::move(steps);
  }
  return n.EmitResult(ir::OpKind::kSlice, {n.inputs[0]}, std::move(attrs));
}

// A cast between types of which both are kept as the same one changes nothing, unless it wraps or
// rounds.
Status EmitCast(NodeImport& n, std::int32_t type) {
  TF2_ASSIGN_OR_RETURN(const ir::DType dtype, MapDataType(type));
  const std::string to = CastName(type);
  n.result_type = type;
  const bool exact = to == "f32" || to == "i64" || type == n.TypeOf(0);
  if (exact && dtype == n.builder.DTypeOf(n.inputs[0]))
    return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  return n.EmitResult(ir::OpKind::kCast, {n.inputs[0]}, {{"to", to}});
}

Status ImportCast(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  n.attrs.Ignore("saturate");  // of casts to 8-bit floats
  std::int64_t type = 0;
  if (n.opset < 6) {
    TF2_ASSIGN_OR_RETURN(const std::string name, n.attrs.String("to", ""));
    onnx_pb::Tensor::DataType parsed{};
    if (onnx_pb::Tensor::DataType_Parse(name, &parsed)) type = parsed;
  } else {
    TF2_ASSIGN_OR_RETURN(type, n.attrs.Int("to", 0));
  }
  return EmitCast(n, type >= 0 && type < 64 ? static_cast<std::int32_t>(type) : 0);
}

Status ImportCastLike(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  n.attrs.Ignore("saturate");
  return EmitCast(n, n.TypeOf(1));
}

Status ImportRange(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  std::array<double, 3> v{};
  for (std::size_t i = 0; i < 3; ++i) {
    const ir::Tensor* known = n.builder.KnownOf(n.inputs[i]);
    if (known == nullptr || known->f32.size() + known->i64.size() != 1) {
      return WithHint(Unsupported("start, limit or delta depends on the data"),
                      "tf2 needs static shapes: simplify the model first");
    }
    v[i] = known->f32.empty() ? static_cast<double>(known->i64[0]) : known->f32[0];
  }
  if (v[2] == 0) return InvalidArgument("delta is 0");
  const double count = std::max(0.0, std::ceil((v[1] - v[0]) / v[2]));
  if (!(count <= static_cast<double>(ir::kMaxDimension)))
    return ResourceExhausted("it has {} elements", count);
  TF2_ASSIGN_OR_RETURN(ir::Tensor t, ZeroTensor(n, n.builder.DTypeOf(n.inputs[0]),
                                                {static_cast<std::int64_t>(count)}));
  for (std::size_t i = 0; i < t.f32.size(); ++i)
    t.f32[i] = static_cast<float>(v[0] + static_cast<double>(i) * v[2]);
  const auto integer = [&](std::size_t input) {
    const ir::Tensor& known = *n.builder.KnownOf(n.inputs[input]);
    return static_cast<std::uint64_t>(known.i64.empty() ? 0 : known.i64[0]);
  };
  const std::uint64_t start = integer(0);
  const std::uint64_t delta = integer(2);
  for (std::size_t i = 0; i < t.i64.size(); ++i)
    t.i64[i] = static_cast<std::int64_t>(start + i * delta);
  return SetConstant(n, std::move(t));
}

Status ImportEyeLike(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t type, n.attrs.Int("dtype", n.TypeOf(0)));
  TF2_ASSIGN_OR_RETURN(const std::int64_t k, n.attrs.Int("k", 0));
  n.result_type = type >= 0 && type < 64 ? static_cast<std::int32_t>(type) : 0;
  TF2_ASSIGN_OR_RETURN(const ir::DType dtype, MapDataType(n.result_type));
  const ir::Shape shape = n.ShapeOf(0);
  if (shape.size() != 2) return InvalidArgument("its input is {}, no matrix", ir::ToString(shape));
  TF2_ASSIGN_OR_RETURN(ir::Tensor t, ZeroTensor(n, dtype, shape));
  for (std::int64_t row = 0; row < shape[0]; ++row) {
    if (k < -row || k >= shape[1] - row) continue;
    const auto at = static_cast<std::size_t>(row * shape[1] + row + k);
    if (dtype == ir::DType::kFloat32) {
      t.f32[at] = 1;
    } else {
      t.i64[at] = 1;
    }
  }
  return SetConstant(n, std::move(t));
}

// a0 - a1 cos(2 pi i / m) + a2 cos(4 pi i / m).
Status ImportSignalWindow(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const Ints size, n.KnownInts(0, "the size"));
  if (size.size() != 1 || size[0] < 1) return InvalidArgument("the size is no positive number");
  TF2_ASSIGN_OR_RETURN(const std::int64_t periodic, n.attrs.Int("periodic", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t type, n.attrs.Int("output_datatype", Type::FLOAT));
  if (type != Type::FLOAT && type != Type::DOUBLE)
    return Unsupported("attribute output_datatype is {}", type);
  const bool blackman = n.op_type == "BlackmanWindow";
  const double a0 = blackman ? 0.42 : n.op_type == "HannWindow" ? 0.5 : 25.0 / 46;
  const double a2 = blackman ? 0.08 : 0;
  const double a1 = blackman ? 0.5 : 1 - a0;
  n.result_type = static_cast<std::int32_t>(type);
  TF2_ASSIGN_OR_RETURN(ir::Tensor t, ZeroTensor(n, ir::DType::kFloat32, {size[0]}));
  const auto period =
      static_cast<double>(periodic != 0 ? size[0] : std::max<std::int64_t>(1, size[0] - 1));
  for (std::size_t i = 0; i < t.f32.size(); ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / period;
    t.f32[i] = static_cast<float>(a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle));
  }
  return SetConstant(n, std::move(t));
}

}  // namespace

std::vector<OperatorRow> ShapeOperators() {
  return {
      {"BlackmanWindow", ImportSignalWindow},
      {"Cast", ImportCast},
      {"CastLike", ImportCastLike},
      {"Constant", ImportConstant},
      {"ConstantOfShape", ImportConstantOfShape},
      {"EyeLike", ImportEyeLike},
      {"HammingWindow", ImportSignalWindow},
      {"HannWindow", ImportSignalWindow},
      {"Range", ImportRange},
      {"Shape", ImportShape},
      {"Size", ImportSize},
      {"Slice", ImportSlice},
      {"Squeeze", ImportSqueeze},
      {"Unsqueeze", ImportUnsqueeze},
  };
}

}  // namespace tf2::import::onnx
