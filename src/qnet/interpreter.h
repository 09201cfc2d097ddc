// The oracle: executes a QNet with plain loops, an operator a file (conv.cc, max_pool.cc, ...).
// Every backend, the program oracle and the RTL must produce the same bytes for every tensor.
#ifndef TF2_QNET_INTERPRETER_H_
#define TF2_QNET_INTERPRETER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

// The contents of one tensor in [c, h, w] order: int8, or int16 little endian.
using Bytes = std::vector<std::uint8_t>;

// Runs one frame. `input`: the quantised inputs one after another, InputElements(net) values. `net`
// must pass Verify (a violation is a CHECK). Errors: kInvalidArgument when the input's size is not
// the network's; a host operator that is undefined on its values, by operator. Thread-safe: no
// state outside the call.

// Every tensor, indexed by TensorId.
Result<std::vector<Bytes>> InterpretAll(const QNet& net, std::span<const std::int8_t> input);
// The tensors of net.outputs, in that order; tensors that are no longer read are freed on the way.
Result<std::vector<Bytes>> Interpret(const QNet& net, std::span<const std::int8_t> input);

// One operator on the contents of its inputs; returns the contents of its output. Only a host
// operator can fail, and only host operators use the threads of `pool` where it is not null.
Result<Bytes> RunOp(const QNet& net, const Op& op, std::span<const Bytes* const> inputs,
                    ThreadPool* pool = nullptr);

}  // namespace tf2::qnet

#endif  // TF2_QNET_INTERPRETER_H_
