// The kernels of the interpreter, one file per operator. Private to src/interp.
#ifndef TF2_INTERP_KERNELS_H_
#define TF2_INTERP_KERNELS_H_

#include <span>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::interp {

// One node with the tensors it reads; `y` has the right shape, type and size and is filled with
// zeros.
struct Call {
  const ir::Graph& graph;
  const ir::Node& node;
  std::span<const ir::Tensor* const> inputs;  // null for an absent one

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
Status RunSoftmax(const Call& call, ir::Tensor& y);
Status RunShape(const Call& call, ir::Tensor& y);
Status RunGather(const Call& call, ir::Tensor& y);  // negative indices count from the end
Status RunSlice(const Call& call, ir::Tensor& y);
Status RunCast(const Call& call, ir::Tensor& y);  // to integers: towards zero, saturating, NaN to 0

}  // namespace tf2::interp

#endif  // TF2_INTERP_KERNELS_H_
