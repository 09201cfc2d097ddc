// Constant and shape arithmetic.
#include <algorithm>
#include <utility>

#include "import/onnx/constant_moves.h"
#include "import/onnx/node_import.h"
#include "import/onnx/tensor_reader.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

// Integers that were an attribute before `since` and are input i from then on; none where absent.
Result<std::optional<Ints>> IntsOf(NodeImport& n, const char* name, std::int64_t since,
                                   std::size_t i) {
  if (n.opset < since) return n.attrs.Ints(name);
  if (!n.HasInput(i)) return std::optional<Ints>();
  TF2_ASSIGN_OR_RETURN(Ints ints, n.KnownInts(i, name));
  return std::optional(std::move(ints));
}

// The value of a Constant node, whichever attribute holds it; none where there is none.
Result<std::optional<ir::Tensor>> ConstantValue(NodeImport& n) {
  TF2_ASSIGN_OR_RETURN(const onnx_pb::Tensor* tensor, n.attrs.Tensor("value"));
  if (tensor != nullptr) {
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

}  // namespace

Status ImportConstant(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(0, 0));
  TF2_ASSIGN_OR_RETURN(auto value, ConstantValue(n));
  if (!value) {
    TF2_RETURN_IF_ERROR(n.attrs.CheckAllUsed());  // a string or a sparse tensor
    return InvalidArgument("it has no value");
  }
  TF2_ASSIGN_OR_RETURN(n.result, n.builder.AddConstant(n.outputs[0], *std::move(value)));
  return {};
}

Status ImportConstantOfShape(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(ir::Shape shape, n.KnownInts(0, "the dimensions"));
  ir::Tensor value = ir::Tensor::Float({1}, {0});
  TF2_ASSIGN_OR_RETURN(const onnx_pb::Tensor* given, n.attrs.Tensor("value"));
  if (given != nullptr) {
    TF2_ASSIGN_OR_RETURN(value, ReadTensor(*given, n.folder));
  }
  if (value.f32.size() + value.i64.size() != 1)
    return InvalidArgument("attribute value is not a single number");
  const bool empty = shape == ir::Shape{0};
  TF2_ASSIGN_OR_RETURN(const std::int64_t count,
                       empty ? Result<std::int64_t>(0) : CheckedElementCount(shape));
  TF2_RETURN_IF_ERROR(n.builder.Reserve(value.dtype, count));
  value.shape = std::move(shape);
  value.f32.resize(value.f32.empty() ? 0 : count, value.f32.empty() ? 0 : value.f32[0]);
  value.i64.resize(value.i64.empty() ? 0 : count, value.i64.empty() ? 0 : value.i64[0]);
  TF2_ASSIGN_OR_RETURN(n.result, n.builder.AddConstant(n.outputs[0], std::move(value)));
  return {};
}

Status ImportShape(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const auto rank = static_cast<std::int64_t>(n.ShapeOf(0).size());
  TF2_ASSIGN_OR_RETURN(const std::int64_t start, n.attrs.Int("start", 0));
  TF2_ASSIGN_OR_RETURN(const std::int64_t end, n.attrs.Int("end", rank));
  if (start == 0 && end == rank) return n.EmitResult(ir::OpKind::kShape, {n.inputs[0]});
  TF2_ASSIGN_OR_RETURN(const ir::ValueId all,
                       n.EmitPart(ir::OpKind::kShape, "shape", {n.inputs[0]}));
  return n.EmitResult(ir::OpKind::kSlice, {all}, {{"starts", Ints{start}}, {"ends", Ints{end}}});
}

Status ImportGather(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 0));
  return n.EmitResult(ir::OpKind::kGather, {n.inputs[0], n.inputs[1]}, {{"axis", axis}});
}

Status ImportUnsqueeze(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 13 ? n.ExpectInputs(1, 1) : n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(auto axes, IntsOf(n, "axes", 13, 1));
  if (!axes) return InvalidArgument("attribute axes is missing");
  return n.EmitResult(ir::OpKind::kUnsqueeze, {n.inputs[0]}, {{"axes", *std::move(axes)}});
}

Status ImportSqueeze(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, n.opset < 13 ? 1 : 2));
  TF2_ASSIGN_OR_RETURN(auto axes, IntsOf(n, "axes", 13, 1));
  ir::AttrMap attrs;
  if (axes) attrs["axes"] = *std::move(axes);
  return n.EmitResult(ir::OpKind::kSqueeze, {n.inputs[0]}, std::move(attrs));
}

Status ImportSlice(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 10 ? n.ExpectInputs(1, 1) : n.ExpectInputs(3, 5));
  TF2_ASSIGN_OR_RETURN(auto starts, IntsOf(n, "starts", 10, 1));
  TF2_ASSIGN_OR_RETURN(auto ends, IntsOf(n, "ends", 10, 2));
  if (!starts || !ends) return InvalidArgument("attribute starts or ends is missing");
  TF2_ASSIGN_OR_RETURN(auto axes, IntsOf(n, "axes", 10, 3));
  ir::AttrMap attrs = {{"starts", *std::move(starts)}, {"ends", *std::move(ends)}};
  if (axes) attrs["axes"] = *std::move(axes);
  if (n.opset >= 10) {
    TF2_ASSIGN_OR_RETURN(auto steps, IntsOf(n, "steps", 10, 4));
    if (steps) attrs["steps"] = *std::move(steps);
  }
  const ir::Tensor* known = n.builder.IntsOf(n.inputs[0]);
  if (known != nullptr && known->shape.size() > 1) {
    ir::Node node{.kind = ir::OpKind::kSlice,
                  .name = {},
                  .inputs = {},
                  .outputs = {},
                  .attrs = std::move(attrs)};
    TF2_ASSIGN_OR_RETURN(const auto ranges, ir::SliceRangesOf(node, known->shape));
    TF2_ASSIGN_OR_RETURN(n.result, n.builder.AddConstant(n.outputs[0], Sliced(*known, ranges)));
    return {};
  }
  return n.EmitResult(ir::OpKind::kSlice, {n.inputs[0]}, std::move(attrs));
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
  const std::int32_t known = type >= 0 && type < 64 ? static_cast<std::int32_t>(type) : 0;
  if (known == onnx_pb::Tensor::BOOL) return Unsupported("it casts to BOOL");
  TF2_ASSIGN_OR_RETURN(const ir::DType dtype, MapDataType(known));
  if (dtype == n.builder.DTypeOf(n.inputs[0]))
    return n.EmitResult(ir::OpKind::kIdentity, {n.inputs[0]});
  return n.EmitResult(ir::OpKind::kCast, {n.inputs[0]},
                      {{"to", std::string(dtype == ir::DType::kInt64 ? "i64" : "f32")}});
}

}  // namespace tf2::import::onnx
