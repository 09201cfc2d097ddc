#include "passes/identity_removal.h"

#include <algorithm>
#include <optional>

#include "ir/shape_math.h"
#include "passes/rewrite.h"

namespace tf2::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::Shape;

bool TakesEverythingForwards(const Node& node, const Shape& in) {
  const auto ranges = ir::SliceRangesOf(node, in);
  return ranges && std::all_of(ranges->begin(), ranges->end(),
                               [](const ir::SliceRange& r) { return r.step > 0; });
}

bool IsUnitWindow(const Graph& graph, const Node& node) {
  const ir::PoolAttrs a = PoolAttrsOf(graph, node);
  return a.kh == 1 && a.kw == 1;
}

// Given that shape and type of input and output are equal.
bool KeepsEveryElement(const Graph& graph, const Node& node, const Shape& in) {
  switch (node.kind) {
    case OpKind::kIdentity:
    case OpKind::kExpand:
    case OpKind::kReshape:
    case OpKind::kFlatten:
    case OpKind::kSqueeze:
    case OpKind::kUnsqueeze:
      return true;
    case OpKind::kCast:
      return node.String("to") == "f32" || node.String("to") == "i64";
    case OpKind::kTile: {
      const auto repeats = node.Ints("repeats");
      return std::all_of(repeats.begin(), repeats.end(), [](std::int64_t r) { return r == 1; });
    }
    case OpKind::kTranspose: {
      const auto perm = node.Ints("perm");
      return std::is_sorted(perm.begin(), perm.end());
    }
    case OpKind::kResize: {
      const auto scales = node.Floats("scales");
      const std::string coordinates = node.String("coordinates");
      return coordinates != "tf_crop_and_resize" &&
             coordinates != "tf_half_pixel_for_nn" &&  // half an element away
             std::all_of(scales.begin(), scales.end(), [](float s) { return s == 1; });
    }
    case OpKind::kDepthToSpace:
    case OpKind::kSpaceToDepth:
      return node.Int("block") == 1;
    case OpKind::kConcat:
      return node.inputs.size() == 1;
    case OpKind::kPad: {
      const auto pads = node.Ints("pads");
      return std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; });
    }
    case OpKind::kSlice:
      return TakesEverythingForwards(node, in);
    case OpKind::kMaxPool:
    case OpKind::kAvgPool:  // one tap a window and as many windows as elements: a shift would leave
                            // an empty window
    case OpKind::kGlobalMaxPool:
    case OpKind::kGlobalAvgPool:
      return IsUnitWindow(graph, node);
    case OpKind::kConv:
    case OpKind::kGemm:
    case OpKind::kMatMul:
    case OpKind::kBatchNorm:
    case OpKind::kScale:
    case OpKind::kRelu:
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kDiv:
    case OpKind::kSoftmax:
    case OpKind::kConv3d:
    case OpKind::kConvTranspose:
    case OpKind::kConvTranspose3d:
    case OpKind::kEinsum:
    case OpKind::kUnary:
    case OpKind::kClip:
    case OpKind::kPrelu:
    case OpKind::kBinary:
    case OpKind::kWhere:
    case OpKind::kQuantizeLinear:
    case OpKind::kDequantizeLinear:
    case OpKind::kMultiThreshold:
    case OpKind::kMaxPoolIndices:
    case OpKind::kMaxPool3d:
    case OpKind::kAvgPool3d:
    case OpKind::kLrn:
    case OpKind::kGroupNorm:
    case OpKind::kLayerNorm:
    case OpKind::kMvn:
    case OpKind::kL2Normalize:
    case OpKind::kReduce:
    case OpKind::kArgMax:
    case OpKind::kArgMin:
    case OpKind::kTopK:
    case OpKind::kCumSum:
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
    case OpKind::kHardmax:
    case OpKind::kShape:
    case OpKind::kGather:
      return false;
  }
  TF2_CHECK(false, "no such operator");
}

bool IsIdentity(const Graph& graph, const Node& node) {
  const ir::Value& in = graph.value(node.inputs[0]);
  const ir::Value& out = graph.value(node.outputs[0]);
  return in.shape == out.shape && in.dtype == out.dtype && KeepsEveryElement(graph, node, in.shape);
}

// Writes a node that turns [n, ...] into [n, rest] as flatten with axis 1.
bool MakeFlatten(const Graph& graph, Node& node) {
  const Shape& in = graph.value(node.inputs[0]).shape;
  const Shape& out = graph.value(node.outputs[0]).shape;
  if (!MovesNothing(node.kind) || in.size() < 2 || out.size() != 2 || in[0] != out[0]) return false;
  if (node.kind == OpKind::kFlatten && node.Int("axis") == 1) return false;
  node.kind = OpKind::kFlatten;
  node.inputs.resize(1);
  node.attrs.clear();
  return true;
}

// A reshape or flatten of a reshape reads what that one read.
bool SkipReshapeBefore(const Graph& graph, Node& node) {
  if (!MovesNothing(node.kind)) return false;
  const std::optional<std::size_t> producer = graph.Producer(node.inputs[0]);
  if (!producer || !MovesNothing(graph.nodes[*producer].kind)) return false;
  node.inputs = {graph.nodes[*producer].inputs[0]};
  node.kind = OpKind::kReshape;
  node.attrs = {{"shape", graph.value(node.outputs[0]).shape}};
  return true;
}

}  // namespace

Result<int> RemoveIdentities(Graph& graph) {
  int changes = 0;
  for (std::size_t i = 0; i < graph.nodes.size();) {
    if (IsIdentity(graph, graph.nodes[i]) && Bypass(graph, i)) {
      ++changes;
      continue;
    }
    if (SkipReshapeBefore(graph, graph.nodes[i])) {
      ++changes;
      continue;
    }
    if (MakeFlatten(graph, graph.nodes[i])) ++changes;
    ++i;
  }
  return changes;
}

}  // namespace tf2::passes
