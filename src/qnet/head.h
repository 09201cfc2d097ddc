// Where floats become integers and integers floats again: quantisation of the input before any
// backend, and the heads (dequantise, softmax, a float graph) after the last integer layer. One
// implementation shared by all backends.
#ifndef TF2_QNET_HEAD_H_
#define TF2_QNET_HEAD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "qnet/interpreter.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

// Preprocessed inputs, each [c, h, w], one after another -> int8 with the Q of each channel:
// sat8(floor(x * 2^Q + 1/2)) in double, NaN gives 0. Errors: kInvalidArgument when the size is not
// the network's.
Result<std::vector<std::int8_t>> QuantizeInput(const QNet& net, std::span<const float> input);
// The same into `out`, which has the size of the network's inputs.
Status QuantizeInput(const QNet& net, std::span<const float> input, std::span<std::int8_t> out);

// Real values v * 2^-Q[c] of a tensor, [c, h, w].
std::vector<float> Dequantize(const Tensor& tensor, std::span<const std::uint8_t> bytes);

// What the user sees of one output: dequantised values, through the softmax over the channel where
// the head says so.
std::vector<float> ApplyHead(const QNet& net, const Output& output, const Bytes& bytes);

// What the model gives back: net.outputs, or the outputs of the head graph. Shapes are without the
// batch (a first dimension of 1).
struct ModelOutput {
  std::string name;
  std::vector<std::int64_t> shape;
};
std::vector<ModelOutput> ModelOutputs(const QNet& net);

// The values of ModelOutputs from the contents of net.outputs; integers of the head graph as
// floats. Errors: an operator of the head graph that is undefined on the values it meets.
Result<std::vector<std::vector<float>>> ApplyHeads(const QNet& net, std::span<const Bytes> outputs);

}  // namespace tf2::qnet

#endif  // TF2_QNET_HEAD_H_
