// Random small networks for fuzzing every executor against every other: seeded, valid by
// qnet::Verify, the same seed gives the same network everywhere.
#ifndef TF2_QNET_RANDOM_NET_H_
#define TF2_QNET_RANDOM_NET_H_

#include <cstdint>
#include <vector>

#include "qnet/qnet.h"

namespace tf2::qnet {

struct RandomNetOptions {
  std::int32_t max_ops = 8;
  std::int32_t max_channels = 20;
  std::int32_t max_side = 10;    // of the input, pixels
  std::int32_t acc_bits = 24;    // rows stay within this accumulator
  bool mac = false;              // some int8-weight convolutions (no engine takes them)
  bool two_terms = false;        // some two-term convolutions
  bool general_reshape = false;  // reshapes other than flatten and [c,h,w] -> [c,h',w']
  bool cpu_only = false;         // inputs, operators and activations that no engine takes
};

// Covers convolution (stride, padding with 0 and kLowPadding, dilation, groups, depthwise,
// residual, relu, whole-input kernels), max and average pooling (several divisors), add, concat
// (nested, shared inputs), reshape, several outputs, int16 and softmax outputs; with `cpu_only`
// also several inputs, clip and PReLU, tables, binary operators with broadcasting, both LRNs,
// moves, dilation, host operators and a head graph.
QNet RandomNet(std::uint64_t seed, const RandomNetOptions& options = {});

// A picture for each input of `net`: int8 [c][h][w], extremes over-represented.
std::vector<std::int8_t> RandomInput(const QNet& net, std::uint64_t seed);

}  // namespace tf2::qnet

#endif  // TF2_QNET_RANDOM_NET_H_
