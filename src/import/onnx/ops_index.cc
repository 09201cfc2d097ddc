// Operators that address elements by index: the gathers and scatters, OneHot, Compress, sampling.
#include <algorithm>
#include <utility>

#include "import/onnx/node_import.h"
#include "import/onnx/tensor_reader.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

Status ImportGather(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 0));
  return n.EmitResult(ir::OpKind::kGather, {n.inputs[0], n.inputs[1]}, {{"axis", axis}});
}

Status ImportGatherElements(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 0));
  return n.EmitResult(ir::OpKind::kGatherElements, {n.inputs[0], n.inputs[1]}, {{"axis", axis}});
}

Status ImportGatherNd(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t batch, n.attrs.Int("batch_dims", 0));
  return n.EmitResult(ir::OpKind::kGatherNd, {n.inputs[0], n.inputs[1]}, {{"batch_dims", batch}});
}

Status ImportScatter(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  TF2_ASSIGN_OR_RETURN(const std::string reduction, n.attrs.String("reduction", "none"));
  ir::AttrMap attrs = {{"reduction", reduction}};
  if (n.op_type == "ScatterND") return n.EmitResult(ir::OpKind::kScatterNd, n.inputs, attrs);
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 0));
  attrs["axis"] = axis;
  return n.EmitResult(ir::OpKind::kScatterElements, n.inputs, attrs);
}

Status ImportOneHot(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  const ir::Tensor* depth = n.builder.KnownOf(n.inputs[1]);
  if (depth == nullptr || depth->f32.size() + depth->i64.size() != 1) {
    return WithHint(Unsupported("the depth (input 1) depends on the data"),
                    "export the model with static shapes, or simplify it first");
  }
  const std::int64_t count =
      depth->i64.empty() ? static_cast<std::int64_t>(std::clamp(depth->f32[0], 0.0F, 16777216.0F))
                         : depth->i64[0];
  if (count < 1 || count > ir::kMaxDimension) return InvalidArgument("the depth is {}", count);
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", -1));
  if (n.builder.DTypeOf(n.inputs[0]) == ir::DType::kFloat32) {
    TF2_ASSIGN_OR_RETURN(n.inputs[0], n.EmitPart(ir::OpKind::kCast, "indices", {n.inputs[0]},
                                                 {{"to", std::string("i64")}}));
  }
  n.result_type = n.TypeOf(2);
  return n.EmitResult(ir::OpKind::kOneHot, {n.inputs[0], n.inputs[2]},
                      {{"axis", axis}, {"depth", count}});
}

// Elements where a known condition holds.
Status ImportCompress(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const Ints condition, n.KnownInts(1, "the conditions"));
  Ints chosen;
  for (std::size_t i = 0; i < condition.size(); ++i) {
    if (condition[i] != 0) chosen.push_back(static_cast<std::int64_t>(i));
  }
  const auto count = static_cast<std::int64_t>(chosen.size());
  std::int64_t axis = 0;
  if (n.attrs.Has("axis")) {
    TF2_ASSIGN_OR_RETURN(axis, n.attrs.Int("axis", 0));
  } else {
    TF2_ASSIGN_OR_RETURN(n.inputs[0], n.EmitPart(ir::OpKind::kReshape, "flat", {n.inputs[0]},
                                                 {{"shape", Ints{-1}}}));
  }
  TF2_ASSIGN_OR_RETURN(const ir::ValueId indices,
                       n.AddConstant("indices", ir::Tensor::Int({count}, std::move(chosen))));
  return n.EmitResult(ir::OpKind::kGather, {n.inputs[0], indices}, {{"axis", axis}});
}

Status ImportNonZero(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const ir::Tensor* x = n.builder.KnownOf(n.inputs[0]);
  if (x == nullptr) {
    return WithHint(Unsupported("how many elements are not zero depends on the data"),
                    "tf2 needs static shapes: end the model before it");
  }
  const auto count = static_cast<std::size_t>(ir::ElementCount(x->shape));
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < count; ++i) {
    if (x->dtype == ir::DType::kFloat32 ? x->f32[i] != 0 : x->i64[i] != 0) found.push_back(i);
  }
  const std::size_t rank = x->shape.size();
  TF2_RETURN_IF_ERROR(
      n.builder.Reserve(ir::DType::kInt64, static_cast<std::int64_t>(rank * found.size())));
  Ints indices(rank * found.size());
  for (std::size_t j = 0; j < found.size(); ++j) {
    const Ints at = ir::Coordinates(x->shape, static_cast<std::int64_t>(found[j]));
    for (std::size_t d = 0; d < rank; ++d) indices[d * found.size() + j] = at[d];
  }
  const ir::Shape shape = {static_cast<std::int64_t>(rank),
                           static_cast<std::int64_t>(found.size())};
  n.result_type = onnx_pb::Tensor::INT64;
  TF2_ASSIGN_OR_RETURN(
      n.result, n.builder.AddConstant(n.outputs[0], ir::Tensor::Int(shape, std::move(indices))));
  return {};
}

Status ImportReverseSequence(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t batch, n.attrs.Int("batch_axis", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t time, n.attrs.Int("time_axis", 0));
  if (std::min(batch, time) != 0 || std::max(batch, time) != 1)
    return InvalidArgument("batch_axis and time_axis are {} and {}, not 0 and 1", batch, time);
  return n.EmitResult(ir::OpKind::kReverseSequence, {n.inputs[0], n.inputs[1]},
                      {{"batch_axis", batch}, {"time_axis", time}});
}

Status ImportGridSample(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(std::string mode, n.attrs.String("mode", "bilinear"));
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  TF2_ASSIGN_OR_RETURN(const std::string padding, n.attrs.String("padding_mode", "zeros"));
  TF2_ASSIGN_OR_RETURN(const std::int64_t align, n.attrs.Int("align_corners", 0));
  return n.EmitResult(
      ir::OpKind::kGridSample, {n.inputs[0], n.inputs[1]},
      {{"mode", mode}, {"padding", padding}, {"align_corners", std::int64_t{align != 0}}});
}

Status ImportRoiAlign(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
  TF2_ASSIGN_OR_RETURN(const std::string mode, n.attrs.String("mode", "avg"));
  TF2_ASSIGN_OR_RETURN(const std::int64_t height, n.attrs.Int("output_height", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t width, n.attrs.Int("output_width", 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t sampling, n.attrs.Int("sampling_ratio", 0));
  TF2_ASSIGN_OR_RETURN(const float scale, n.attrs.Float("spatial_scale", 1));
  // Operator set 16 moved the boxes by half a pixel.
  TF2_ASSIGN_OR_RETURN(const std::string transform,
                       n.attrs.String("coordinate_transformation_mode",
                                      n.opset < 16 ? "output_half_pixel" : "half_pixel"));
  return n.EmitResult(ir::OpKind::kRoiAlign, n.inputs,
                      {{"mode", mode},
                       {"height", height},
                       {"width", width},
                       {"sampling", sampling},
                       {"scale", scale},
                       {"offset", transform == "half_pixel" ? 0.5F : 0.0F}});
}

}  // namespace

std::vector<OperatorRow> IndexOperators() {
  return {
      {"Compress", ImportCompress},
      {"Gather", ImportGather},
      {"GatherElements", ImportGatherElements},
      {"GatherND", ImportGatherNd},
      {"GridSample", ImportGridSample},
      {"NonZero", ImportNonZero},
      {"OneHot", ImportOneHot},
      {"ReverseSequence", ImportReverseSequence},
      {"RoiAlign", ImportRoiAlign},
      {"Scatter", ImportScatter},
      {"ScatterElements", ImportScatter},
      {"ScatterND", ImportScatter},
  };
}

}  // namespace tf2::import::onnx
