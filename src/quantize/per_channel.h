// Operators that map every channel by one factor and one shift, and the constants of nodes.
// Internal to src/quantize.
#ifndef TF2_QUANTIZE_PER_CHANNEL_H_
#define TF2_QUANTIZE_PER_CHANNEL_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace tf2::quantize {

// kUnsupported, located at the node.
Error Refuse(const ir::Node& node, std::string message, std::string hint);

// The constant input `i` of `node` as numbers; empty when it is absent. Errors: it is computed at
// run time.
Result<std::vector<float>> ConstantOf(const ir::Graph& graph, const ir::Node& node, std::size_t i);

// Constant operand `i` that broadcasts to one number a channel of the node's result [1, c, ...].
// Errors: it does not, or it is computed at run time.
Result<std::vector<float>> ChannelConstant(const ir::Graph& graph, const ir::Node& node,
                                           std::size_t i, std::size_t channels);

// y[c] = x[c] * factor[c] + shift[c].
struct PerChannel {
  std::vector<float> factor;
  std::vector<float> shift;
};

// What `node` (batch-norm, scale, add, sub, mul, div; the identity for relu and pad) does to its
// run-time input `data` of `channels` channels. Errors: a constant that is not one number a
// channel, a division by it.
Result<PerChannel> PerChannelOf(const ir::Graph& graph, const ir::Node& node, std::size_t data,
                                std::size_t channels);

}  // namespace tf2::quantize

#endif  // TF2_QUANTIZE_PER_CHANNEL_H_
