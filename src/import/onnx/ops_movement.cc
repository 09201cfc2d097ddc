// Concat, Pad, Flatten, Reshape, Transpose.
#include <algorithm>
#include <numeric>
#include <utility>

#include "import/onnx/constant_moves.h"
#include "import/onnx/node_import.h"
#include "ir/shape_math.h"

namespace tf2::import::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

// pads of all `rank` axes: before each, then after each.
Result<Ints> FullPads(NodeImport& n, std::size_t rank) {
  if (n.opset < 11) {
    TF2_ASSIGN_OR_RETURN(auto pads, n.attrs.Ints(n.opset < 2 ? "paddings" : "pads"));
    if (!pads) return InvalidArgument("attribute {} is missing", n.opset < 2 ? "paddings" : "pads");
    return *std::move(pads);
  }
  TF2_ASSIGN_OR_RETURN(Ints pads, n.KnownInts(1, "the pads"));
  if (!n.HasInput(3)) return pads;
  TF2_ASSIGN_OR_RETURN(const Ints listed, n.KnownInts(3, "the axes"));
  TF2_RETURN_IF_ERROR(ir::NormalizeAxes(listed, rank));
  if (pads.size() != 2 * listed.size())
    return InvalidArgument("{} pads for {} axes", pads.size(), listed.size());
  Ints full(2 * rank, 0);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    TF2_ASSIGN_OR_RETURN(const std::size_t axis, ir::NormalizeAxis(listed[i], rank));
    full[axis] = pads[i];
    full[axis + rank] = pads[i + listed.size()];
  }
  return full;
}

Result<float> PadValue(NodeImport& n) {
  if (n.opset < 11) return n.attrs.Float("value", 0);
  if (!n.HasInput(2)) return 0.0F;
  TF2_ASSIGN_OR_RETURN(const ir::Tensor* value, n.FloatConstant(2, "the padding value"));
  if (value->f32.size() != 1) return InvalidArgument("the padding value is not a single number");
  return value->f32[0];
}

}  // namespace

Status ImportConcat(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1024));
  TF2_RETURN_IF_ERROR(n.ExpectInputs(n.inputs.size(), n.inputs.size()));
  if (n.opset >= 4 && !n.attrs.Has("axis")) return InvalidArgument("attribute axis is missing");
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 1));
  return n.EmitResult(ir::OpKind::kConcat, n.inputs, {{"axis", axis}});
}

Status ImportPad(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.opset < 11 ? n.ExpectInputs(1, 1) : n.ExpectInputs(2, 4));
  TF2_ASSIGN_OR_RETURN(const std::string mode, n.attrs.String("mode", "constant"));
  if (mode != "constant" && mode != "edge" && mode != "reflect") {
    return WithHint(Unsupported("attribute mode is '{}'", mode),
                    "constant, edge and reflect are supported");
  }
  TF2_ASSIGN_OR_RETURN(Ints pads, FullPads(n, n.ShapeOf(0).size()));
  TF2_ASSIGN_OR_RETURN(const float value, PadValue(n));
  return n.EmitResult(ir::OpKind::kPad, {n.inputs[0]},
                      {{"pads", std::move(pads)}, {"mode", mode}, {"value", value}});
}

Status ImportFlatten(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t axis, n.attrs.Int("axis", 1));
  return n.EmitResult(ir::OpKind::kFlatten, {n.inputs[0]}, {{"axis", axis}});
}

Status ImportReshape(NodeImport& n) {
  Ints target;
  if (n.opset < 5) {
    TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
    n.attrs.Ignore("consumed_inputs");
    TF2_ASSIGN_OR_RETURN(auto shape, n.attrs.Ints("shape"));
    if (!shape) return InvalidArgument("attribute shape is missing");
    target = *std::move(shape);
  } else {
    TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
    TF2_ASSIGN_OR_RETURN(target, n.KnownInts(1, "the numbers of the target shape"));
  }
  TF2_ASSIGN_OR_RETURN(const std::int64_t allow_zero, n.attrs.Int("allowzero", 0));
  n.builder.FollowBatch(n.inputs[0], target);
  return n.EmitResult(ir::OpKind::kReshape, {n.inputs[0]},
                      {{"shape", std::move(target)}, {"allowzero", std::int64_t{allow_zero != 0}}});
}

Status ImportTranspose(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  const ir::Tensor* x = n.builder.Constant(n.inputs[0]);
  if (x == nullptr) x = n.builder.IntsOf(n.inputs[0]);
  if (x == nullptr) {
    return WithHint(Unsupported("its input is computed at run time"),
                    "only constants can be transposed; export the model in NCHW order");
  }
  TF2_ASSIGN_OR_RETURN(auto perm, n.attrs.Ints("perm"));
  std::vector<std::size_t> order(x->shape.size());
  std::iota(order.rbegin(), order.rend(), 0);
  if (perm) {
    TF2_ASSIGN_OR_RETURN(const auto sorted, ir::NormalizeAxes(*perm, order.size()));
    if (sorted.size() != order.size())
      return InvalidArgument("attribute perm has {} numbers instead of {}", perm->size(),
                             order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      TF2_ASSIGN_OR_RETURN(order[i], ir::NormalizeAxis((*perm)[i], order.size()));
    }
  }
  TF2_ASSIGN_OR_RETURN(n.result, n.builder.AddConstant(n.outputs[0], Transposed(*x, order)));
  return {};
}

}  // namespace tf2::import::onnx
