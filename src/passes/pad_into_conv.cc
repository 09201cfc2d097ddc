#include "passes/pad_into_conv.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;
using Ints = std::vector<std::int64_t>;

// Top, left, bottom, right of a pad with zeros around height and width.
std::optional<Ints> SpatialZeros(const Node& node) {
  const Ints p = node.Ints("pads");
  if (p.size() != 8 || node.String("mode") != "constant" || node.Float("value") != 0)
    return std::nullopt;
  if (p[0] != 0 || p[1] != 0 || p[4] != 0 || p[5] != 0) return std::nullopt;
  Ints around = {p[2], p[3], p[6], p[7]};
  if (*std::min_element(around.begin(), around.end()) < 0) return std::nullopt;
  return around;
}

// By value: whether it is known not to be negative.
using Signs = std::vector<bool>;

bool AllInputsNonNegative(const Signs& signs, const Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return id == ir::kNoValue || signs[Index(id)]; });
}

bool MakesNonNegative(const Signs& signs, const Node& node) {
  switch (node.kind) {
    case OpKind::kRelu:
    case OpKind::kSoftmax:
    case OpKind::kArgMax:
    case OpKind::kArgMin:
    case OpKind::kHardmax:
    case OpKind::kMaxPoolIndices:
      return true;
    case OpKind::kClip:
      return node.Float("max") >= 0 &&
             (node.Float("min") >= 0 || AllInputsNonNegative(signs, node));
    case OpKind::kConv:
    case OpKind::kGemm:
      return node.Int("relu") != 0;
    case OpKind::kAdd:
      return node.Int("relu") != 0 || AllInputsNonNegative(signs, node);
    case OpKind::kPad:
      return node.Float("value") >= 0 && AllInputsNonNegative(signs, node);
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
    case OpKind::kConcat:
    case OpKind::kIdentity:
    case OpKind::kFlatten:
    case OpKind::kReshape:
    case OpKind::kUnsqueeze:
    case OpKind::kSqueeze:
    case OpKind::kSlice:
    case OpKind::kAvgPool3d:
    case OpKind::kDepthToSpace:
    case OpKind::kExpand:
    case OpKind::kMaxPool3d:
    case OpKind::kSpaceToDepth:
    case OpKind::kTile:
    case OpKind::kTranspose:
      return AllInputsNonNegative(signs, node);
    case OpKind::kMatMul:
    case OpKind::kBatchNorm:
    case OpKind::kScale:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
    case OpKind::kConv3d:
    case OpKind::kConvTranspose:
    case OpKind::kConvTranspose3d:
    case OpKind::kEinsum:
    case OpKind::kUnary:
    case OpKind::kPrelu:
    case OpKind::kBinary:
    case OpKind::kWhere:
    case OpKind::kQuantizeLinear:
    case OpKind::kDequantizeLinear:
    case OpKind::kMultiThreshold:
    case OpKind::kLrn:
    case OpKind::kGroupNorm:
    case OpKind::kLayerNorm:
    case OpKind::kMvn:
    case OpKind::kL2Normalize:
    case OpKind::kReduce:
    case OpKind::kTopK:
    case OpKind::kCumSum:
    case OpKind::kResize:
    case OpKind::kTrilu:
    case OpKind::kOneHot:
    case OpKind::kGatherElements:
    case OpKind::kGatherNd:
    case OpKind::kScatterElements:
    case OpKind::kScatterNd:
    case OpKind::kReverseSequence:
    case OpKind::kGridSample:
    case OpKind::kRoiAlign:
    case OpKind::kDetectionOutput:
    case OpKind::kRoiPool:
    case OpKind::kProposal:
    case OpKind::kLogSoftmax:
    case OpKind::kShape:
    case OpKind::kGather:
    case OpKind::kCast:
      return false;
  }
  TF2_CHECK(false, "no such operator");
}

Signs SignsOf(const Graph& graph) {
  Signs signs(graph.values.size(), false);
  for (const Node& node : graph.nodes)
    signs[Index(node.outputs[0])] = MakesNonNegative(signs, node);
  return signs;
}

Ints Sum(const Ints& a, const Ints& b) {
  return {a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]};
}

// Rounded down, not dilated, and every window keeps an element of the input.
bool PoolAllowsPads(const ir::PoolAttrs& a, const Ints& pads) {
  return !a.ceil && a.dh == 1 && a.dw == 1 && std::max(pads[0], pads[2]) < a.kh &&
         std::max(pads[1], pads[3]) < a.kw;
}

// Whether `reader` (of the output of a pad of `input`) took the padding over.
bool TakePadding(const Graph& graph, const Signs& signs, Node& reader, ValueId input,
                 const Ints& zeros) {
  if (reader.kind != OpKind::kConv && reader.kind != OpKind::kMaxPool &&
      reader.kind != OpKind::kAvgPool)
    return false;
  if (reader.kind == OpKind::kConv && reader.Float("pad_value") != 0) return false;
  const Ints own = reader.Ints("pads");
  const Ints pads = Sum(own, zeros);
  if (reader.kind != OpKind::kConv) {
    const ir::PoolAttrs a = PoolAttrsOf(graph, reader);
    if (!PoolAllowsPads(a, pads)) return false;
    if (reader.kind == OpKind::kMaxPool && !signs[Index(input)]) return false;
    if (reader.kind == OpKind::kAvgPool) {
      if (a.divisor == ir::PoolDivisor::kValid && own != Ints{0, 0, 0, 0}) return false;
      reader.attrs.insert_or_assign("divisor", std::string("kernel"));
    }
  }
  reader.attrs.insert_or_assign("pads", pads);
  reader.inputs[0] = input;
  return true;
}

}  // namespace

Result<int> PadIntoConv(Graph& graph) {
  int changes = 0;
  const Signs signs = SignsOf(graph);
  for (const Node& pad : graph.nodes) {
    if (pad.kind != OpKind::kPad) continue;
    const std::optional<Ints> zeros = SpatialZeros(pad);
    if (!zeros) continue;
    for (std::size_t reader : graph.Readers(pad.outputs[0])) {
      Node& node = graph.nodes[reader];
      if (node.inputs[0] == pad.outputs[0] &&
          TakePadding(graph, signs, node, pad.inputs[0], *zeros))
        ++changes;
    }
  }
  return changes;
}

}  // namespace tf2::passes
