// The shape rule of every operator, called by shape inference. Private to src/ir.
#ifndef TF2_IR_SHAPE_RULES_H_
#define TF2_IR_SHAPE_RULES_H_

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::ir {

// Values that follow from static shapes and constants, by value: what a reshape takes its target
// from. Only small ones.
using KnownValues = std::map<ValueId, std::shared_ptr<const Tensor>>;
inline constexpr std::int64_t kLargestKnown = 4096;

struct Inferred {
  Shape shape;
  DType dtype = DType::kFloat32;
};

// A node with the shapes of its inputs.
struct RuleContext {
  const Graph& graph;
  const Node& node;
  const KnownValues& known;

  const Shape& shape(std::size_t i) const { return graph.value(node.inputs[i]).shape; }
  DType dtype(std::size_t i) const { return graph.value(node.inputs[i]).dtype; }
  std::size_t rank(std::size_t i) const { return shape(i).size(); }
  // The known value of input i, or null.
  const Tensor* known_value(std::size_t i) const;
  // The same, of integers only.
  const Tensor* ints(std::size_t i) const;
};

// Errors of the rules are located by the caller.
Status ExpectRank(const RuleContext& c, std::size_t input, std::size_t rank);
Status ExpectFloat(const RuleContext& c);  // all inputs
Status ExpectInts(const RuleContext& c, std::size_t input);
// Input i, when present, is a vector of n elements called `what`.
Status ExpectVector(const RuleContext& c, std::size_t input, std::int64_t n, const char* what);

Result<Inferred> ConvShape(const RuleContext& c);  // conv, conv3d
Result<Inferred> PoolShape(const RuleContext& c);  // all but the global ones
Result<Inferred> GlobalPoolShape(const RuleContext& c);
Result<Inferred> GemmShape(const RuleContext& c);
Result<Inferred> MatMulShape(const RuleContext& c);
Result<Inferred> PerChannelShape(const RuleContext& c);  // batch_norm, scale

Result<Inferred> ConcatShape(const RuleContext& c);
Result<Inferred> PadShape(const RuleContext& c);
Result<Inferred> FlattenShape(const RuleContext& c);
Result<Inferred> ReshapeShape(const RuleContext& c);
Result<Inferred> GatherShape(const RuleContext& c);
Result<Inferred> UnsqueezeShape(const RuleContext& c);
Result<Inferred> SqueezeShape(const RuleContext& c);
Result<Inferred> SliceShape(const RuleContext& c);

Result<Inferred> ConvTransposeShape(const RuleContext& c);  // conv_transpose, conv_transpose3d

Result<Inferred> UnaryShape(const RuleContext& c);
Result<Inferred> PreluShape(const RuleContext& c);
Result<Inferred> BinaryShape(const RuleContext& c);
Result<Inferred> WhereShape(const RuleContext& c);
Result<Inferred> QuantizeShape(const RuleContext& c);  // and dequantize
Result<Inferred> MultiThresholdShape(const RuleContext& c);
Result<Inferred> LrnShape(const RuleContext& c);
Result<Inferred> NormShape(const RuleContext& c);      // group_norm, layer_norm
Result<Inferred> AxesNormShape(const RuleContext& c);  // mvn, l2_normalize

Result<Inferred> ReduceShape(const RuleContext& c);
Result<Inferred> ArgShape(const RuleContext& c);
Result<Inferred> TopKShape(const RuleContext& c);
Result<Inferred> CumSumShape(const RuleContext& c);

Result<Inferred> TransposeShape(const RuleContext& c);
Result<Inferred> ExpandShape(const RuleContext& c);
Result<Inferred> TileShape(const RuleContext& c);
Result<Inferred> ResizeShape(const RuleContext& c);
Result<Inferred> BlockShape(const RuleContext& c);  // depth_to_space, space_to_depth
Result<Inferred> TriluShape(const RuleContext& c);
Result<Inferred> OneHotShape(const RuleContext& c);
Result<Inferred> GatherElementsShape(const RuleContext& c);
Result<Inferred> GatherNdShape(const RuleContext& c);
Result<Inferred> ScatterShape(const RuleContext& c);  // scatter_elements, scatter_nd
Result<Inferred> ReverseSequenceShape(const RuleContext& c);
Result<Inferred> GridSampleShape(const RuleContext& c);
Result<Inferred> RoiAlignShape(const RuleContext& c);
Result<Inferred> EinsumShape(const RuleContext& c);

Result<Inferred> DetectionOutputShape(const RuleContext& c);
Result<Inferred> RoiPoolShape(const RuleContext& c);
Result<Inferred> ProposalShape(const RuleContext& c);

// The value of a node whose inputs are known, for the small tensors that shape arithmetic uses;
// null where it is not.
std::shared_ptr<const Tensor> EvaluateKnown(const RuleContext& c, const Inferred& result);

}  // namespace tf2::ir

#endif  // TF2_IR_SHAPE_RULES_H_
