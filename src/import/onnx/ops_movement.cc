// Operators that move data: Concat, Split, Pad, Reshape, Transpose, Tile and their like.
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
  const ir::Tensor* value = n.builder.KnownOf(n.inputs[2]);
  if (value == nullptr) {
    return WithHint(Unsupported("the padding value (input 2) must be constant"),
                    "tf2 needs an initialiser or a Constant node there");
  }
  if (value->f32.size() + value->i64.size() != 1)
    return InvalidArgument("the padding value is not a single number");
  return value->f32.empty() ? static_cast<float>(value->i64[0]) : value->f32[0];
}

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
  if (mode != "constant" && mode != "edge" && mode != "reflect" && mode != "wrap") {
    return WithHint(Unsupported("attribute mode is '{}'", mode),
                    "constant, edge, reflect and wrap are supported");
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
  const std::size_t rank = n.ShapeOf(0).size();
  TF2_ASSIGN_OR_RETURN(auto perm, n.attrs.Ints("perm"));
  std::vector<std::size_t> order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  if (perm) {
    TF2_ASSIGN_OR_RETURN(const auto sorted, ir::NormalizeAxes(*perm, rank));
    if (sorted.size() != rank)
      return InvalidArgument("attribute perm has {} numbers instead of {}", perm->size(), rank);
    for (std::size_t i = 0; i < rank; ++i) {
      TF2_ASSIGN_OR_RETURN(order[i], ir::NormalizeAxis((*perm)[i], rank));
    }
  }
  if (const ir::Tensor* x = n.builder.Constant(n.inputs[0]); x != nullptr) {
    TF2_ASSIGN_OR_RETURN(n.result, n.builder.AddConstant(n.outputs[0], Transposed(*x, order)));
    return {};
  }
  return n.EmitResult(ir::OpKind::kTranspose, {n.inputs[0]},
                      {{"perm", Ints(order.begin(), order.end())}});
}

// The sizes of the outputs of a Split along an axis of `size`.
Result<Ints> SplitSizes(NodeImport& n, std::int64_t size) {
  const auto count = static_cast<std::int64_t>(n.outputs.size());
  TF2_ASSIGN_OR_RETURN(auto given, n.IntsOf("split", 13, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t wanted, n.attrs.Int("num_outputs", count));
  if (wanted != count) return InvalidArgument("num_outputs is {} for {} outputs", wanted, count);
  if (!given || given->empty()) {
    const std::int64_t chunk = (size + count - 1) / count;
    Ints sizes(n.outputs.size(), chunk);
    sizes.back() = size - chunk * (count - 1);
    given = std::move(sizes);
  }
  std::int64_t total = 0;
  for (std::int64_t s : *given) {
    if (s < 0 || s > size) return InvalidArgument("it splits off {} of {}", s, size);
    total += s;
  }
  if (given->size() != n.outputs.size() || total != size) {
    return InvalidArgument("it splits {} into [{}] for {} outputs", size, fmt::join(*given, ", "),
                           count);
  }
  return *std::move(given);
}

Status ImportSplit(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, n.opset < 2 || n.opset >= 13 ? 2 : 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t wanted, n.attrs.Int("axis", 0));
  TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(wanted, n.ShapeOf(0).size()));
  const auto axis = static_cast<std::int64_t>(at);
  TF2_ASSIGN_OR_RETURN(const Ints sizes, SplitSizes(n, n.ShapeOf(0)[at]));
  std::int64_t start = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const ir::AttrMap attrs = {
        {"starts", Ints{start}}, {"ends", Ints{start + sizes[i]}}, {"axes", Ints{axis}}};
    start += sizes[i];
    if (n.Reads(i)) TF2_RETURN_IF_ERROR(n.EmitOutput(i, ir::OpKind::kSlice, {n.inputs[0]}, attrs));
  }
  return {};
}

Status ImportExpand(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
  TF2_ASSIGN_OR_RETURN(const Ints target, n.KnownInts(1, "the numbers of the target shape"));
  TF2_ASSIGN_OR_RETURN(ir::Shape shape, ir::BroadcastShape(n.ShapeOf(0), target));
  return n.EmitResult(ir::OpKind::kExpand, {n.inputs[0]}, {{"shape", std::move(shape)}});
}

Status ImportTile(NodeImport& n) {
  Ints repeats;
  if (n.opset < 6) {
    TF2_RETURN_IF_ERROR(n.ExpectInputs(3, 3));
    TF2_ASSIGN_OR_RETURN(const Ints tiles, n.KnownInts(1, "the tiles"));
    TF2_ASSIGN_OR_RETURN(const Ints axis, n.KnownInts(2, "the axis"));
    if (tiles.size() != 1 || axis.size() != 1) return InvalidArgument("tiles or axis is a list");
    TF2_ASSIGN_OR_RETURN(const std::size_t at, ir::NormalizeAxis(axis[0], n.ShapeOf(0).size()));
    repeats.assign(n.ShapeOf(0).size(), 1);
    repeats[at] = tiles[0];
  } else {
    TF2_RETURN_IF_ERROR(n.ExpectInputs(2, 2));
    TF2_ASSIGN_OR_RETURN(repeats, n.KnownInts(1, "the repeats"));
  }
  return n.EmitResult(ir::OpKind::kTile, {n.inputs[0]}, {{"repeats", std::move(repeats)}});
}

Status ImportDepthToSpace(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t block, n.attrs.Int("blocksize", 0));
  TF2_ASSIGN_OR_RETURN(const std::string mode, n.attrs.String("mode", "DCR"));
  if (mode != "DCR" && mode != "CRD") return InvalidArgument("attribute mode is '{}'", mode);
  return n.EmitResult(ir::OpKind::kDepthToSpace, {n.inputs[0]},
                      {{"block", block}, {"mode", std::string(mode == "DCR" ? "dcr" : "crd")}});
}

Status ImportSpaceToDepth(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 1));
  TF2_ASSIGN_OR_RETURN(const std::int64_t block, n.attrs.Int("blocksize", 0));
  return n.EmitResult(ir::OpKind::kSpaceToDepth, {n.inputs[0]}, {{"block", block}});
}

Status ImportTrilu(NodeImport& n) {
  TF2_RETURN_IF_ERROR(n.ExpectInputs(1, 2));
  TF2_ASSIGN_OR_RETURN(const std::int64_t upper, n.attrs.Int("upper", 1));
  std::int64_t k = 0;
  if (n.HasInput(1)) {
    TF2_ASSIGN_OR_RETURN(const Ints known, n.KnownInts(1, "k"));
    if (known.size() != 1) return InvalidArgument("k is not a single number");
    k = std::clamp(known[0], -ir::kMaxDimension, ir::kMaxDimension);
  }
  return n.EmitResult(ir::OpKind::kTrilu, {n.inputs[0]},
                      {{"upper", std::int64_t{upper != 0}}, {"k", k}});
}

}  // namespace

std::vector<OperatorRow> MovementOperators() {
  return {
      {"Concat", ImportConcat},
      {"DepthToSpace", ImportDepthToSpace},
      {"Expand", ImportExpand},
      {"Flatten", ImportFlatten},
      {"Pad", ImportPad},
      {"Reshape", ImportReshape},
      {"SpaceToDepth", ImportSpaceToDepth},
      {"Split", ImportSplit},
      {"Tile", ImportTile},
      {"Transpose", ImportTranspose},
      {"Trilu", ImportTrilu},
  };
}

}  // namespace tf2::import::onnx
