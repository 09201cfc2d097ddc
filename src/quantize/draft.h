// A QNet before its numbers: operators, dims and windows as they will be, with the float weights of
// each convolution beside them. Choosing Q (choose_q.h), rounding weights (weights.h) and a tuning
// loop work on it.
#ifndef TF2_QUANTIZE_DRAFT_H_
#define TF2_QUANTIZE_DRAFT_H_

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "qnet/qnet.h"
#include "quantize/calibrate.h"

namespace tf2::quantize {

// Real weights of one convolution, and what its activation needs.
struct FloatWeights {
  std::vector<float> w;           // [oc][ic/groups][kh][kw]
  std::vector<float> bias;        // [oc]
  float clip_low = 0;             // kClip
  float clip_high = 0;            //
  std::vector<float> slope = {};  // [oc], kPRelu: of what is negative
};

// y = x / (bias + alpha / taps * sum of squares)^beta.
struct LrnNumbers {
  double alpha = 0, beta = 0, bias = 1;
};

// Where a node of the graph runs.
enum class Place : std::uint8_t {
  kLayer,   // as the operator `layer` of the QNet
  kFolded,  // within `layer`, or as another order of a tensor's elements
  kHost,    // in the float graph of the host operator `layer`
  kHead,    // on real values after the last layer
  kUnused,  // nowhere: no output depends on it
};
struct Placement {
  Place place = Place::kUnused;
  std::string layer;
  std::string reason;  // why it is no integer operator; may be empty
  std::string hint;    // what would help; may be empty
};

struct Draft {
  // Complete but for Tensor::q, Conv::terms, beta, scale, t and the numbers of its activation,
  // AvgPool::scale, Table::values, Lrn::factor and shift.
  qnet::QNet net;
  std::vector<FloatWeights> weights;  // by index of the operator; empty for all but convolutions
  std::vector<ir::ValueId> values;    // by TensorId: the float value that the tensor quantises
  // By index of the operator: the function of a table, from [256] to [256].
  std::map<std::size_t, qnet::FloatGraph> functions;
  std::map<std::size_t, LrnNumbers> lrns;
  std::vector<Placement> placements;  // by node of the graph
};

// The operators of `graph` (fused, shapes inferred, batch 1) as operators of a QNet.
//
// A fully connected layer becomes the convolution whose kernel is its unflattened input; flatten,
// reshape and identity vanish where their reader does not mind. A ReLU, clip, PReLU, batch-norm,
// scale, zero padding or arithmetic with one constant a channel that no pass could fuse becomes a
// depthwise 1 x 1 convolution; a function of one variable a table; a transposed convolution a
// dilation and a convolution. What has no integer operator becomes part of a host operator where a
// weighted layer depends on it, else of the head. Tensors that only outputs, the head and host
// operators read are 16 bits wide where their operator can be. Fake quantisation (QuantizeLinear
// and DequantizeLinear) vanishes where it clips nothing: where it is signed and `calibration`, if
// given, has no value far beyond its range. Errors: kUnsupported for an input without batch 1 and a
// channel.
Result<Draft> LowerStructure(const ir::Graph& graph, const Calibration* calibration = nullptr);

// Tensors whose channels need one Q, and why: "table \"sigmoid1\"".
struct OneQDemand {
  qnet::TensorId tensor{};
  std::string why;
};
std::vector<OneQDemand> OneQDemands(const qnet::QNet& net);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_DRAFT_H_
