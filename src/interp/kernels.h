// The kernels of the interpreter, one file per operator. Private to src/interp.
#ifndef TF2_INTERP_KERNELS_H_
#define TF2_INTERP_KERNELS_H_

#include <span>

#include "base/parallel.h"
#include "base/result.h"
#include "ir/graph.h"

namespace tf2::interp {

// One node with the tensors it reads; `y` has the right shape, type and size and is filled with
// zeros.
struct Call {
  const ir::Graph& graph;
  const ir::Node& node;
  std::span<const ir::Tensor* const> inputs;  // null for an absent one
  ThreadPool* pool = nullptr;                 // null: this thread alone

  const ir::Tensor& x(std::size_t i = 0) const { return *inputs[i]; }
  // The data of an optional float input, or null.
  const float* Data(std::size_t i) const {
    return i < inputs.size() && inputs[i] != nullptr ? inputs[i]->f32.data() : nullptr;
  }
};

// y[n, o, h, w] = bias[o] + residual + sum over ic, ky, kx in this order, float accumulation; then
// relu.
Status RunConv(const Call& call, ir::Tensor& y);
// y[n, o] = bias[o] + sum over k; eight interleaved partial sums, added pairwise; then relu.
Status RunGemm(const Call& call, ir::Tensor& y);
// y[.., m, o] = sum over k in order.
Status RunMatMul(const Call& call, ir::Tensor& y);
// y = x * factor[c] + shift[c]; factor = gamma / sqrt(variance + epsilon), both made in double.
Status RunBatchNorm(const Call& call, ir::Tensor& y);
Status RunScale(const Call& call, ir::Tensor& y);
Status RunRelu(const Call& call, ir::Tensor& y);
// Add, sub, mul, div with broadcasting, on floats or integers (wrapping; division truncates, by
// zero is an error).
Status RunArithmetic(const Call& call, ir::Tensor& y);
Status RunMaxPool(const Call& call, ir::Tensor& y);  // global too; padding never wins
Status RunAvgPool(const Call& call, ir::Tensor& y);  // global too; sums in float, row by row
Status RunConcat(const Call& call, ir::Tensor& y);
Status RunPad(const Call& call, ir::Tensor& y);
// Flatten, reshape, identity, squeeze, unsqueeze.
Status RunCopy(const Call& call, ir::Tensor& y);
Status RunSoftmax(const Call& call, ir::Tensor& y);  // as wide.h says
Status RunShape(const Call& call, ir::Tensor& y);
Status RunGather(const Call& call, ir::Tensor& y);  // negative indices count from the end
Status RunSlice(const Call& call, ir::Tensor& y);
Status RunCast(const Call& call, ir::Tensor& y);  // to integers: towards zero, saturating, NaN to
                                                  // 0; then wrapped to the type

// The following accumulate in double unless they say otherwise.
Status RunConv3d(const Call& call, ir::Tensor& y);
Status RunConvTranspose(const Call& call, ir::Tensor& y);  // two and three axes
Status RunMaxPool3d(const Call& call, ir::Tensor& y);
Status RunAvgPool3d(const Call& call, ir::Tensor& y);
Status RunMaxPoolIndices(const Call& call, ir::Tensor& y);  // the first of equals
Status RunEinsum(const Call& call, ir::Tensor& y);
Status RunUnary(const Call& call, ir::Tensor& y);  // in double, rounded once
Status RunClip(const Call& call, ir::Tensor& y);   // NaN stays NaN
Status RunPrelu(const Call& call, ir::Tensor& y);
Status RunBinary(const Call& call, ir::Tensor& y);  // mod of integers by zero is an error
Status RunWhere(const Call& call, ir::Tensor& y);
Status RunQuantizeLinear(const Call& call, ir::Tensor& y);
Status RunDequantizeLinear(const Call& call, ir::Tensor& y);
Status RunMultiThreshold(const Call& call, ir::Tensor& y);
Status RunLrn(const Call& call, ir::Tensor& y);
Status RunGroupNorm(const Call& call, ir::Tensor& y);  // as wide.h says
Status RunLayerNorm(const Call& call, ir::Tensor& y);  // likewise
Status RunMvn(const Call& call, ir::Tensor& y);
Status RunL2Normalize(const Call& call, ir::Tensor& y);  // 0 where the norm is 0
Status RunReduce(const Call& call, ir::Tensor& y);       // integers wrap; their mean truncates
Status RunArg(const Call& call, ir::Tensor& y);
Status RunTopK(const Call& call, ir::Tensor& y);  // sorted; equals by index
Status RunCumSum(const Call& call, ir::Tensor& y);
Status RunTranspose(const Call& call, ir::Tensor& y);
Status RunExpand(const Call& call, ir::Tensor& y);
Status RunTile(const Call& call, ir::Tensor& y);
Status RunResize(const Call& call, ir::Tensor& y);
Status RunDepthToSpace(const Call& call, ir::Tensor& y);
Status RunSpaceToDepth(const Call& call, ir::Tensor& y);
Status RunTrilu(const Call& call, ir::Tensor& y);
Status RunOneHot(const Call& call, ir::Tensor& y);
// Indices outside an axis are errors; of several updates to one element the last counts.
Status RunGatherElements(const Call& call, ir::Tensor& y);
Status RunGatherNd(const Call& call, ir::Tensor& y);
Status RunScatterElements(const Call& call, ir::Tensor& y);
Status RunScatterNd(const Call& call, ir::Tensor& y);
Status RunReverseSequence(const Call& call, ir::Tensor& y);
Status RunGridSample(const Call& call, ir::Tensor& y);
Status RunRoiAlign(const Call& call, ir::Tensor& y);
Status RunRoiPool(const Call& call, ir::Tensor& y);
Status RunProposal(const Call& call, ir::Tensor& y);
Status RunDetectionOutput(const Call& call, ir::Tensor& y);
Status RunLogSoftmax(const Call& call, ir::Tensor& y);
Status RunHardmax(const Call& call, ir::Tensor& y);  // one at the first maximum

}  // namespace tf2::interp

#endif  // TF2_INTERP_KERNELS_H_
