// Where floats become integers and integers floats again: quantisation of the input before any
// backend, and the heads (dequantise, softmax) after the last integer layer. One implementation
// shared by all backends.
#ifndef TF2_QNET_HEAD_H_
#define TF2_QNET_HEAD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "qnet/interpreter.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

// Preprocessed input [c, h, w] -> int8 with the Q of each channel: sat8(floor(x * 2^Q + 1/2)) in
// double, NaN gives 0. Errors: kInvalidArgument when the size is not the network's.
Result<std::vector<std::int8_t>> QuantizeInput(const QNet& net, std::span<const float> input);

// Real values v * 2^-Q[c] of a tensor, [c, h, w].
std::vector<float> Dequantize(const Tensor& tensor, std::span<const std::uint8_t> bytes);

// What the user sees of one output: dequantised values, through the softmax over the channel where
// the head says so.
std::vector<float> ApplyHead(const QNet& net, const Output& output, const Bytes& bytes);

}  // namespace tf2::qnet

#endif  // TF2_QNET_HEAD_H_
