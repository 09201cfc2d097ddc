// A QNet before its numbers: operators, dims and windows as they will be, with the float weights of
// each convolution beside them. Choosing Q (choose_q.h), rounding weights (weights.h) and a tuning
// loop work on it.
#ifndef TF2_QUANTIZE_DRAFT_H_
#define TF2_QUANTIZE_DRAFT_H_

#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"

namespace tf2::quantize {

// Real weights of one convolution.
struct FloatWeights {
  std::vector<float> w;     // [oc][ic/groups][kh][kw]
  std::vector<float> bias;  // [oc]
};

struct Draft {
  // Complete but for Tensor::q, Conv::terms, beta, scale, t and AvgPool::scale.
  qnet::QNet net;
  std::vector<FloatWeights> weights;  // by index of the operator; empty for all but convolutions
  std::vector<ir::ValueId> values;    // by TensorId: the float value that the tensor quantises
};

// The operators of `graph` (fused, shapes inferred, batch 1) as operators of a QNet.
//
// A fully connected layer becomes the convolution whose kernel is its unflattened input; flatten,
// reshape and identity vanish where their reader does not mind. A ReLU, batch-norm, scale, zero
// padding or arithmetic with one constant a channel that no pass could fuse becomes a depthwise 1 x
// 1 convolution. Softmax becomes the head of an output. Tensors that only outputs read are 16 bits
// wide where their operator can be. Errors: kUnsupported with node, operator and what to do.
Result<Draft> LowerStructure(const ir::Graph& graph);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_DRAFT_H_
